// The contracts of the kernels: what one call computes, who pads, who handles edges. No algorithm here.
// Kernels run on one thread, allocate nothing and check nothing: ops/ has checked and partitioned.
#ifndef CK_KERNELS_H
#define CK_KERNELS_H

#include "ckernels.h"
#include "kernels/panel.h"
#include "runtime/platform.h"

/// One vector of a norm: y (n) from x (n). weight and bias may be NULL. Any n >= 1; no padding is read or written.
typedef struct ck_norm_call {
  const float *x;
  float *y;
  size_t n;
  const float *weight, *bias;
  float offset, epsilon;
} ck_norm_call;
typedef void (*ck_norm_kernel)(const ck_norm_call *call);

/// A loop of multiply-adds on registers: `blocks` blocks of CK_PEAK_BLOCK steps. A step multiplies and adds `lanes`
/// pairs on each of `chains` accumulators; pair i is ck_peak_left(i) * ck_peak_right(i). `sum` is the sum of all
/// accumulators, exact: no sum within a block leaves the accumulator's exact range.
typedef struct ck_peak_call {
  uint64_t blocks;         // in
  uint64_t lanes, chains;  // out
  int64_t sum;             // out
} ck_peak_call;
typedef void (*ck_peak_kernel)(ck_peak_call *call);

// Long enough to hide the fold at its end (1 part in 1,000), short enough for 2^24 to bound a float's sum.
#define CK_PEAK_BLOCK 32768
// Products are within ±6 and repeat after 8 lanes, so that matrix instructions have the same sum as dot products.
CK_INLINE int ck_peak_left(unsigned lane) { return 1 + (int)(lane % 8 % 3); }
CK_INLINE int ck_peak_right(unsigned lane) {
  const int values[4] = {2, 1, -1, 3};
  return values[lane % 4];
}

/// One thread's share of a memory pass, `passes` times. words is a multiple of 512; pointers are 64-byte aligned.
typedef struct ck_memory_call {
  const uint64_t *a, *b;  // sources: read and copy use a; triad both, as doubles
  uint64_t *c;            // destination: write fills it with `value`, copy with a, triad with a + 3 b
  size_t words, passes;
  uint64_t value;
  bool stream;   // store past the caches, so that no line is read before it is written
  uint64_t sum;  // out, of read: the sum of all words of all passes modulo 2^64
} ck_memory_call;
typedef void (*ck_memory_kernel)(ck_memory_call *call);
/// acc (panels, columns, 16) += x (columns, values) · panelᵀ (values, 16), in order of k and so that an element
/// depends on its row and column alone. Any columns >= 1: the kernel splits them into tiles.
typedef struct ck_tile_call {
  const void *codes;    // ck_plain, or [k][16] values, or a panel as it is stored
  size_t panels;        // 1 or 2; 1 for panels of integer layouts as they are stored
  size_t panel_stride;  // bytes from one panel's codes to the next one's
  size_t values;        // of k: a multiple of the block, except for [k][16] values and bfloat16 pairs
  const void *x;        // record of the first k and the first column
  size_t stride;        // bytes from one row of records to the next
  size_t columns;
  float *acc;            // 64-byte aligned
  // What the next call's panels will be expanded from, to be prefetched while this one multiplies: ahead_bytes from
  // each address. Kernels that read stored panels prefetch those instead and ignore it.
  const void *ahead[2];
  size_t ahead_bytes;
} ck_tile_call;
typedef void (*ck_tile_kernel)(const ck_tile_call *call);

/// Takes `values` of k apart (at most CK_CHUNK, a multiple of the block) from a panel, from the start of a unit on.
typedef void (*ck_expand_kernel)(const void *units, size_t values, ck_plain *plain);
/// The same as float32 [values][16]; equal to ck_decode. At most CK_EXACT_CHUNK values, a multiple of the block.
typedef void (*ck_decode_kernel)(const void *units, size_t values, float *out);

/// One row x (k) to records `stride` bytes apart; returns the row's scale, for the kinds that have one.
typedef float (*ck_record_kernel)(const float *x, size_t k, void *records, size_t stride);

/// y[c, r] (+)= what the accumulators of one panel become, for r < rows. The others are not touched.
typedef struct ck_finish_call {
  float *acc, *gate;         // (columns, 16); gate may be NULL; both are overwritten
  const float *row_scales;   // (columns) or NULL
  const float *bias;         // (rows) or NULL
  ck_gate act;
  bool accumulate;
  size_t columns, rows;
  float *y;
  size_t ldy;
} ck_finish_call;
typedef void (*ck_finish_kernel)(const ck_finish_call *call);

/// y (n) = act(gate) * up; up NULL means 1; y may be gate or up. Any n; cutting a row does not change a value.
typedef struct ck_gated_call {
  ck_gate act;
  const float *gate, *up;
  float *y;
  size_t n;
} ck_gated_call;
typedef void (*ck_gated_kernel)(const ck_gated_call *call);

