// Tiles of int8 products: up to Q8_COLUMNS columns of x times VW rows of a plain panel, or up to Q8_FEW_COLUMNS
// columns times a panel as it is stored. Included once an ISA, after expand.h.
//
// The arithmetic of one element, whatever the tile: integer sums are exact; floats are added in order of k,
//   32-blocks:  acc = fma(float(sum << shift), scale, acc); with minima, acc = fma(minimum, x.sum, acc)
//   256-blocks: block = fma(float(sum_j), scale_j, block) for each group j; with minima, block = fma(-dmin,
//               float(sum of minimum_j * x.sum_j), block); acc = fma(block, x.scale, acc)

CK_INLINE vi CK_NAME(dot)(bool is_signed, vi acc, vi codes, const int8_t *x) {
  return is_signed ? vi_dot_signed(acc, codes, x) : vi_dot_unsigned(acc, codes, x);
}

/// acc[c] += one 32-block: 8 steps of codes, scale and minimum against the records x[0] ... x[nc - 1].
CK_INLINE void CK_NAME(block_32)(const int nc, const bool has_min, const vi *steps, vf scale, vf minimum,
                                 const ck_q8_32 *x, vf *acc) {
  vi sums[Q8_COLUMNS];
#pragma unroll
  for (int c = 0; c < nc; c++) sums[c] = CODE_BIAS && !has_min ? vi_spread(&x[c].bias) : vi_zero();
#pragma unroll
  for (int s = 0; s < 8; s++) {
#pragma unroll
    for (int c = 0; c < nc; c++) sums[c] = CK_NAME(dot)(!has_min, sums[c], steps[s], x[c].q + s * 4);
  }
#pragma unroll
  for (int c = 0; c < nc; c++) {
    acc[c] = vf_fma(vi_float(vi_shift_left(sums[c], &x[c].shift)), scale, acc[c]);
    if (has_min) acc[c] = vf_fma(minimum, vf_set(x[c].sum), acc[c]);
  }
}

/// block[c] += 32 values of a 256-block that start at value 32 * j: one group of 32, or two of 16.
CK_INLINE void CK_NAME(part_256)(const int nc, const bool has_min, const int group, const vi *steps,
                                 const float (*scales)[CK_ROWS], size_t j, const ck_q8_256 *x, vf *block) {
  const int per_group = group / 4;
#pragma unroll
  for (int g = 0; g < 32 / group; g++) {
    vi sums[Q8_COLUMNS];
#pragma unroll
    for (int c = 0; c < nc; c++) {
      const int32_t *bias = group == 16 ? &x[c].bias16[j * 2 + (size_t)g] : &x[c].bias32[j];
      sums[c] = CODE_BIAS && !has_min ? vi_spread(bias) : vi_zero();
    }
#pragma unroll
    for (int s = g * per_group; s < (g + 1) * per_group; s++) {
#pragma unroll
      for (int c = 0; c < nc; c++) sums[c] = CK_NAME(dot)(!has_min, sums[c], steps[s], x[c].q + j * 32 + s * 4);
    }
    const vf scale = vf_load(scales[g]);
#pragma unroll
    for (int c = 0; c < nc; c++) block[c] = vf_fma(vi_float(sums[c]), scale, block[c]);
  }
}

/// Ends a 256-block: minima, and the scales of x. acc is in memory: it is needed once in 256 values.
CK_INLINE void CK_NAME(end_256)(const int nc, const bool has_min, const int group, const float *minimum,
                                const int16_t (*pairs)[CK_ROWS][2], const ck_q8_256 *x, vf *block, float *acc) {
  if (has_min) {
    vi sums[Q8_COLUMNS];
#pragma unroll
    for (int c = 0; c < nc; c++) sums[c] = vi_zero();
#pragma unroll
    for (int i = 0; i < 128 / group; i++) {
      const vi pair = vi_load(pairs[i]);
#pragma unroll
      for (int c = 0; c < nc; c++)
        sums[c] = vi_dot16(sums[c], pair, group == 16 ? x[c].sum16 + 2 * i : x[c].sum32 + 2 * i);
    }
    const vf d = vf_load(minimum);
#pragma unroll
    for (int c = 0; c < nc; c++) block[c] = vf_fnma(d, vi_float(sums[c]), block[c]);
  }
#pragma unroll
  for (int c = 0; c < nc; c++)
    vf_store(acc + c * CK_ROWS, vf_fma(block[c], vf_set(x[c].scale), vf_load(acc + c * CK_ROWS)));
}

