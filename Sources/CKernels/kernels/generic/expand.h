// Panels taken apart: codes of a slab in registers, scales of a block as floats, chunks as ck_plain or as float32.
// The layouts are in kernels/panel.h. Included once an ISA, after the integer vocabulary.
#define PARTS (CK_ROWS / VW)

/// Codes of 4 steps from vectors of nibbles, and of the other 4.
CK_INLINE void CK_NAME(nibbles)(const uint8_t *p, vi *steps) {
  const vi low = vi_set8(15);
#pragma unroll
  for (int v = 0; v < 4; v++) {
    vi both = vi_load(p + v * CK_STEP);
    steps[v] = vi_and(both, low);
    steps[v + 4] = vi_and(vi_move(both, 4), low);
  }
}

/// Fields of 2 bits, moved to bit `at` and merged into steps.
CK_INLINE void CK_NAME(twos)(const uint8_t *p, int at, bool merge, vi *steps) {
  const vi mask = vi_set8(3 << at);
#pragma unroll
  for (int s = 0; s < 8; s++) {
    vi field = vi_and(vi_move(vi_load(p + s % 2 * CK_STEP), s / 2 * 2 - at), mask);
    steps[s] = merge ? vi_or(steps[s], field) : field;
  }
}

/// Single bits, moved to bit `at` and merged into steps.
CK_INLINE void CK_NAME(ones)(const uint8_t *p, int at, vi *steps) {
  const vi mask = vi_set8(1 << at), bits = vi_load(p);
#pragma unroll
  for (int s = 0; s < 8; s++) steps[s] = vi_or(steps[s], vi_and(vi_move(bits, s - at), mask));
}

/// The 8 steps of one part of a slab at p as values plus bias.
CK_INLINE void CK_NAME(steps)(ck_slab slab, ck_map map, int bias, const uint8_t *p, vi *steps) {
  switch (slab) {
    case CK_S8:
#pragma unroll
      for (int s = 0; s < 8; s++) steps[s] = vi_load(p + s * CK_STEP);
      break;
    case CK_S4: CK_NAME(nibbles)(p, steps); break;
    case CK_S4_1:
      CK_NAME(nibbles)(p, steps);
      CK_NAME(ones)(p + 4 * CK_STEP, 4, steps);
      break;
    case CK_S4_2:
      CK_NAME(nibbles)(p, steps);
      CK_NAME(twos)(p + 4 * CK_STEP, 4, true, steps);
      break;
    case CK_S2: CK_NAME(twos)(p, 0, false, steps); break;
    case CK_S2_1:
      CK_NAME(twos)(p, 0, false, steps);
      CK_NAME(ones)(p + 2 * CK_STEP, 2, steps);
      break;
  }
  if (map == CK_MAP_NONE) return;
  if (map == CK_MAP_TABLE_NL || map == CK_MAP_TABLE_E2M1) {
    vi table = vi_add8(vi_table(map == CK_MAP_TABLE_NL ? ck_iq4_table : ck_mxfp4_table), vi_set8(bias));
#pragma unroll
    for (int s = 0; s < 8; s++) steps[s] = vi_lookup(table, steps[s]);
    return;
  }
  const int offset = bias - ck_map_offset(map);
  if (offset == 0) return;
#pragma unroll
  for (int s = 0; s < 8; s++) steps[s] = vi_add8(steps[s], vi_set8(offset));
}

// ---------------------------------------------------------------------------------------------------------- scales

/// Groups of a block of 256 values: scale of group j, its minimum, as small integers. Plain loops: they vectorise.
typedef struct CK_NAME(groups) {
  _Alignas(64) int8_t scales[16][CK_ROWS];
  _Alignas(64) int8_t minima[16][CK_ROWS];
} CK_NAME(groups);

/// 16 rows of 6 bits: the low nibbles of two groups in `low`, their high pairs at bit `at` and at + 4 of `high`.
CK_INLINE void CK_NAME(six_bits)(const uint8_t *restrict low, const uint8_t *restrict high, int at, int offset,
                                 int8_t *restrict first, int8_t *restrict second) {
  for (int r = 0; r < CK_ROWS; r++) {
    const uint8_t h = (uint8_t)(high[r] >> at);
    first[r] = (int8_t)((uint8_t)((low[r] & 15) | (uint8_t)((h & 3) << 4)) - offset);
    second[r] = (int8_t)((uint8_t)((low[r] >> 4) | (uint8_t)((h >> 4 & 3) << 4)) - offset);
  }
}

