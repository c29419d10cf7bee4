// Tiles of int8 products: up to Q8_COLUMNS columns of x times VW rows of a plain panel, or up to Q8_FEW_COLUMNS
// columns times a panel as it is stored. Included once an ISA, after expand.h.
//
// The arithmetic of one element, whatever the tile: integer sums are exact; floats are added in order of k,
//   32-blocks:  acc = fma(float(sum * multiple), scale, acc); with minima, acc = fma(minimum, x.sum, acc)
//   256-blocks: block = fma(float(sum_j * 2^shift_j), scale_j, block) for each group j; with minima, block = fma(-dmin,
//               float(sum of minimum_j * x.sum_j), block); acc = fma(block, x.scale, acc). Where scales fold there is
//               one group: sum of scale_j * sum_j * 2^shift_j, exact, and its scale is d

// A tile spans np panels and nc columns: one broadcast of x serves np products.

typedef vi CK_NAME(sums)[Q8_PANELS][Q8_COLUMNS];
typedef vf CK_NAME(accs)[Q8_PANELS][Q8_COLUMNS];

#ifndef VI_NARROW
CK_INLINE vi CK_NAME(dot)(bool is_signed, vi acc, vi codes, vi x) {
  return is_signed ? vi_dot_signed(acc, codes, x) : vi_dot_unsigned(acc, codes, x);
}

/// sums[p][c] += one step of codes w[p] times 4 values of each column; x is the first one's, `next` bytes apart.
CK_INLINE void CK_NAME(step)(const int np, const int nc, const bool is_signed, const vi *w, const int8_t *x,
                             const size_t next, CK_NAME(sums) sums) {
#pragma unroll
  for (int c = 0; c < nc; c++) {
    const vi four = vi_spread(x + (size_t)c * next);
#pragma unroll
    for (int p = 0; p < np; p++) sums[p][c] = CK_NAME(dot)(is_signed, sums[p][c], w[p], four);
  }
}
#endif

/// Step s of panel p: kept in registers, or `apart` bytes from the last panel's in memory.
CK_INLINE vi CK_NAME(step_of)(const vi *kept, const uint8_t *codes, size_t apart, int p, int s) {
  return kept ? kept[s] : vi_load(codes + (size_t)p * apart + (size_t)s * CK_STEP);
}

#ifdef VI_MATRIX
/// Pairs of steps times pairs of columns; a last single column is its own partner.
CK_INLINE void CK_NAME(multiply_pairs)(const int np, const int nc, const int count, const vi *kept,
                                       const uint8_t *codes, size_t apart, const int8_t *x, const size_t next,
                                       CK_NAME(sums) sums) {
  vi low[Q8_PANELS][Q8_COLUMNS / 2], high[Q8_PANELS][Q8_COLUMNS / 2];
#pragma unroll
  for (int p = 0; p < np; p++)
#pragma unroll
    for (int c = 0; c < nc; c += 2) low[p][c / 2] = high[p][c / 2] = vi_zero();
#pragma unroll
  for (int s = 0; s < count; s += 2)
#pragma unroll
    for (int p = 0; p < np; p++) {
      const vi first = CK_NAME(step_of)(kept, codes, apart, p, s);
      const vi second = CK_NAME(step_of)(kept, codes, apart, p, s + 1);
      const vi rows_low = vi_rows_low(first, second), rows_high = vi_rows_high(first, second);
#pragma unroll
      for (int c = 0; c < nc; c += 2) {
        const int8_t *column = x + s * 4 + (size_t)c * next;
        const vi columns = vi_columns(column, c + 1 < nc ? column + next : column);
        low[p][c / 2] = vi_matrix(low[p][c / 2], rows_low, columns);
        high[p][c / 2] = vi_matrix(high[p][c / 2], rows_high, columns);
      }
    }
#pragma unroll
  for (int p = 0; p < np; p++)
#pragma unroll
    for (int c = 0; c < nc; c++)
      sums[p][c] = vi_add32(sums[p][c], vi_matrix_column(low[p][c / 2], high[p][c / 2], c % 2));
}
#endif

