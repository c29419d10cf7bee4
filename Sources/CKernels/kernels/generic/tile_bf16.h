// Tiles of bfloat16 products: 16 rows times up to 12 columns, two values of k a step, read from the panel as stored.
// Included inside a region that has vdpbf16ps. One element is a chain of these in order of k, whatever the tile.
#define BF16_COLUMNS 12
CK_INLINE void CK_NAME(tile_bf16)(const int nc, const ck_tile_call *call, size_t first) {
  const uint8_t *panel = call->codes;
  const char *records = (const char *)call->x + first * sizeof(ck_bf16_32);
  float *out = call->acc + first * CK_ROWS;
  vf acc[BF16_COLUMNS];
#pragma unroll
  for (int c = 0; c < nc; c++) acc[c] = vf_load(out + c * CK_ROWS);
  for (size_t k = 0; k < call->values; k += 32, records += call->stride) {
    const ck_bf16_32 *x = (const ck_bf16_32 *)records;
    const size_t pairs = (call->values - k < 32 ? call->values - k + 1 : 32) / 2;
#pragma unroll 4
    for (size_t i = 0; i < pairs; i++, panel += CK_STEP) {
      vi_prefetch(panel + CK_AHEAD);
      const vi w = vi_load(panel);
#pragma unroll
      for (int c = 0; c < nc; c++) acc[c] = vi_dot_bf16(acc[c], w, x[c].x + 2 * i);
    }
  }
#pragma unroll
  for (int c = 0; c < nc; c++) vf_store(out + c * CK_ROWS, acc[c]);
}

#define WIDTH(n) case n: CK_NAME(tile_bf16)(n, call, first); break;
static void CK_NAME(matmul_bf16)(const ck_tile_call *call) {
  const size_t tiles = (call->columns + BF16_COLUMNS - 1) / BF16_COLUMNS;
  for (size_t t = 0; t < tiles; t++) {
    size_t first, end;
    ck_share(call->columns, (uint32_t)t, (uint32_t)tiles, &first, &end);
    switch (end - first) {
      WIDTH(1) WIDTH(2) WIDTH(3) WIDTH(4) WIDTH(5) WIDTH(6) WIDTH(7) WIDTH(8) WIDTH(9) WIDTH(10) WIDTH(11) WIDTH(12)
    }
  }
}
#undef WIDTH