CK_INLINE void CK_NAME(load_groups)(ck_scale scale, const uint8_t *restrict p, CK_NAME(groups) *restrict g) {
  switch (scale) {
    case CK_SCALE_I8_16: memcpy(g->scales, p, 256); break;
    case CK_SCALE_U4_MIN_16:
      for (int j = 0; j < 16; j++)
        for (int r = 0; r < CK_ROWS; r++) {
          g->scales[j][r] = p[j * CK_ROWS + r] & 15;
          g->minima[j][r] = (int8_t)(p[j * CK_ROWS + r] >> 4);
        }
      break;
    case CK_SCALE_U6_16:
#pragma unroll
      for (int j = 0; j < 8; j++)
        CK_NAME(six_bits)(p + j * CK_ROWS, p + (8 + j % 4) * CK_ROWS, j / 4 * 2, 32, g->scales[j], g->scales[j + 8]);
      break;
    case CK_SCALE_U6_32:
#pragma unroll
      for (int j = 0; j < 4; j++)
        CK_NAME(six_bits)(p + j * CK_ROWS, p + (4 + j % 2) * CK_ROWS, j / 2 * 2, 32, g->scales[j], g->scales[j + 4]);
      break;
    case CK_SCALE_U6_MIN_32:
#pragma unroll
      for (int j = 0; j < 8; j++)
        for (int r = 0; r < CK_ROWS; r++) {
          const uint8_t low = p[j * CK_ROWS + r], high = (uint8_t)(p[(8 + j / 2) * CK_ROWS + r] >> j % 2 * 4);
          g->scales[j][r] = (int8_t)((low & 15) | (uint8_t)((high & 3) << 4));
          g->minima[j][r] = (int8_t)((low >> 4) | (uint8_t)((high >> 2 & 3) << 4));
        }
      break;
    default: break;
  }
}

/// Minima of groups 2j and 2j + 1 side by side.
CK_INLINE void CK_NAME(pair_minima)(const CK_NAME(groups) *g, int groups, int16_t (*pairs)[CK_ROWS][2]) {
  for (int j = 0; j < groups / 2; j++)
    for (int r = 0; r < CK_ROWS; r++) {
      pairs[j][r][0] = g->minima[2 * j][r];
      pairs[j][r][1] = g->minima[2 * j + 1][r];
    }
}

/// d of one block, and the scale of minima (or the minimum itself) where there is one.
CK_INLINE void CK_NAME(block_d)(ck_scale scale, const uint8_t *p, vf *d, float *minima) {
#pragma unroll
  for (int h = 0; h < PARTS; h++) {
    d[h] = vf_load_f16((const uint16_t *)p + h * VW);
    if (ck_scale_has_min(scale)) vf_store(minima + h * VW, vf_load_f16((const uint16_t *)p + CK_ROWS + h * VW));
  }
}

/// Where the scales of groups start in those of a block.
CK_INLINE const uint8_t *CK_NAME(group_bytes)(ck_scale scale, const uint8_t *p) {
  return p + (ck_scale_has_min(scale) ? 64 : 32);
}

/// The scales of one block: of its groups, the scale of minima (or the minimum itself), and pairs of minima.
CK_INLINE void CK_NAME(block_scales)(ck_scale scale, const uint8_t *p, float (*scales)[CK_ROWS], float *minima,
                                     int16_t (*pairs)[CK_ROWS][2]) {
  if (scale == CK_SCALE_E8) {
    for (int r = 0; r < CK_ROWS; r++) scales[0][r] = ck_half_f32_from_e8m0(p[r]);
    return;
  }
  vf d[PARTS];
  CK_NAME(block_d)(scale, p, d, minima);
  if (ck_scale_values(scale) == 32) {
    for (int h = 0; h < PARTS; h++) vf_store(scales[0] + h * VW, d[h]);
    return;
  }
  CK_NAME(groups) g;
  CK_NAME(load_groups)(scale, CK_NAME(group_bytes)(scale, p), &g);
  const int groups = (int)(256 / ck_scale_group(scale));
  for (int j = 0; j < groups; j++)
    for (int h = 0; h < PARTS; h++)
      vf_store(scales[j] + h * VW, vf_mul(vf_load_i8(g.scales[j] + h * VW), d[h]));
  if (ck_scale_has_min(scale)) CK_NAME(pair_minima)(&g, groups, pairs);
}

// ---------------------------------------------------------------------------------------------------------- chunks