#ifdef VI_NARROW
/// Runs of steps whose pair sums are added in 16 bits and widened once.
CK_INLINE void CK_NAME(multiply_narrow)(const int np, const int nc, const CK_NAME(kind) kind, const int count,
                                        const vi *kept, const uint8_t *codes, size_t apart, const int8_t *x,
                                        const size_t next, CK_NAME(sums) sums) {
  const int run = kind.narrow < count ? kind.narrow : count;
#pragma unroll
  for (int s = 0; s < count; s += run) {
    CK_NAME(sums) pairs;
#pragma unroll
    for (int t = 0; t < run; t++)
#pragma unroll
      for (int p = 0; p < np; p++) {
        const vi w = CK_NAME(step_of)(kept, codes, apart, p, s + t);
#pragma unroll
        for (int c = 0; c < nc; c++) {
          const vi four = vi_spread(x + (s + t) * 4 + (size_t)c * next);
          const vi two = kind.is_signed ? vi_pairs_signed(w, four) : vi_pairs_unsigned(w, four);
          pairs[p][c] = t == 0 ? two : vi_add16(pairs[p][c], two);
        }
      }
#pragma unroll
    for (int p = 0; p < np; p++)
#pragma unroll
      for (int c = 0; c < nc; c++) sums[p][c] = vi_widen(sums[p][c], pairs[p][c]);
  }
}
#endif

/// sums += `count` steps times 4 * count values of each column; x is the first one's, `next` bytes apart.
CK_INLINE void CK_NAME(multiply)(const int np, const int nc, const CK_NAME(kind) kind, const int count, const vi *kept,
                                 const uint8_t *codes, size_t apart, const int8_t *x, const size_t next,
                                 CK_NAME(sums) sums) {
#ifdef VI_NARROW
  CK_NAME(multiply_narrow)(np, nc, kind, count, kept, codes, apart, x, next, sums);
#else
#ifdef VI_MATRIX
  if (nc > 1) {
    CK_NAME(multiply_pairs)(np, nc, count, kept, codes, apart, x, next, sums);
    return;
  }
#endif
#pragma unroll
  for (int s = 0; s < count; s++) {
    vi w[Q8_PANELS];
#pragma unroll
    for (int p = 0; p < np; p++) w[p] = CK_NAME(step_of)(kept, codes, apart, p, s);
    CK_NAME(step)(np, nc, kind.is_signed, w, x + s * 4, next, sums);
  }
#endif
}

/// Sums start at what the codes are too large by, `offset` (0, or a power of two up to 128), times -sum of q.
CK_INLINE void CK_NAME(start)(const int np, const int nc, const int offset, const int32_t *bias, const size_t next,
                              CK_NAME(sums) sums) {
#pragma unroll
  for (int c = 0; c < nc; c++) {
    vi first = offset ? vi_spread((const char *)bias + (size_t)c * next) : vi_zero();
    if (offset && offset < 128) first = vi_halve(first, 7 - __builtin_ctz((unsigned)offset));
#pragma unroll
    for (int p = 0; p < np; p++) sums[p][c] = first;
  }
}

/// Ends a 32-block: its sums become floats under the scales of x and of the weights.
CK_INLINE void CK_NAME(end_32)(const int np, const int nc, const bool has_min, const vf *scale, const vf *minimum,
                               const ck_q8_32 *x, CK_NAME(sums) sums, CK_NAME(accs) acc) {
#pragma unroll
  for (int c = 0; c < nc; c++)
#pragma unroll
    for (int p = 0; p < np; p++)
      acc[p][c] = vf_fma(vi_float(vi_multiply(sums[p][c], &x[c].multiple)), scale[p], acc[p][c]);
  if (!has_min) return;
#pragma unroll
  for (int c = 0; c < nc; c++)
#pragma unroll
    for (int p = 0; p < np; p++) acc[p][c] = vf_fma(minimum[p], vf_set(x[c].sum), acc[p][c]);
}

/// sums of one group of a 256-block, times 2^shift; shift is the first column's.
CK_INLINE void CK_NAME(shift)(const int np, const int nc, const int32_t *shift, CK_NAME(sums) sums) {
#pragma unroll
  for (int c = 0; c < nc; c++)
#pragma unroll
    for (int p = 0; p < np; p++)
      sums[p][c] = vi_double(sums[p][c], (const int32_t *)((const char *)shift + (size_t)c * sizeof(ck_q8_256)));
}

