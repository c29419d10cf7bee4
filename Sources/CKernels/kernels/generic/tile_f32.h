// Tiles of float32 products, and what becomes of accumulators: 16 rows times up to F32_COLUMNS columns.
// Included once an ISA, after expand.h, elementwise.h and the integer vocabulary.
//
// One element is a chain of fused multiply-adds in order of k, whatever the tile.
CK_INLINE void CK_NAME(tile_f32)(const int nc, const ck_tile_call *call, size_t first) {
  const float *panel = call->codes;
  const char *records = (const char *)call->x + first * sizeof(ck_f32_16);
  float *out = call->acc + first * CK_ROWS;
  vf acc[PARTS][F32_COLUMNS];
#pragma unroll
  for (int h = 0; h < PARTS; h++)
#pragma unroll
    for (int c = 0; c < nc; c++) acc[h][c] = vf_load(out + c * CK_ROWS + h * VW);
  for (size_t k = 0; k < call->values; k += 16, records += call->stride) {
    const ck_f32_16 *x = (const ck_f32_16 *)records;
    const size_t count = call->values - k < 16 ? call->values - k : 16;
#pragma unroll 4
    for (size_t i = 0; i < count; i++, panel += CK_ROWS) {
      vi_prefetch(panel + CK_AHEAD / sizeof(float));
      vf w[PARTS];
#pragma unroll
      for (int h = 0; h < PARTS; h++) w[h] = vf_load(panel + h * VW);
#pragma unroll
      for (int c = 0; c < nc; c++)
#pragma unroll
        for (int h = 0; h < PARTS; h++) acc[h][c] = vf_fma(w[h], vf_set(x[c].x[i]), acc[h][c]);
    }
  }
#pragma unroll
  for (int h = 0; h < PARTS; h++)
#pragma unroll
    for (int c = 0; c < nc; c++) vf_store(out + c * CK_ROWS + h * VW, acc[h][c]);
}

#define WIDTH(n) case n: CK_NAME(tile_f32)(n, call, first); break;
static void CK_NAME(matmul_f32)(const ck_tile_call *call) {
  const size_t tiles = (call->columns + F32_COLUMNS - 1) / F32_COLUMNS;
  for (size_t t = 0; t < tiles; t++) {
    size_t first, end;
    ck_share(call->columns, (uint32_t)t, (uint32_t)tiles, &first, &end);
    switch (end - first) {
      WIDTH(1) WIDTH(2) WIDTH(3) WIDTH(4) WIDTH(5) WIDTH(6)
#if F32_COLUMNS == 12
      WIDTH(7) WIDTH(8) WIDTH(9) WIDTH(10) WIDTH(11) WIDTH(12)
#endif
    }
  }
}
#undef WIDTH

static void CK_NAME(panel_decode_f16)(const void *codes, const void *scales, size_t values, float *out) {
  (void)scales;
  for (size_t i = 0; i < values * CK_ROWS; i += VW) vf_store(out + i, vf_load_f16((const uint16_t *)codes + i));
}

static void CK_NAME(panel_decode_bf16)(const void *codes, const void *scales, size_t values, float *out) {
  (void)scales;
  const uint32_t *pairs = codes;
  uint32_t *bits = (uint32_t *)out;
  for (size_t k = 0; k < values; k += 2)
    for (size_t r = 0; r < CK_ROWS; r++) {
      const uint32_t pair = pairs[k / 2 * CK_ROWS + r];
      bits[k * CK_ROWS + r] = pair << 16;
      if (k + 1 < values) bits[(k + 1) * CK_ROWS + r] = pair & 0xffff0000u;
    }
}

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
  CK_SERVE(table, matmul_f32, CK_NAME(matmul_f32), CK_ISA_HERE, "register tiles");
  CK_SERVE(table, matmul_finish, CK_NAME(matmul_finish), CK_ISA_HERE, "vectorised");
  CK_SERVE(table, panel_decode[CK_FORMAT_F16], CK_NAME(panel_decode_f16), CK_ISA_HERE, "vectorised");
  CK_SERVE(table, panel_decode[CK_FORMAT_BF16], CK_NAME(panel_decode_bf16), CK_ISA_HERE, "vectorised");
  CK_SERVE(table, record_f32, CK_NAME(record_f32), CK_ISA_HERE, "plain loop");
  CK_SERVE(table, record_bf16, CK_NAME(record_bf16), CK_ISA_HERE, "plain loop");
  CK_SERVE(table, record_bf16_wide, CK_NAME(record_bf16_wide), CK_ISA_HERE, "plain loop");
  CK_SERVE(table, record_q8_32, CK_NAME(record_q8_32), CK_ISA_HERE, "plain loop");
  CK_SERVE(table, record_q8_256, CK_NAME(record_q8_256), CK_ISA_HERE, "plain loop");
}