// ------------------------------------------------------------------------------------------------- plain panels

CK_INLINE void CK_NAME(plain_32)(const int nc, const bool has_min, const ck_tile_call *call, size_t first) {
  const ck_plain *plain = call->codes;
  for (int h = 0; h < PARTS; h++) {
    const char *records = (const char *)call->x + first * sizeof(ck_q8_32);
    float *out = call->acc + first * CK_ROWS + h * VW;
    vf acc[Q8_COLUMNS];
#pragma unroll
    for (int c = 0; c < nc; c++) acc[c] = vf_load(out + c * CK_ROWS);
    for (size_t b = 0; b < call->values / 32; b++, records += call->stride) {
      vi steps[8];
#pragma unroll
      for (int s = 0; s < 8; s++) steps[s] = vi_load(plain->codes + b * 512 + s * CK_STEP + h * VW * 4);
      const vf minimum = has_min ? vf_load(plain->minima[b] + h * VW) : vf_zero();
      CK_NAME(block_32)(nc, has_min, steps, vf_load(plain->scales[b] + h * VW), minimum, (const ck_q8_32 *)records, acc);
    }
#pragma unroll
    for (int c = 0; c < nc; c++) vf_store(out + c * CK_ROWS, acc[c]);
  }
}

CK_INLINE void CK_NAME(plain_256)(const int nc, const bool has_min, const int group, const ck_tile_call *call,
                                  size_t first) {
  const ck_plain *plain = call->codes;
  for (int h = 0; h < PARTS; h++) {
    const char *records = (const char *)call->x + first * sizeof(ck_q8_256);
    for (size_t b = 0; b < call->values / 256; b++, records += call->stride) {
      const ck_q8_256 *x = (const ck_q8_256 *)records;
      vf block[Q8_COLUMNS];
#pragma unroll
      for (int c = 0; c < nc; c++) block[c] = vf_zero();
#pragma unroll 1
      for (size_t j = 0; j < 8; j++) {
        vi steps[8];
#pragma unroll
        for (int s = 0; s < 8; s++)
          steps[s] = vi_load(plain->codes + b * 4096 + j * 512 + (size_t)(s * CK_STEP + h * VW * 4));
        const size_t at = b * (size_t)(256 / group) + j * (size_t)(32 / group);
        CK_NAME(part_256)(nc, has_min, group, steps, (const float (*)[CK_ROWS])(plain->scales[at] + h * VW), j, x, block);
      }
      CK_NAME(end_256)(nc, has_min, group, plain->minima[b] + h * VW,
                       (const int16_t (*)[CK_ROWS][2])&plain->pairs[b * (size_t)(128 / group)][h * VW][0], x, block,
                       call->acc + first * CK_ROWS + h * VW);
    }
  }
}

/// Columns are spread evenly over tiles: 17 with tiles of at most 12 are 9 + 8.
#define TILES(name, body)                                                       \
  static void CK_NAME(name)(const ck_tile_call *call) {                         \
    const size_t tiles = (call->columns + Q8_COLUMNS - 1) / Q8_COLUMNS;         \
    for (size_t t = 0; t < tiles; t++) {                                        \
      size_t first, end;                                                        \
      ck_share(call->columns, (uint32_t)t, (uint32_t)tiles, &first, &end);      \
      switch (end - first) { EACH_WIDTH(body) }                                 \
    }                                                                           \
  }
#define WIDTH_1_TO_4(body) WIDTH(1, body) WIDTH(2, body) WIDTH(3, body) WIDTH(4, body)
#define WIDTH_5_TO_8(body) WIDTH(5, body) WIDTH(6, body) WIDTH(7, body) WIDTH(8, body)
#define WIDTH_9_TO_12(body) WIDTH(9, body) WIDTH(10, body) WIDTH(11, body) WIDTH(12, body)
#define WIDTH(n, body) case n: body(n); break;
#if Q8_COLUMNS == 12
#define EACH_WIDTH(body) WIDTH_1_TO_4(body) WIDTH_5_TO_8(body) WIDTH_9_TO_12(body)
#elif Q8_COLUMNS == 8
#define EACH_WIDTH(body) WIDTH_1_TO_4(body) WIDTH_5_TO_8(body)
#else
#define EACH_WIDTH(body) WIDTH_1_TO_4(body)
#endif