/// Ends a group of a 256-block.
CK_INLINE void CK_NAME(end_group)(const int np, const int nc, const vf *scale, CK_NAME(sums) sums,
                                  CK_NAME(accs) block) {
#pragma unroll
  for (int c = 0; c < nc; c++)
#pragma unroll
    for (int p = 0; p < np; p++) block[p][c] = vf_fma(vi_float(sums[p][c]), scale[p], block[p][c]);
}

/// Ends a 256-block: minima, and the scales of x. acc is in memory, panels `apart` floats apart: it is needed once in
/// 256 values.
CK_INLINE void CK_NAME(end_256)(const int np, const int nc, const bool has_min, const int group,
                                const float *const *minimum, const int16_t (*const *pairs)[CK_ROWS][2],
                                const ck_q8_256 *x, CK_NAME(accs) block, float *acc, size_t apart) {
  if (has_min) {
    CK_NAME(sums) sums;
    CK_NAME(start)(np, nc, 0, NULL, 0, sums);
#pragma unroll
    for (int i = 0; i < 128 / group; i++)
#pragma unroll
      for (int c = 0; c < nc; c++) {
        const vi two = vi_spread(group == 16 ? x[c].sum16 + 2 * i : x[c].sum32 + 2 * i);
#pragma unroll
        for (int p = 0; p < np; p++) sums[p][c] = vi_dot16(sums[p][c], vi_load(pairs[p][i]), two);
      }
#pragma unroll
    for (int p = 0; p < np; p++) {
      const vf d = vf_load(minimum[p]);
#pragma unroll
      for (int c = 0; c < nc; c++) block[p][c] = vf_fnma(d, vi_float(sums[p][c]), block[p][c]);
    }
  }
#pragma unroll
  for (int c = 0; c < nc; c++)
#pragma unroll
    for (int p = 0; p < np; p++) {
      float *at = acc + (size_t)p * apart + c * CK_ROWS;
      vf_store(at, vf_fma(block[p][c], vf_set(x[c].scale), vf_load(at)));
    }
}

// ------------------------------------------------------------------------------------------------- plain panels

/// Prefetching what comes next, spread over the blocks of all tiles of a call.
typedef struct CK_NAME(ahead) {
  const char *at[2];
  size_t left, pace;  // lines of each; how many a block
} CK_NAME(ahead);

CK_INLINE CK_NAME(ahead) CK_NAME(ahead_of)(const ck_tile_call *call, size_t blocks) {
  const size_t lines = call->ahead_bytes / 64;
  return (CK_NAME(ahead)){{call->ahead[0], call->ahead[1]}, lines, (lines + blocks - 1) / blocks};
}

CK_INLINE void CK_NAME(look_ahead)(CK_NAME(ahead) *ahead) {
  for (size_t i = 0; i < ahead->pace && ahead->left; i++, ahead->left--) {
    vi_prefetch_far(ahead->at[0]);
    vi_prefetch_far(ahead->at[1]);
    ahead->at[0] += 64;
    ahead->at[1] += 64;
  }
}

CK_INLINE void CK_NAME(plain_32)(const int np, const int nc, const CK_NAME(kind) kind, const ck_tile_call *call,
                                 size_t first_panel, size_t first, CK_NAME(ahead) *ahead) {
  const ck_plain *plain = (const ck_plain *)call->codes + first_panel;
  const size_t apart = call->columns * CK_ROWS;
  for (int h = 0; h < PARTS; h++) {
    const char *records = (const char *)call->x + first * sizeof(ck_q8_32);
    float *out = call->acc + first_panel * apart + first * CK_ROWS + h * VW;
    CK_NAME(accs) acc;
#pragma unroll
    for (int c = 0; c < nc; c++)
#pragma unroll
      for (int p = 0; p < np; p++) acc[p][c] = vf_load(out + (size_t)p * apart + c * CK_ROWS);
    for (size_t b = 0; b < call->values / 32; b++, records += call->stride) {
      const ck_q8_32 *x = (const ck_q8_32 *)records;
      CK_NAME(look_ahead)(ahead);
      CK_NAME(sums) sums;
      CK_NAME(start)(np, nc, kind.offset, &x->bias, sizeof *x, sums);
      CK_NAME(multiply)(np, nc, kind, 8, NULL, plain->codes + b * 512 + h * VW * 4, sizeof *plain, x->q, sizeof *x,
                        sums);
      vf scale[Q8_PANELS], minimum[Q8_PANELS];
#pragma unroll
      for (int p = 0; p < np; p++) {
        scale[p] = vf_load(plain[p].scales[b] + h * VW);
        minimum[p] = kind.has_min ? vf_load(plain[p].minima[b] + h * VW) : vf_zero();
      }
      CK_NAME(end_32)(np, nc, kind.has_min, scale, minimum, x, sums, acc);
    }
#pragma unroll
    for (int c = 0; c < nc; c++)
#pragma unroll
      for (int p = 0; p < np; p++) vf_store(out + (size_t)p * apart + c * CK_ROWS, acc[p][c]);
  }
}