/// Codes of one part of a slab times the scales of its two groups: code * scale, or with an offset its negation,
/// (offset - code) * scale, plus CODE_BIAS.
CK_INLINE void CK_NAME(fold)(int offset, const int8_t (*scales)[CK_ROWS], int part, vi *steps) {
#pragma unroll
  for (int s = 0; s < 8; s++) {
    const vi scale = vi_load_i8(scales[s / 4] + part * VW);
    vi product = vi_mul32(steps[s], scale);
    if (offset) {
      // All four bytes at once: each ends within 0 to 252, so that what carries between them cancels out.
      const vi start = vi_add32(vi_mul32(scale, vi_set32(0x01010101 * offset)), vi_set8(128));
      product = vi_sub32(start, product);
      if (CODE_BIAS == 0) product = vi_xor(product, vi_set8(128));
    }
    steps[s] = product;
  }
}

/// A chunk where scales fold.
CK_INLINE void CK_NAME(expand_folded)(ck_panel_layout layout, const uint8_t *units, size_t values, ck_plain *plain) {
  const int offset = ck_map_offset(layout.map);
  for (size_t b = 0; b < values / 256; b++) {
    const ck_block_place place = ck_place_of(layout, values, b);
    vf d[PARTS];
    CK_NAME(groups) g;
    CK_NAME(block_d)(layout.scale, units + place.scales, d, plain->minima[b]);
    CK_NAME(load_groups)(layout.scale, CK_NAME(group_bytes)(layout.scale, units + place.scales), &g);
    if (ck_scale_has_min(layout.scale)) CK_NAME(pair_minima)(&g, 16, plain->pairs + b * 8);
    for (int h = 0; h < PARTS; h++)
      vf_store(plain->scales[b] + h * VW, offset ? vf_sub(vf_zero(), d[h]) : d[h]);
    for (size_t j = 0; j < 8; j++)
      for (int h = 0; h < PARTS; h++) {
        vi steps[8];
        const uint8_t *slab = units + place.slabs + j * ck_slab_bytes(layout.slab);
        CK_NAME(steps)(layout.slab, CK_MAP_NONE, 0, slab + h * VW * 4, steps);
        CK_NAME(fold)(offset, g.scales + 2 * j, h, steps);
#pragma unroll
        for (int s = 0; s < 8; s++) vi_store(plain->codes + (b * 8 + j) * 512 + s * CK_STEP + h * VW * 4, steps[s]);
      }
  }
}

/// What the codes of a layout are to the products.
typedef struct CK_NAME(kind) {
  ck_map map;  // applied to them before
  int bias;    // added to them
  int offset;  // what they are then too large by: 0, or a power of two up to 128
  bool is_signed, has_min;
  int narrow;  // sums of two products of that many steps fit in 16 bits together
} CK_NAME(kind);

/// Codes as they are stored, where a constant is subtracted from them: sums start lower instead.
CK_INLINE CK_NAME(kind) CK_NAME(kind_of_stored)(ck_panel_layout layout) {
  static const uint8_t largest[] = {[CK_S8] = 128, [CK_S4] = 15, [CK_S4_1] = 31, [CK_S4_2] = 63, [CK_S2] = 3, [CK_S2_1] = 7};
  const int offset = ck_map_offset(layout.map), code = layout.map == CK_MAP_TABLE_E2M1 ? 12 : largest[layout.slab];
  const bool has_min = ck_scale_has_min(layout.scale), is_raw = offset || has_min;
  // 127 * 2 products of 16 by 8 steps are 32,512.
  const int narrow = layout.map == CK_MAP_TABLE_NL ? 1 : code <= 16 ? 8 : code <= 32 ? 4 : code <= 64 ? 2 : 1;
  if (is_raw) return (CK_NAME(kind)){CK_MAP_NONE, 0, offset, false, has_min, narrow};
  return (CK_NAME(kind)){layout.map, CODE_BIAS, CODE_BIAS, true, has_min, narrow};
}

/// Codes in a chunk in cache. Without 16-bit sums, one kernel serves all that have the same kind of scales: there all
/// codes without minima are signed values.
CK_INLINE CK_NAME(kind) CK_NAME(kind_of_plain)(ck_panel_layout layout) {
  const bool has_min = ck_scale_has_min(layout.scale);
  if (ck_scale_folds(layout.scale))
    return (CK_NAME(kind)){CK_MAP_NONE, 0, has_min ? 0 : CODE_BIAS, !has_min, has_min, has_min ? 2 : 1};
#ifdef VI_NARROW
  return CK_NAME(kind_of_stored)(layout);
#else
  return (CK_NAME(kind)){layout.map, has_min ? 0 : CODE_BIAS, has_min ? 0 : CODE_BIAS, !has_min, has_min, 1};
#endif
}