#define BODY(n) CK_NAME(plain_32)(n, false, call, first)
TILES(matmul_q8_32, BODY)
#undef BODY
#define BODY(n) CK_NAME(plain_32)(n, true, call, first)
TILES(matmul_q8_32_min, BODY)
#undef BODY
#define BODY(n) CK_NAME(plain_256)(n, false, 16, call, first)
TILES(matmul_q8_256_by16, BODY)
#undef BODY
#define BODY(n) CK_NAME(plain_256)(n, true, 16, call, first)
TILES(matmul_q8_256_by16_min, BODY)
#undef BODY
#define BODY(n) CK_NAME(plain_256)(n, false, 32, call, first)
TILES(matmul_q8_256_by32, BODY)
#undef BODY
#define BODY(n) CK_NAME(plain_256)(n, true, 32, call, first)
TILES(matmul_q8_256_by32_min, BODY)
#undef BODY

// ------------------------------------------------------------------------------- panels as they are stored

CK_INLINE void CK_NAME(stored_32)(const int nc, ck_panel_layout layout, const ck_tile_call *call, size_t first) {
  const bool has_min = ck_scale_has_min(layout.scale);
  const uint8_t *codes = call->codes, *scales = call->scales;
  const char *records = (const char *)call->x + first * sizeof(ck_q8_32);
  vf acc[PARTS][Q8_COLUMNS];
  for (int h = 0; h < PARTS; h++)
#pragma unroll
    for (int c = 0; c < nc; c++) acc[h][c] = vf_load(call->acc + (first + (size_t)c) * CK_ROWS + h * VW);
  for (size_t b = 0; b < call->values / 32; b++, records += call->stride) {
    _Alignas(64) float e8[1][CK_ROWS];
    if (layout.scale == CK_SCALE_E8) CK_NAME(block_scales)(layout.scale, scales, e8, NULL, NULL);
    for (size_t line = 0; line < ck_slab_bytes(layout.slab); line += 64) vi_prefetch(codes + CK_AHEAD + line);
#pragma unroll
    for (int h = 0; h < PARTS; h++) {
      vi steps[8];
      CK_NAME(steps)(layout.slab, layout.map, has_min ? 0 : CODE_BIAS, codes + h * VW * 4, steps);
      const uint16_t *halves = (const uint16_t *)scales + h * VW;
      const vf scale = layout.scale == CK_SCALE_E8 ? vf_load(e8[0] + h * VW) : vf_load_f16(halves);
      const vf minimum = has_min ? vf_load_f16(halves + CK_ROWS) : vf_zero();
      CK_NAME(block_32)(nc, has_min, steps, scale, minimum, (const ck_q8_32 *)records, acc[h]);
    }
    codes += ck_slab_bytes(layout.slab);
    scales += ck_scale_bytes(layout.scale);
  }
  for (int h = 0; h < PARTS; h++)
#pragma unroll
    for (int c = 0; c < nc; c++) vf_store(call->acc + (first + (size_t)c) * CK_ROWS + h * VW, acc[h][c]);
}