CK_INLINE void CK_NAME(plain_256)(const int np, const int nc, const CK_NAME(kind) kind, const int group,
                                  const ck_tile_call *call, size_t first_panel, size_t first,
                                  CK_NAME(ahead) *ahead) {
  const ck_plain *plain = (const ck_plain *)call->codes + first_panel;
  const size_t apart = call->columns * CK_ROWS;
  for (int h = 0; h < PARTS; h++) {
    const char *records = (const char *)call->x + first * sizeof(ck_q8_256);
    for (size_t b = 0; b < call->values / 256; b++, records += call->stride) {
      const ck_q8_256 *x = (const ck_q8_256 *)records;
      CK_NAME(look_ahead)(ahead);
      CK_NAME(accs) block;
#pragma unroll
      for (int c = 0; c < nc; c++)
#pragma unroll
        for (int p = 0; p < np; p++) block[p][c] = vf_zero();
#pragma unroll 1
      for (size_t j = 0; j < (size_t)(256 / group); j++) {
        CK_NAME(sums) sums;
        CK_NAME(start)(np, nc, kind.offset, group == 16 ? x->bias16 + j : x->bias32 + j, sizeof *x, sums);
        const size_t at = (b * 256 + j * (size_t)group) * CK_ROWS + (size_t)(h * VW * 4);
        CK_NAME(multiply)(np, nc, kind, group / 4, NULL, plain->codes + at, sizeof *plain,
                          x->q + j * (size_t)group, sizeof *x, sums);
        vf scale[Q8_PANELS];
#pragma unroll
        for (int p = 0; p < np; p++) scale[p] = vf_load(plain[p].scales[b * (size_t)(256 / group) + j] + h * VW);
        CK_NAME(shift)(np, nc, x->shift + j * (size_t)group / 32, sums);
        CK_NAME(end_group)(np, nc, scale, sums, block);
      }
      const float *minimum[Q8_PANELS];
      const int16_t (*pairs[Q8_PANELS])[CK_ROWS][2];
#pragma unroll
      for (int p = 0; p < np; p++) {
        minimum[p] = plain[p].minima[b] + h * VW;
        pairs[p] = (const int16_t (*)[CK_ROWS][2])&plain[p].pairs[b * (size_t)(128 / group)][h * VW][0];
      }
      CK_NAME(end_256)(np, nc, kind.has_min, group, minimum, pairs, x, block,
                       call->acc + first_panel * apart + first * CK_ROWS + h * VW, apart);
    }
  }
}

