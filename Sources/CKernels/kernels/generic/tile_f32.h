// Tiles of float32 products, and what becomes of accumulators: 16 rows times up to F32_COLUMNS columns.
// Included once an ISA, after expand.h, elementwise.h and the integer vocabulary.
//
// One element is a chain of fused multiply-adds in order of k, whatever the tile.
typedef enum CK_NAME(element) { CK_NAME(f32), CK_NAME(f16), CK_NAME(bf16) } CK_NAME(element);

/// Value i of 16 at k, of one part of a panel.
CK_INLINE vf CK_NAME(weight)(CK_NAME(element) element, const char *panel, size_t i, int part) {
  if (element == CK_NAME(f32)) return vf_load((const float *)panel + i * CK_ROWS + part * VW);
  if (element == CK_NAME(f16)) return vf_load_f16((const uint16_t *)panel + i * CK_ROWS + part * VW);
  const vi pair = vi_load(panel + i / 2 * CK_STEP + part * VW * 4);
  return i % 2 ? vi_bf16_high(pair) : vi_bf16_low(pair);
}

CK_INLINE void CK_NAME(tile_f32)(const CK_NAME(element) element, const int np, const int nc, const ck_tile_call *call,
                                 size_t first_panel, size_t first) {
  const size_t group = 16 * CK_ROWS * (element == CK_NAME(f32) ? 4 : 2), apart = call->columns * CK_ROWS;
  const char *panel = (const char *)call->codes + first_panel * call->panel_stride;
  const char *records = (const char *)call->x + first * sizeof(ck_f32_16);
  float *out = call->acc + first_panel * apart + first * CK_ROWS;
  vf acc[F32_PANELS * PARTS][F32_COLUMNS];
#pragma unroll
  for (int q = 0; q < np * PARTS; q++)
#pragma unroll
    for (int c = 0; c < nc; c++)
      acc[q][c] = vf_load(out + (size_t)(q / PARTS) * apart + c * CK_ROWS + q % PARTS * VW);
  for (size_t k = 0; k < call->values; k += 16, records += call->stride, panel += group) {
    const ck_f32_16 *x = (const ck_f32_16 *)records;
    const size_t count = call->values - k < 16 ? call->values - k : 16;
    for (size_t line = 0; np == 1 && line < group; line += 64) vi_prefetch(panel + CK_AHEAD + line);
#pragma unroll 4
    for (size_t i = 0; i < count; i++) {
      vf w[F32_PANELS * PARTS];
#pragma unroll
      for (int q = 0; q < np * PARTS; q++)
        w[q] = CK_NAME(weight)(element, panel + (size_t)(q / PARTS) * call->panel_stride, i, q % PARTS);
#pragma unroll
      for (int c = 0; c < nc; c++) {
        const vf value = vf_set(x[c].x[i]);
#pragma unroll
        for (int q = 0; q < np * PARTS; q++) acc[q][c] = vf_fma(w[q], value, acc[q][c]);
      }
    }
  }
#pragma unroll
  for (int q = 0; q < np * PARTS; q++)
#pragma unroll
    for (int c = 0; c < nc; c++)
      vf_store(out + (size_t)(q / PARTS) * apart + c * CK_ROWS + q % PARTS * VW, acc[q][c]);
}

#define WIDTH(element, np, n) case n: CK_NAME(tile_f32)(element, np, n, call, panel, first); break;
#if F32_COLUMNS == 12
#define MORE_WIDTHS(e, np) \
  WIDTH(e, np, 7) WIDTH(e, np, 8) WIDTH(e, np, 9) WIDTH(e, np, 10) WIDTH(e, np, 11) WIDTH(e, np, 12)
#else
#define MORE_WIDTHS(e, np)
#endif
#define EACH_F32_WIDTH(e, np)                                                                       \
  WIDTH(e, np, 1) WIDTH(e, np, 2) WIDTH(e, np, 3) WIDTH(e, np, 4) WIDTH(e, np, 5) WIDTH(e, np, 6) \
  MORE_WIDTHS(e, np)
#define F32_TILES(name, element)                                                       \
  static void CK_NAME(name)(const ck_tile_call *call) {                                \
    const bool pair = F32_PANELS == 2 && call->panels == 2;                            \
    const size_t tiles = (call->columns + F32_COLUMNS - 1) / F32_COLUMNS;              \
    for (size_t panel = 0; panel < (pair ? 1 : call->panels); panel++)                 \
      for (size_t t = 0; t < tiles; t++) {                                             \
        size_t first, end;                                                             \
        ck_share(call->columns, (uint32_t)t, (uint32_t)tiles, &first, &end);           \
        if (pair) {                                                                    \
          switch (end - first) { EACH_F32_WIDTH(element, F32_PANELS) }                 \
        } else {                                                                       \
          switch (end - first) { EACH_F32_WIDTH(element, 1) }                          \
        }                                                                              \
      }                                                                                \
  }
F32_TILES(matmul_f32, CK_NAME(f32))
F32_TILES(matmul_f16, CK_NAME(f16))
F32_TILES(matmul_bf16_wide, CK_NAME(bf16))
#undef WIDTH
#undef MORE_WIDTHS

/// 16 lanes of one column; those past the last row are computed and not stored.
static void CK_NAME(matmul_finish)(const ck_finish_call *call) {
  for (size_t c = 0; c < call->columns; c++) {
    const vf scale = vf_set(call->row_scales ? call->row_scales[c] : 1.0f);
    float *y = call->y + c * call->ldy;
    for (size_t r = 0; r < call->rows; r += VW) {
      const size_t part = call->rows - r < VW ? call->rows - r : VW;
      vf value = vf_mul(vf_load(call->acc + c * CK_ROWS + r), scale);
      if (call->bias) value = vf_add(value, vf_load_part(call->bias + r, part));
      if (call->gate) {
        value = vf_mul(CK_NAME(act)(call->act, vf_mul(vf_load(call->gate + c * CK_ROWS + r), scale)), value);
      } else if (call->act != CK_GATE_NONE) {
        value = CK_NAME(act)(call->act, value);
      }
      if (call->accumulate) value = vf_add(vf_load_part(y + r, part), value);
      vf_store_part(y + r, part, value);
    }
  }
}

static void CK_NAME(serve_f32)(ck_table *table) {
  CK_SERVE(table, matmul_exact, CK_NAME(matmul_f32), CK_ISA_HERE, "register tiles of fused multiply-adds");
  CK_SERVE(table, matmul[CK_FORMAT_F32], CK_NAME(matmul_f32), CK_ISA_HERE, "register tiles of fused multiply-adds");
  CK_SERVE(table, matmul[CK_FORMAT_F16], CK_NAME(matmul_f16), CK_ISA_HERE, "converted in registers");
  CK_SERVE(table, matmul[CK_FORMAT_BF16], CK_NAME(matmul_bf16_wide), CK_ISA_HERE, "converted in registers");
  CK_SERVE(table, matmul_finish, CK_NAME(matmul_finish), CK_ISA_HERE, "vectorised");
  CK_SERVE(table, record_f32, CK_NAME(record_f32), CK_ISA_HERE, "plain loop");
  CK_SERVE(table, record_bf16, CK_NAME(record_bf16), CK_ISA_HERE, "plain loop");
  CK_SERVE(table, record_bf16_wide, CK_NAME(record_bf16_wide), CK_ISA_HERE, "plain loop");
  CK_SERVE(table, record_q8_32, CK_NAME(record_q8_32), CK_ISA_HERE, "plain loop");
  CK_SERVE(table, record_q8_256, CK_NAME(record_q8_256), CK_ISA_HERE, "plain loop");
}
