// Tiles of bfloat16 products: 16 rows times up to 12 columns, two values of k a step, read from the panel as stored.
// Included inside a region that has vdpbf16ps. One element is a chain of these in order of k, whatever the tile.
#define BF16_COLUMNS 12
CK_INLINE void CK_NAME(tile_bf16)(const int np, const int nc, const ck_tile_call *call, size_t first_panel,
                                  size_t first) {
  const size_t apart = call->columns * CK_ROWS;
  const uint8_t *panel = (const uint8_t *)call->codes + first_panel * call->panel_stride;
  const char *records = (const char *)call->x + first * sizeof(ck_bf16_32);
  float *out = call->acc + first_panel * apart + first * CK_ROWS;
  vf acc[2][BF16_COLUMNS];
#pragma unroll
  for (int p = 0; p < np; p++)
#pragma unroll
    for (int c = 0; c < nc; c++) acc[p][c] = vf_load(out + (size_t)p * apart + c * CK_ROWS);
  for (size_t k = 0; k < call->values; k += 32, records += call->stride) {
    const ck_bf16_32 *x = (const ck_bf16_32 *)records;
    const size_t pairs = (call->values - k < 32 ? call->values - k + 1 : 32) / 2;
#pragma unroll 4
    for (size_t i = 0; i < pairs; i++, panel += CK_STEP) {
      if (np == 1) vi_prefetch(panel + CK_AHEAD);
      vi w[2];
#pragma unroll
      for (int p = 0; p < np; p++) w[p] = vi_load(panel + (size_t)p * call->panel_stride);
#pragma unroll
      for (int c = 0; c < nc; c++) {
        const vi two = vi_spread(x[c].x + 2 * i);
#pragma unroll
        for (int p = 0; p < np; p++) acc[p][c] = vi_dot_bf16(acc[p][c], w[p], two);
      }
    }
  }
#pragma unroll
  for (int p = 0; p < np; p++)
#pragma unroll
    for (int c = 0; c < nc; c++) vf_store(out + (size_t)p * apart + c * CK_ROWS, acc[p][c]);
}

#define WIDTH(np, n) case n: CK_NAME(tile_bf16)(np, n, call, panel, first); break;
#define EACH_BF16_WIDTH(np)                                                                             \
  WIDTH(np, 1) WIDTH(np, 2) WIDTH(np, 3) WIDTH(np, 4) WIDTH(np, 5) WIDTH(np, 6) WIDTH(np, 7) WIDTH(np, 8) \
  WIDTH(np, 9) WIDTH(np, 10) WIDTH(np, 11) WIDTH(np, 12)
static void CK_NAME(matmul_bf16)(const ck_tile_call *call) {
  const size_t tiles = (call->columns + BF16_COLUMNS - 1) / BF16_COLUMNS, panel = 0;
  for (size_t t = 0; t < tiles; t++) {
    size_t first, end;
    ck_share(call->columns, (uint32_t)t, (uint32_t)tiles, &first, &end);
    if (call->panels == 2) {
      switch (end - first) { EACH_BF16_WIDTH(2) }
    } else {
      switch (end - first) { EACH_BF16_WIDTH(1) }
    }
  }
}
#undef WIDTH