/// Where scales fold: one sum for a whole block.
CK_INLINE void CK_NAME(plain_folded)(const int np, const int nc, const CK_NAME(kind) kind, const ck_tile_call *call,
                                     size_t first_panel, size_t first, CK_NAME(ahead) *ahead) {
  const ck_plain *plain = (const ck_plain *)call->codes + first_panel;
  const size_t apart = call->columns * CK_ROWS;
  for (int h = 0; h < PARTS; h++) {
    const char *records = (const char *)call->x + first * sizeof(ck_q8_256);
    for (size_t b = 0; b < call->values / 256; b++, records += call->stride) {
      const ck_q8_256 *x = (const ck_q8_256 *)records;
      CK_NAME(look_ahead)(ahead);
      CK_NAME(sums) total;
      CK_NAME(start)(np, nc, 0, NULL, 0, total);
#pragma unroll 1
      for (size_t j = 0; j < 8; j++) {
        CK_NAME(sums) sums;
        CK_NAME(start)(np, nc, kind.offset, x->bias32 + j, sizeof *x, sums);
        CK_NAME(multiply)(np, nc, kind, 8, NULL, plain->codes + (b * 8 + j) * 512 + h * VW * 4, sizeof *plain,
                          x->q + j * 32, sizeof *x, sums);
        CK_NAME(shift)(np, nc, x->shift + j, sums);
#pragma unroll
        for (int c = 0; c < nc; c++)
#pragma unroll
          for (int p = 0; p < np; p++) total[p][c] = vi_add32(total[p][c], sums[p][c]);
      }
      CK_NAME(accs) block;
      vf scale[Q8_PANELS];
      const float *minimum[Q8_PANELS];
      const int16_t (*pairs[Q8_PANELS])[CK_ROWS][2];
#pragma unroll
      for (int p = 0; p < np; p++) {
        scale[p] = vf_load(plain[p].scales[b] + h * VW);
        minimum[p] = plain[p].minima[b] + h * VW;
        pairs[p] = (const int16_t (*)[CK_ROWS][2])&plain[p].pairs[b * 8][h * VW][0];
#pragma unroll
        for (int c = 0; c < nc; c++) block[p][c] = vf_zero();
      }
      CK_NAME(end_group)(np, nc, scale, total, block);
      CK_NAME(end_256)(np, nc, kind.has_min, 16, minimum, pairs, x, block,
                       call->acc + first_panel * apart + first * CK_ROWS + h * VW, apart);
    }
  }
}

/// One tile of a chunk of panels of `layout`.
CK_INLINE void CK_NAME(plain)(const int np, const int nc, const ck_panel_layout layout, const ck_tile_call *call,
                              size_t first_panel, size_t first, CK_NAME(ahead) *ahead) {
  const CK_NAME(kind) kind = CK_NAME(kind_of_plain)(layout);
  if (ck_scale_values(layout.scale) == 32) {
    CK_NAME(plain_32)(np, nc, kind, call, first_panel, first, ahead);
  } else if (ck_scale_folds(layout.scale)) {
    CK_NAME(plain_folded)(np, nc, kind, call, first_panel, first, ahead);
  } else {
    CK_NAME(plain_256)(np, nc, kind, (int)ck_scale_group(layout.scale), call, first_panel, first, ahead);
  }
}

