// A few columns of x times a panel as it is stored, which is taken apart in registers: tiles of up to Q8_FEW_COLUMNS
// columns, or Q8_FEW_COLUMNS_256 where blocks have 256 values.
// Included by tile_q8.h, whose arithmetic it shares: an element has the same bits either way.

/// acc += one block of 32 values of a stored panel times nc columns.
CK_INLINE void CK_NAME(stored_block_32)(const int nc, ck_panel_layout layout, const uint8_t *scales,
                                        const uint8_t *slab, const ck_q8_32 *x, CK_NAME(accs) *acc) {
  const CK_NAME(kind) kind = CK_NAME(kind_of_stored)(layout);
  _Alignas(64) float e8[1][CK_ROWS];
  if (layout.scale == CK_SCALE_E8) CK_NAME(block_scales)(layout.scale, scales, e8, NULL, NULL);
#pragma unroll
  for (int h = 0; h < PARTS; h++) {
    vi steps[8];
    CK_NAME(steps)(layout.slab, kind.map, kind.bias, slab + h * VW * 4, steps);
    CK_NAME(sums) sums;
    CK_NAME(start)(1, nc, kind.offset, &x->bias, sizeof *x, sums);
    CK_NAME(multiply)(1, nc, kind, 8, steps, NULL, 0, x->q, sizeof *x, sums);
    const uint16_t *halves = (const uint16_t *)scales + h * VW;
    const vf scale = layout.scale == CK_SCALE_E8 ? vf_load(e8[0] + h * VW) : vf_load_f16(halves);
    const vf minimum = kind.has_min ? vf_load_f16(halves + CK_ROWS) : vf_zero();
    CK_NAME(end_32)(1, nc, kind.has_min, &scale, &minimum, x, sums, acc[h]);
  }
}

CK_INLINE void CK_NAME(stored_32)(const int nc, ck_panel_layout layout, const ck_tile_call *call, size_t first) {
  const size_t unit = ck_unit_blocks(layout.scale), scale_bytes = ck_scale_bytes(layout.scale);
  const size_t slab_bytes = ck_slab_bytes(layout.slab);
  const uint8_t *codes = call->codes;
  const char *records = (const char *)call->x + first * sizeof(ck_q8_32);
  CK_NAME(accs) acc[PARTS];
#pragma unroll
  for (int h = 0; h < PARTS; h++)
#pragma unroll
    for (int c = 0; c < nc; c++) acc[h][0][c] = vf_load(call->acc + (first + (size_t)c) * CK_ROWS + h * VW);
  size_t left = call->values / 32;
  for (; left >= unit; left -= unit) {
    const uint8_t *slabs = codes + ck_unit_scale_bytes(layout.scale, unit);
#pragma unroll
    for (size_t i = 0; i < unit; i++, records += call->stride)
      CK_NAME(stored_block_32)(nc, layout, codes + i * scale_bytes, slabs + i * slab_bytes,
                               (const ck_q8_32 *)records, acc);
    codes = slabs + unit * slab_bytes;
  }
  const uint8_t *slabs = codes + ck_unit_scale_bytes(layout.scale, left);
  for (size_t i = 0; unit > 1 && i < left; i++, records += call->stride)
    CK_NAME(stored_block_32)(nc, layout, codes + i * scale_bytes, slabs + i * slab_bytes, (const ck_q8_32 *)records,
                             acc);
#pragma unroll
  for (int h = 0; h < PARTS; h++)
#pragma unroll
    for (int c = 0; c < nc; c++) vf_store(call->acc + (first + (size_t)c) * CK_ROWS + h * VW, acc[h][0][c]);
}

/// acc, in memory, += one block of 256 values of a stored panel times nc columns.
CK_INLINE void CK_NAME(stored_block_256)(const int nc, ck_panel_layout layout, const uint8_t *scales,
                                         const uint8_t *slab, const ck_q8_256 *x, float *acc) {
  const CK_NAME(kind) kind = CK_NAME(kind_of_stored)(layout);
  const int group = (int)ck_scale_group(layout.scale), per_slab = 32 / group;
  _Alignas(64) float group_scales[16][CK_ROWS], minimum[CK_ROWS];
  _Alignas(64) int16_t pairs[8][CK_ROWS][2];
  CK_NAME(block_scales)(layout.scale, scales, group_scales, minimum, pairs);
  CK_NAME(accs) block[PARTS];
#pragma unroll
  for (int h = 0; h < PARTS; h++)
#pragma unroll
    for (int c = 0; c < nc; c++) block[h][0][c] = vf_zero();
#pragma unroll 1
  for (size_t j = 0; j < 8; j++, slab += ck_slab_bytes(layout.slab)) {
#pragma unroll
    for (int h = 0; h < PARTS; h++) {
      vi steps[8];
      CK_NAME(steps)(layout.slab, kind.map, kind.bias, slab + h * VW * 4, steps);
#pragma unroll
      for (int g = 0; g < per_slab; g++) {
        const size_t at = j * (size_t)per_slab + (size_t)g;
        CK_NAME(sums) sums;
        CK_NAME(start)(1, nc, kind.offset, group == 16 ? x->bias16 + at : x->bias32 + at, sizeof *x, sums);
        CK_NAME(multiply)(1, nc, kind, group / 4, steps + g * group / 4, NULL, 0, x->q + j * 32 + g * group,
                          sizeof *x, sums);
        const vf scale = vf_load(group_scales[at] + h * VW);
        CK_NAME(shift)(1, nc, x->shift + j, sums);
        CK_NAME(end_group)(1, nc, &scale, sums, block[h]);
      }
    }
  }
#pragma unroll
  for (int h = 0; h < PARTS; h++) {
    const float *minima = minimum + h * VW;
    const int16_t (*pair)[CK_ROWS][2] = (const int16_t (*)[CK_ROWS][2])&pairs[0][h * VW][0];
    CK_NAME(end_256)(1, nc, kind.has_min, group, &minima, &pair, x, block[h], acc + h * VW, 0);
  }
}