/// y (n) += a * x. Any n; cutting a row does not change a value.
typedef struct ck_add_scaled_call {
  float a;
  const float *x;
  float *y;
  size_t n;
} ck_add_scaled_call;
typedef void (*ck_add_scaled_kernel)(const ck_add_scaled_call *call);

/// x (n) = cap * tanh(x / cap), cap > 0. Any n; cutting a row does not change a value.
typedef struct ck_softcap_call {
  float cap;
  float *x;
  size_t n;
} ck_softcap_call;
typedef void (*ck_softcap_kernel)(const ck_softcap_call *call);

/// y (n) = softmax(scale * x), y may be x. A row of -inf gives zeros; a NaN or +inf gives NaN throughout. n >= 1.
typedef struct ck_softmax_call {
  float scale;
  const float *x;
  float *y;
  size_t n;
} ck_softmax_call;
typedef void (*ck_softmax_kernel)(const ck_softmax_call *call);

/// The k largest of x (n), best first, ties by lower index, NaN as -inf. 1 <= k <= n <= INT32_MAX.
typedef struct ck_topk_call {
  const float *x;
  size_t n, k;
  float *values;
  int32_t *indices;
} ck_topk_call;
typedef void (*ck_topk_kernel)(const ck_topk_call *call);

/// Rotates the first 2 * pairs values of each head of one row, in place. cosines and sines (pairs).
typedef struct ck_rope_call {
  ck_rope_pairing pairing;
  float *x;  // (heads, head_dim)
  size_t heads, head_dim;
  const float *cosines, *sines;
  size_t pairs;
} ck_rope_call;
typedef void (*ck_rope_kernel)(const ck_rope_call *call);

/// Writes `count` positions of one KV head into its part of a block (kernels/kv.h), from `position` in the block on.
/// Row i of keys is keys + i * ldk. F16 saturates; Q8_0 rounds 32 dimensions to 8 bits by their largest.
typedef struct ck_kv_store_call {
  const ck_kv_layout *layout;
  void *part;
  size_t position, count;
  const float *keys, *values;  // (count, head_dim)
  size_t ldk, ldv;
} ck_kv_store_call;
typedef void (*ck_kv_store_kernel)(const ck_kv_store_call *call);

/// What an online softmax keeps of `count` queries: their largest score, the sum of 2^(score - largest), and the sum
/// of 2^(score - largest) * value. Nothing seen yet: -FLT_MAX, 0 and zeros.
typedef struct ck_attention_state {
  float *largest, *sum;  // (count)
  float *acc;            // (count, stride), stride of kernels/kv.h
} ck_attention_state;

/// The state of `count` queries over positions [begin, end), begin a multiple of CK_KV_BLOCK: written to `state`. The
/// queries are of `kv_heads` KV heads whose parts lie one after another in each block, equally many of each. Query i sees positions [from[i], to[i]); what it does not see counts exactly nothing. A query's
/// result does not depend on the others. Its scores, in units of ln 2, are q · k, or cap * tanh(q · k) with a cap.
typedef struct ck_attention_call {
  const ck_kv_layout *layout;
  void *const *blocks;  // of the sequence
  size_t offset;        // of the first KV head's part in each block
  size_t kv_heads;      // divides count
  size_t begin, end;
  size_t stored;         // positions of the sequence: what may be asked for ahead
  size_t count;          // <= CK_ATTENTION_TILE
  const float *q;        // (count, head_dim)
  const size_t *from, *to;
  float cap;             // 0: none
  ck_attention_state state;
  void *workspace;  // CK_ATTENTION_WORKSPACE bytes, 64-byte aligned
} ck_attention_call;
typedef void (*ck_attention_kernel)(const ck_attention_call *call);

enum {
  CK_ATTENTION_TILE = 48,
  // The workspace: scores (tile, block); sums of weights (tile, 16); the tile's queries in 16 bits, or in 8 with a
  // scale and a sum for each group of 32; and of an 8-bit cache the scales (groups, block) and units (groups) of a
  // block, and for up to 8 queries factors (groups) and words (groups, block).
  CK_ATTENTION_SUMS_AT = CK_ATTENTION_TILE * CK_KV_BLOCK * 4,
  CK_ATTENTION_QUERIES_AT = CK_ATTENTION_SUMS_AT + CK_ATTENTION_TILE * 16 * 4,
  CK_ATTENTION_WORDS_AT = CK_ATTENTION_QUERIES_AT + CK_ATTENTION_TILE * 512 * 2,
  CK_ATTENTION_WORKSPACE =
      CK_ATTENTION_WORDS_AT + CK_KV_BLOCK * 16 * 4 + 16 * 4 + 8 * 16 * 4 + 8 * 16 * CK_KV_BLOCK * 2,
};

/// state = state merged with part, which follows it. Merging with a state that has seen nothing changes no bit.
typedef struct ck_attention_merge_call {
  size_t count, stride;
  ck_attention_state state;
  ck_attention_state part;
} ck_attention_merge_call;
typedef void (*ck_attention_merge_kernel)(const ck_attention_merge_call *call);

#endif