/// Columns are spread evenly over tiles: 17 with tiles of at most 12 are 9 + 8. Two panels halve a tile's columns.
#define TILES(name, slab_, map_, scale_)                                                       \
  static void CK_NAME(name)(const ck_tile_call *call) {                                        \
    const ck_panel_layout layout = {true, CK_##slab_, CK_MAP_##map_, CK_SCALE_##scale_};       \
    const bool pair = Q8_PANELS == 2 && call->panels == 2;                                     \
    const size_t widest = pair ? Q8_COLUMNS / 2 : Q8_COLUMNS;                                  \
    const size_t tiles = (call->columns + widest - 1) / widest;                                \
    const size_t blocks = call->values / ck_scale_values(layout.scale);                        \
    CK_NAME(ahead) ahead = CK_NAME(ahead_of)(call, tiles * blocks);                            \
    for (size_t panel = 0; panel < (pair ? 1 : call->panels); panel++)                         \
      for (size_t t = 0; t < tiles; t++) {                                                     \
        size_t first, end;                                                                     \
        ck_share(call->columns, (uint32_t)t, (uint32_t)tiles, &first, &end);                   \
        if (pair) {                                                                            \
          switch (end - first) { EACH_PAIR_WIDTH(PLAIN) }                                      \
        } else {                                                                               \
          switch (end - first) { EACH_WIDTH(PLAIN) }                                           \
        }                                                                                      \
      }                                                                                        \
  }
#define PLAIN(n, np) CK_NAME(plain)(np, n, layout, call, panel, first, &ahead)
#define WIDTH_1_TO_4(body, np) WIDTH(1, body, np) WIDTH(2, body, np) WIDTH(3, body, np) WIDTH(4, body, np)
#define WIDTH_5_TO_6(body, np) WIDTH(5, body, np) WIDTH(6, body, np)
#define WIDTH_7_TO_8(body, np) WIDTH(7, body, np) WIDTH(8, body, np)
#define WIDTH_9_TO_12(body, np) WIDTH(9, body, np) WIDTH(10, body, np) WIDTH(11, body, np) WIDTH(12, body, np)
#define WIDTH(n, body, np) case n: body(n, np); break;
#if Q8_COLUMNS == 12
#define EACH_WIDTH(body) WIDTH_1_TO_4(body, 1) WIDTH_5_TO_6(body, 1) WIDTH_7_TO_8(body, 1) WIDTH_9_TO_12(body, 1)
#elif Q8_COLUMNS == 8
#define EACH_WIDTH(body) WIDTH_1_TO_4(body, 1) WIDTH_5_TO_6(body, 1) WIDTH_7_TO_8(body, 1)
#else
#define EACH_WIDTH(body) WIDTH_1_TO_4(body, 1)
#endif
#if Q8_PANELS == 2
#define EACH_PAIR_WIDTH(body) WIDTH_1_TO_4(body, 2) WIDTH_5_TO_6(body, 2)
#else
#define EACH_PAIR_WIDTH(body) default: break;
#endif

#ifdef VI_NARROW
#define PANEL(id, slab, map, scale) TILES(CK_OF(matmul, CK_LOWER_##id), slab, map, scale)
#include "kernels/panels.def"
#undef PANEL
#define CK_TILE(id, scale) CK_NAME(CK_OF(matmul, CK_LOWER_##id))
#else
// One kernel for all formats that have the same kind of scales; slab and map have been dealt with.
TILES(matmul_q8_32, S8, SIGNED, F16)
TILES(matmul_q8_32_min, S4, NONE, F16_MIN)
TILES(matmul_q8_256_by16, S4_2, MINUS_32, I8_16)
TILES(matmul_q8_256_folded, S2_1, MINUS_4, U6_16)
TILES(matmul_q8_256_folded_min, S2, NONE, U4_MIN_16)
TILES(matmul_q8_256_by32, S4, TABLE_NL, U6_32)
TILES(matmul_q8_256_by32_min, S4, NONE, U6_MIN_32)
#define CK_TILE_F16 CK_NAME(matmul_q8_32)
#define CK_TILE_E8 CK_NAME(matmul_q8_32)
#define CK_TILE_F16_MIN CK_NAME(matmul_q8_32_min)
#define CK_TILE_I8_16 CK_NAME(matmul_q8_256_by16)
#define CK_TILE_U6_16 CK_NAME(matmul_q8_256_folded)
#define CK_TILE_U4_MIN_16 CK_NAME(matmul_q8_256_folded_min)
#define CK_TILE_U6_32 CK_NAME(matmul_q8_256_by32)
#define CK_TILE_U6_MIN_32 CK_NAME(matmul_q8_256_by32_min)
#define CK_TILE(id, scale) CK_TILE_##scale
#endif

// ------------------------------------------------------------------------------- panels as they are stored

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

#define STORED(n, np)                                   \
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
#define EACH_FEW(body) WIDTH_1_TO_4(body, 1)
#else
#define EACH_FEW(body) WIDTH(1, body, 1) WIDTH(2, body, 1)
#endif
#include "kernels/panels.def"
#undef PANEL

/// Puts the int8 kernels of this ISA into the table.
static void CK_NAME(serve_q8)(ck_table *table, const char *reason) {
#define PANEL(id, slab, map, scale)                                                                                 \
  CK_SERVE(table, matmul[CK_FORMAT_##id], CK_TILE(id, scale), CK_ISA_HERE, reason);                                 \
  CK_SERVE(table, matvec[CK_FORMAT_##id], CK_NAME(CK_OF(matvec, CK_LOWER_##id)), CK_ISA_HERE, reason);           \
  CK_SERVE(table, panel_expand[CK_FORMAT_##id], CK_NAME(CK_OF(panel_expand, CK_LOWER_##id)), CK_ISA_HERE, reason); \
  CK_SERVE(table, panel_decode[CK_FORMAT_##id], CK_NAME(CK_OF(panel_decode, CK_LOWER_##id)), CK_ISA_HERE, reason);
#include "kernels/panels.def"
#undef PANEL
}
#undef WIDTH