CK_INLINE void CK_NAME(stored_256)(const int nc, ck_panel_layout layout, const ck_tile_call *call, size_t first) {
  const bool has_min = ck_scale_has_min(layout.scale);
  const int group = (int)ck_scale_group(layout.scale);
  const uint8_t *codes = call->codes, *scales = call->scales;
  const char *records = (const char *)call->x + first * sizeof(ck_q8_256);
  for (size_t b = 0; b < call->values / 256; b++, records += call->stride) {
    const ck_q8_256 *x = (const ck_q8_256 *)records;
    _Alignas(64) float group_scales[16][CK_ROWS], minimum[CK_ROWS];
    _Alignas(64) int16_t pairs[8][CK_ROWS][2];
    CK_NAME(block_scales)(layout.scale, scales, group_scales, minimum, pairs);
    vf block[PARTS][Q8_COLUMNS];
#pragma unroll
    for (int h = 0; h < PARTS; h++)
#pragma unroll
      for (int c = 0; c < nc; c++) block[h][c] = vf_zero();
#pragma unroll 1
    for (size_t j = 0; j < 8; j++, codes += ck_slab_bytes(layout.slab)) {
      for (size_t line = 0; line < ck_slab_bytes(layout.slab); line += 64) vi_prefetch(codes + CK_AHEAD + line);
#pragma unroll
      for (int h = 0; h < PARTS; h++) {
        vi steps[8];
        CK_NAME(steps)(layout.slab, layout.map, has_min ? 0 : CODE_BIAS, codes + h * VW * 4, steps);
        CK_NAME(part_256)(nc, has_min, group, steps,
                          (const float (*)[CK_ROWS])(group_scales[j * (size_t)(32 / group)] + h * VW), j, x, block[h]);
      }
    }
#pragma unroll
    for (int h = 0; h < PARTS; h++)
      CK_NAME(end_256)(nc, has_min, group, minimum + h * VW, (const int16_t (*)[CK_ROWS][2])&pairs[0][h * VW][0], x,
                       block[h], call->acc + first * CK_ROWS + h * VW);
    scales += ck_scale_bytes(layout.scale);
  }
}

#define STORED(n)                                       \
  if (ck_scale_values(layout.scale) == 32)              \
    CK_NAME(stored_32)(n, layout, call, first);         \
  else                                                  \
    CK_NAME(stored_256)(n, layout, call, first)
#define PANEL(id, slab_, map_, scale_)                                                           \
  static void CK_NAME(CK_OF(matvec, CK_LOWER_##id))(const ck_tile_call *call) {               \
    const ck_panel_layout layout = {true, CK_##slab_, CK_MAP_##map_, CK_SCALE_##scale_};         \
    const size_t tiles = (call->columns + Q8_FEW_COLUMNS - 1) / Q8_FEW_COLUMNS;                  \
    for (size_t t = 0; t < tiles; t++) {                                                         \
      size_t first, end;                                                                         \
      ck_share(call->columns, (uint32_t)t, (uint32_t)tiles, &first, &end);                       \
      switch (end - first) { EACH_FEW(STORED) }                                                  \
    }                                                                                            \
  }
#if Q8_FEW_COLUMNS == 4
#define EACH_FEW(body) WIDTH_1_TO_4(body)
#else
#define EACH_FEW(body) WIDTH(1, body) WIDTH(2, body)
#endif
#include "kernels/panels.def"
#undef PANEL

/// Puts the int8 kernels of this ISA into the table.
static void CK_NAME(serve_q8)(ck_table *table, const char *reason) {
#define CK_TILE_F16 CK_NAME(matmul_q8_32)
#define CK_TILE_E8 CK_NAME(matmul_q8_32)
#define CK_TILE_F16_MIN CK_NAME(matmul_q8_32_min)
#define CK_TILE_I8_16 CK_NAME(matmul_q8_256_by16)
#define CK_TILE_U6_16 CK_NAME(matmul_q8_256_by16)
#define CK_TILE_U4_MIN_16 CK_NAME(matmul_q8_256_by16_min)
#define CK_TILE_U6_32 CK_NAME(matmul_q8_256_by32)
#define CK_TILE_U6_MIN_32 CK_NAME(matmul_q8_256_by32_min)
#define PANEL(id, slab, map, scale)                                                                                 \
  CK_SERVE(table, matmul[CK_FORMAT_##id], CK_TILE_##scale, CK_ISA_HERE, reason);                                    \
  CK_SERVE(table, matvec[CK_FORMAT_##id], CK_NAME(CK_OF(matvec, CK_LOWER_##id)), CK_ISA_HERE, reason);           \
  CK_SERVE(table, panel_expand[CK_FORMAT_##id], CK_NAME(CK_OF(panel_expand, CK_LOWER_##id)), CK_ISA_HERE, reason); \
  CK_SERVE(table, panel_decode[CK_FORMAT_##id], CK_NAME(CK_OF(panel_decode, CK_LOWER_##id)), CK_ISA_HERE, reason);
#include "kernels/panels.def"
#undef PANEL
}
#undef WIDTH
