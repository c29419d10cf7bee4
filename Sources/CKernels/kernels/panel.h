// The layouts that packing, activations and the matmul kernels agree on. No algorithm here.
//
// A panel holds 16 rows of W. One layout serves every ISA, so that a packed file can be kept.
//
//  - A *step* is 64 bytes: for each of the 16 rows, in order, its codes at 4 consecutive k. That is one 512-bit
//    register of 32-bit lanes: a lane a row. AVX2 reads it as two halves and NEON as four quarters.
//  - A *slab* is 8 steps, 32 values of k. Codes of fewer than 8 bits share bytes with other steps of the same lane:
//      S8    8 vectors of 64 bytes: step s is vector s
//      S4    4 vectors: vector v holds step v in its low nibbles and step v + 4 in its high ones
//      S2    2 vectors: bits 2f and 2f + 1 of vector v are step v + 2f
//      S4_1  S4, then one vector whose bit s is bit 4 of step s
//      S2_1  S2, then one vector whose bit s is bit 2 of step s
//      S4_2  S4, then S2 for bits 4 and 5
//  - A panel is a run of *units*, each the scales of 1, 2 or 4 blocks (32 or 256 values of k), then their slabs. A unit
//    is the fewest blocks whose scales fill whole cache lines, so that slabs stay aligned; the last one may have fewer,
//    and its scales are padded. So a product of one row reads one stream of addresses. Scales first, since lines are
//    then touched in order: with all scales behind all slabs, two streams 16 KiB apart, one core of a Zen 4 read 16
//    GB/s of 34; with units of up to 2.3 KB all of it; with units of 4.6 KB 12 GB/s.
//    Scales of a block:
//      F16        16 float16 d
//      F16_MIN    16 float16 d, 16 float16 m
//      E8         16 exponents
//      I8_16      16 float16 d, then [16 sub-blocks][16 rows] int8
//      U4_MIN_16  16 float16 d, 16 float16 dmin, [16][16] scale | min << 4
//      U6_16      16 float16 d, [8][16] the low nibbles of sub-blocks j and j + 8, [4][16] bits 4 and 5 of j + 4f
//      U6_32      16 float16 d, [4][16] the low nibbles of sub-blocks j and j + 4, [2][16] bits 4 and 5 of j + 2f
//      U6_MIN_32  16 float16 d, 16 float16 dmin, [8][16] low nibbles of scale and min, [4][16] bits 4 and 5 of scale
//                 and min of sub-block 2j, then of 2j + 1
//    Bytes are those of the file's blocks: nothing is widened.
//  - F32 and F16 panels are [k][16]; BF16 panels are [k / 2 rounded up][16][2].
#ifndef CK_PANEL_H
#define CK_PANEL_H

#include "ckernels.h"
#include "runtime/platform.h"

enum {
  CK_ROWS = 16,
  CK_STEP = 64,
  CK_LAYOUT = 2,  // raised whenever the bytes of a panel change: cached panels are told by it
  CK_AHEAD = 4096,  // bytes that kernels of floats prefetch ahead; those of integers gain nothing by it
};

typedef enum ck_slab { CK_S8, CK_S4, CK_S4_1, CK_S4_2, CK_S2, CK_S2_1 } ck_slab;

typedef enum ck_map {
  CK_MAP_SIGNED,
  CK_MAP_NONE,
  CK_MAP_MINUS_4,
  CK_MAP_MINUS_8,
  CK_MAP_MINUS_16,
  CK_MAP_MINUS_32,
  CK_MAP_TABLE_NL,
  CK_MAP_TABLE_E2M1,
} ck_map;

typedef enum ck_scale {
  CK_SCALE_F16,
  CK_SCALE_F16_MIN,
  CK_SCALE_E8,
  CK_SCALE_I8_16,
  CK_SCALE_U4_MIN_16,
  CK_SCALE_U6_16,
  CK_SCALE_U6_32,
  CK_SCALE_U6_MIN_32,
} ck_scale;