/// The same where scales fold: the groups' sums meet their scales as integers.
CK_INLINE void CK_NAME(stored_block_folded)(const int nc, ck_panel_layout layout, const uint8_t *scales,
                                            const uint8_t *slab, const ck_q8_256 *x, float *acc) {
  const CK_NAME(kind) kind = CK_NAME(kind_of_stored)(layout);
  _Alignas(64) float minimum[CK_ROWS];
  _Alignas(64) int16_t pairs[8][CK_ROWS][2];
  vf d[PARTS];
  CK_NAME(groups) g;
  CK_NAME(block_d)(layout.scale, scales, d, minimum);
  CK_NAME(load_groups)(layout.scale, CK_NAME(group_bytes)(layout.scale, scales), &g);
  if (kind.has_min) CK_NAME(pair_minima)(&g, 16, pairs);
  CK_NAME(sums) total[PARTS];
#pragma unroll
  for (int h = 0; h < PARTS; h++) CK_NAME(start)(1, nc, 0, NULL, 0, total[h]);
#pragma unroll 1
  for (size_t j = 0; j < 8; j++, slab += ck_slab_bytes(layout.slab)) {
#pragma unroll
    for (int h = 0; h < PARTS; h++) {
      vi steps[8];
      CK_NAME(steps)(layout.slab, kind.map, kind.bias, slab + h * VW * 4, steps);
#pragma unroll
      for (int i = 0; i < 2; i++) {
        CK_NAME(sums) sums;
        CK_NAME(start)(1, nc, kind.offset, x->bias16 + 2 * j + i, sizeof *x, sums);
        CK_NAME(multiply)(1, nc, kind, 4, steps + 4 * i, NULL, 0, x->q + j * 32 + i * 16, sizeof *x, sums);
        const vi scale = vi_load_i8(g.scales[2 * j + (size_t)i] + h * VW);
        CK_NAME(shift)(1, nc, x->shift + j, sums);
#pragma unroll
        for (int c = 0; c < nc; c++) total[h][0][c] = vi_add32(total[h][0][c], vi_mul32(sums[0][c], scale));
      }
    }
  }
#pragma unroll
  for (int h = 0; h < PARTS; h++) {
    CK_NAME(accs) block;
#pragma unroll
    for (int c = 0; c < nc; c++) block[0][c] = vf_zero();
    CK_NAME(end_group)(1, nc, d + h, total[h], block);
    const float *minima = minimum + h * VW;
    const int16_t (*pair)[CK_ROWS][2] = (const int16_t (*)[CK_ROWS][2])&pairs[0][h * VW][0];
    CK_NAME(end_256)(1, nc, kind.has_min, 16, &minima, &pair, x, block, acc + h * VW, 0);
  }
}

CK_INLINE void CK_NAME(stored_256)(const int nc, ck_panel_layout layout, const ck_tile_call *call, size_t first) {
  const size_t unit = ck_unit_blocks(layout.scale), slab_bytes = 8 * ck_slab_bytes(layout.slab);
  const uint8_t *codes = call->codes;
  const char *records = (const char *)call->x + first * sizeof(ck_q8_256);
  for (size_t left = call->values / 256; left > 0;) {
    const size_t count = left < unit ? left : unit;
    const uint8_t *slabs = codes + ck_unit_scale_bytes(layout.scale, count);
    for (size_t i = 0; i < count; i++, records += call->stride)
      (ck_scale_folds(layout.scale) ? CK_NAME(stored_block_folded) : CK_NAME(stored_block_256))(
          nc, layout, codes + i * ck_scale_bytes(layout.scale), slabs + i * slab_bytes, (const ck_q8_256 *)records,
          call->acc + first * CK_ROWS);
    codes = slabs + count * slab_bytes;
    left -= count;
  }
}

#define FEW_OF(scale) (ck_scale_values(scale) == 32 ? Q8_FEW_COLUMNS : Q8_FEW_COLUMNS_256)
#define STORED(n, np)                                          \
  if (ck_scale_values(layout.scale) == 256)                    \
    CK_NAME(stored_256)(n, layout, call, first);               \
  else if (n <= Q8_FEW_COLUMNS)                                \
    CK_NAME(stored_32)(n, layout, call, first)
#define PANEL(id, slab_, map_, scale_)                                                           \
  static void CK_NAME(CK_OF(matvec, CK_LOWER_##id))(const ck_tile_call *call) {               \
    const ck_panel_layout layout = {true, CK_##slab_, CK_MAP_##map_, CK_SCALE_##scale_};         \
    const size_t widest = FEW_OF(layout.scale), tiles = (call->columns + widest - 1) / widest;   \
    for (size_t t = 0; t < tiles; t++) {                                                         \
      size_t first, end;                                                                         \
      ck_share(call->columns, (uint32_t)t, (uint32_t)tiles, &first, &end);                       \
      switch (end - first) { EACH_FEW(STORED) }                                                  \
    }                                                                                            \
  }
#if Q8_FEW_COLUMNS_256 == 6
#define EACH_FEW(body) WIDTH_1_TO_4(body, 1) WIDTH_5_TO_6(body, 1)
#elif Q8_FEW_COLUMNS_256 == 4
#define EACH_FEW(body) WIDTH_1_TO_4(body, 1)
#else
#define EACH_FEW(body) WIDTH(1, body, 1) WIDTH(2, body, 1)
#endif
#include "kernels/panels.def"
#undef PANEL