CK_INLINE void CK_NAME(expand)(ck_panel_layout layout, const uint8_t *units, size_t values, ck_plain *plain) {
  const CK_NAME(kind) kind = CK_NAME(kind_of_plain)(layout);
  const size_t block = ck_scale_values(layout.scale), groups = block / ck_scale_group(layout.scale);
  for (size_t b = 0; b < values / block; b++) {
    const ck_block_place place = ck_place_of(layout, values, b);
    CK_NAME(block_scales)(layout.scale, units + place.scales, plain->scales + b * groups, plain->minima[b],
                          plain->pairs + b * groups / 2);
    const uint8_t *slab = units + place.slabs;
    uint8_t *codes = plain->codes + b * block * CK_ROWS;
    for (size_t k = 0; k < block; k += 32, slab += ck_slab_bytes(layout.slab), codes += 32 * CK_ROWS)
      for (int h = 0; h < PARTS; h++) {
        vi steps[8];
        CK_NAME(steps)(layout.slab, kind.map, kind.bias, slab + h * VW * 4, steps);
#pragma unroll
        for (int s = 0; s < 8; s++) vi_store(codes + s * CK_STEP + h * VW * 4, steps[s]);
      }
  }
}

/// Every product is exact in float32 (11 + 8 + 5 bits at most), so that one rounding is left, as in ck_decode.
CK_INLINE void CK_NAME(decode)(ck_panel_layout layout, const uint8_t *units, size_t values, float *out) {
  const size_t block = ck_scale_values(layout.scale), group = ck_scale_group(layout.scale), groups = block / group;
  const bool has_min = ck_scale_has_min(layout.scale);
  for (size_t b = 0; b < values / block; b++) {
    _Alignas(64) float scale[16][CK_ROWS], minimum[CK_ROWS], minima[16][CK_ROWS];
    int16_t pairs[8][CK_ROWS][2];
    const ck_block_place place = ck_place_of(layout, values, b);
    const uint8_t *codes = units + place.slabs;
    CK_NAME(block_scales)(layout.scale, units + place.scales, scale, minimum, pairs);
    for (size_t j = 0; has_min && j < groups; j++)
      for (size_t r = 0; r < CK_ROWS; r++)
        minima[j][r] = block == 32 ? minimum[r] : -minimum[r] * (float)pairs[j / 2][r][j % 2];
    for (size_t k = 0; k < block; k += 32, codes += ck_slab_bytes(layout.slab))
      for (int h = 0; h < PARTS; h++) {
        vi steps[8];
        CK_NAME(steps)(layout.slab, layout.map, 0, codes + h * VW * 4, steps);
#pragma unroll
        for (int s = 0; s < 8; s++) {
          const size_t j = (k + (size_t)s * 4) / group;
          const vf d = vf_load(scale[j] + h * VW);
#pragma unroll
          for (int t = 0; t < 4; t++) {
            vf value = vf_mul(vi_float(vi_byte(steps[s], t)), d);
            if (has_min) value = vf_add(value, vf_load(minima[j] + h * VW));
            vf_store(out + ((b * block + k) + (size_t)(s * 4 + t)) * CK_ROWS + h * VW, value);
          }
        }
      }
  }
}

#define PANEL(id, slab_, map_, scale_)                                                                           \
  static void CK_NAME(CK_OF(panel_expand, CK_LOWER_##id))(const void *units, size_t values, ck_plain *plain) {    \
    const ck_panel_layout layout = {true, CK_##slab_, CK_MAP_##map_, CK_SCALE_##scale_};                         \
    if (ck_scale_folds(layout.scale))                                                                            \
      CK_NAME(expand_folded)(layout, units, values, plain);                                                      \
    else                                                                                                         \
      CK_NAME(expand)(layout, units, values, plain);                                                             \
  }                                                                                                              \
  static void CK_NAME(CK_OF(panel_decode, CK_LOWER_##id))(const void *units, size_t values, float *out) {         \
    const ck_panel_layout layout = {true, CK_##slab_, CK_MAP_##map_, CK_SCALE_##scale_};                         \
    CK_NAME(decode)(layout, units, values, out);                                                                 \
  }
#include "kernels/panels.def"
#undef PANEL