/// Bytes of one slab.
CK_INLINE size_t ck_slab_bytes(ck_slab slab) {
  static const uint16_t bytes[] = {512, 256, 320, 384, 128, 192};
  return bytes[slab];
}

/// Bytes of the scales of one block of 16 rows.
CK_INLINE size_t ck_scale_bytes(ck_scale scale) {
  static const uint16_t bytes[] = {32, 64, 16, 288, 320, 224, 128, 256};
  return bytes[scale];
}

/// Blocks in a unit.
CK_INLINE size_t ck_unit_blocks(ck_scale scale) {
  static const uint8_t blocks[] = {2, 1, 4, 2, 1, 2, 1, 1};
  return blocks[scale];
}
/// Bytes of the scales of a unit of `blocks` blocks: where its slabs start.
CK_INLINE size_t ck_unit_scale_bytes(ck_scale scale, size_t blocks) {
  return (blocks * ck_scale_bytes(scale) + 63) / 64 * 64;
}
/// Values in a block: 32 or 256.
CK_INLINE size_t ck_scale_values(ck_scale scale) { return scale <= CK_SCALE_E8 ? 32 : 256; }
/// Values that share one scale: 16 or 32.
CK_INLINE size_t ck_scale_group(ck_scale scale) {
  return scale == CK_SCALE_I8_16 || scale == CK_SCALE_U4_MIN_16 || scale == CK_SCALE_U6_16 ? 16 : 32;
}
CK_INLINE bool ck_scale_has_min(ck_scale scale) {
  return scale == CK_SCALE_F16_MIN || scale == CK_SCALE_U4_MIN_16 || scale == CK_SCALE_U6_MIN_32;
}
/// Whether codes times the scales of their groups fit in 8 bits, so that a chunk in cache holds the products: 3 * 15,
/// and -4 to 3 times -32 to 31, negated to stay above -129.
CK_INLINE bool ck_scale_folds(ck_scale scale) { return scale == CK_SCALE_U4_MIN_16 || scale == CK_SCALE_U6_16; }
/// What is subtracted from a code by the maps that subtract.
CK_INLINE int ck_map_offset(ck_map map) {
  return map == CK_MAP_MINUS_4 ? 4 : map == CK_MAP_MINUS_8 ? 8 : map == CK_MAP_MINUS_16 ? 16
       : map == CK_MAP_MINUS_32 ? 32 : 0;
}

typedef struct ck_panel_layout {
  bool integer;  // described by slab, map and scale; otherwise F32, F16 or BF16
  ck_slab slab;
  ck_map map;
  ck_scale scale;
} ck_panel_layout;

/// The layout of `format`, which must be valid.
ck_panel_layout ck_panel_layout_of(ck_format format);
/// Bytes of one panel of k values a row, a multiple of 64; k is a multiple of the format's block.
size_t ck_panel_bytes(ck_format format, size_t k);
/// Bytes of the first `k` values of a panel of an integer layout; k is a whole number of units, or all of a row.
CK_INLINE size_t ck_layout_bytes(ck_panel_layout layout, size_t k) {
  const size_t values = ck_scale_values(layout.scale), unit = ck_unit_blocks(layout.scale), blocks = k / values;
  return blocks / unit * ck_unit_scale_bytes(layout.scale, unit) +
         ck_unit_scale_bytes(layout.scale, blocks % unit) + k / 32 * ck_slab_bytes(layout.slab);
}
/// Where a block lies in a panel, from the panel's start.
typedef struct ck_block_place {
  size_t scales, slabs;
} ck_block_place;
CK_INLINE ck_block_place ck_place_of(ck_panel_layout layout, size_t k, size_t block) {
  const size_t values = ck_scale_values(layout.scale), unit = ck_unit_blocks(layout.scale);
  const size_t first = block / unit * unit, left = k / values - first, index = block - first;
  const size_t start = ck_layout_bytes(layout, first * values);
  const size_t scales = ck_unit_scale_bytes(layout.scale, left < unit ? left : unit);
  return (ck_block_place){start + index * ck_scale_bytes(layout.scale),
                          start + scales + index * (values / 32) * ck_slab_bytes(layout.slab)};
}

// ------------------------------------------------------------------------------------- a panel's chunk in cache

enum {
  CK_CHUNK = 512,  // values of k in a chunk of a panel: the codes of two panels take half of a 32 KiB L1
  CK_EXACT_CHUNK = 512,  // both are whole units of every layout
};

/// A chunk of a panel taken apart: one byte a code, float scales. Kernels of few columns read panels directly.
/// Codes are signed values plus the ISA's bias (128 where the dot product wants unsigned weights, else 0); those of
/// formats with minima are the unsigned codes. Where scales fold, codes are multiplied by the scales of their groups
/// (signed ones negated), and `scales` holds d (negated as well) of each block.
typedef struct ck_plain {
  _Alignas(64) uint8_t codes[CK_CHUNK * CK_ROWS];
  float scales[CK_CHUNK / 16][CK_ROWS];     // of each group, or of each block where scales fold
  float minima[CK_CHUNK / 32][CK_ROWS];     // F16_MIN: m; otherwise dmin of each block
  int16_t pairs[CK_CHUNK / 32][CK_ROWS][2];  // minima of groups 2i and 2i + 1, for formats with scaled minima
} ck_plain;

// ------------------------------------------------------------------------------------------------- activations
// Records are stored [k / values][m], a row of records padded to an odd number of cache lines: the tiles walk
// down a column of rows, and with a power of two between them all would fall into the same few sets of L1.

/// 32 values of a row: x = q * multiple * row scale. The block's own scale is a whole multiple of the row's, so that
/// the kernels apply it to the exact integer sum, and one float multiply a block (the weights') is left. Multiples and
/// not powers of two: those cost half a bit of q in the mean, and KL divergence to float32 activations half as much
/// again (SmolLM2-135M Q4_1).
typedef struct ck_q8_32 {
  int8_t q[32];
  int32_t bias;    // -128 * sum of q: what unsigned weights of bias 128 add too much
  int32_t multiple;  // 1 to CK_MULTIPLES
  float sum;         // sum of q times multiple
} ck_q8_32;

/// 256 values of a row: x = q * 2^shift * scale, a shift for each 32 values. Shifts and not one scale for all: int8 in
/// blocks of 256 leaves groups of small values few bits, and KL divergence to float32 activations is four times as
/// large (decisions/0001). Shifts and not multiples: they cost nothing beside the products.
typedef struct ck_q8_256 {
  int8_t q[256];
  float scale;
  int16_t sum32[8];   // of each 32 q, times 2^shift
  int16_t sum16[16];  // of each 16 q, times 2^shift
  int32_t bias32[8];  // -128 * sum of each 32 q
  int32_t bias16[16];
  int32_t shift[8];  // 0 to CK_SHIFTS: 32 * 127 * 2^3 still fits in 16 bits
} ck_q8_256;

enum { CK_SHIFTS = 3 };

/// 16 values of a row, zeros past the end.
typedef struct ck_f32_16 {
  float x[16];
} ck_f32_16;

/// 32 values of a row as bfloat16, zeros past the end.
typedef struct ck_bf16_32 {
  uint16_t x[32];
} ck_bf16_32;

// 32 products of int8 by int8 take 20 bits and 11 are free in an int32. A power of two keeps what int8 can hold exact.
enum { CK_MULTIPLES = 1024 };

/// How a kind of activations is stored.
typedef struct ck_record_layout {
  size_t values, bytes;  // of one record
  bool row_scales;       // a float a row follows the records
} ck_record_layout;

/// Bytes from one row of records to the next.
CK_INLINE size_t ck_record_stride(size_t record_bytes, size_t m) {
  return ((record_bytes * m + 63) / 64 | 1) * 64;
}

#endif
