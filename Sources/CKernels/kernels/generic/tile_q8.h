// Tiles of int8 products: up to Q8_COLUMNS columns of x times VW rows of a plain panel. Included once an ISA, after
// expand.h. Panels that are read as they are stored are in stored_q8.h.
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

#ifdef VI_DOT_LANES
/// Four steps at a time: one load of x serves them all.
CK_INLINE void CK_NAME(multiply_lanes)(const int np, const int nc, const int count, const vi *kept,
                                       const uint8_t *codes, size_t apart, const int8_t *x, const size_t next,
                                       CK_NAME(sums) sums) {
#pragma unroll
  for (int s = 0; s < count; s += 4) {
    vi columns[Q8_COLUMNS];
#pragma unroll
    for (int c = 0; c < nc; c++) columns[c] = vi_load(x + s * 4 + (size_t)c * next);
#pragma unroll
    for (int lane = 0; lane < 4; lane++)
#pragma unroll
      for (int p = 0; p < np; p++) {
        const vi w = CK_NAME(step_of)(kept, codes, apart, p, s + lane);
#pragma unroll
        for (int c = 0; c < nc; c++) sums[p][c] = vi_dot_lane(sums[p][c], w, columns[c], lane);
      }
  }
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
#ifdef VI_DOT_LANES
  CK_NAME(multiply_lanes)(np, nc, count, kept, codes, apart, x, next, sums);
  return;
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
      acc[p][c] = vf_fma(vi_float(vi_mul32(sums[p][c], vi_spread(&x[c].multiple))), scale[p], acc[p][c]);
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

/// Ends block b of part h of plain panels.
CK_INLINE void CK_NAME(end_plain)(const int np, const int nc, const bool has_min, const int group,
                                  const ck_plain *plain, size_t b, int h, const ck_q8_256 *x, CK_NAME(accs) block,
                                  float *acc, size_t apart) {
  const float *minimum[Q8_PANELS];
  const int16_t (*pairs[Q8_PANELS])[CK_ROWS][2];
#pragma unroll
  for (int p = 0; p < np; p++) {
    minimum[p] = plain[p].minima[b] + h * VW;
    pairs[p] = (const int16_t (*)[CK_ROWS][2])&plain[p].pairs[b * (size_t)(128 / group)][h * VW][0];
  }
  CK_NAME(end_256)(np, nc, has_min, group, minimum, pairs, x, block, acc + h * VW, apart);
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
      CK_NAME(end_plain)(np, nc, kind.has_min, group, plain, b, h, x, block,
                         call->acc + first_panel * apart + first * CK_ROWS, apart);
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
#pragma unroll
      for (int p = 0; p < np; p++) {
        scale[p] = vf_load(plain[p].scales[b] + h * VW);
#pragma unroll
        for (int c = 0; c < nc; c++) block[p][c] = vf_zero();
      }
      CK_NAME(end_group)(np, nc, scale, total, block);
      CK_NAME(end_plain)(np, nc, kind.has_min, 16, plain, b, h, x, block,
                         call->acc + first_panel * apart + first * CK_ROWS, apart);
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

#include "kernels/generic/stored_q8.h"

/// Puts the int8 kernels of this ISA into the table.
static void CK_NAME(serve_q8)(ck_table *table, const char *reason) {
#define PANEL(id, slab, map, scale)                                                                                 \
  CK_SERVE(table, matmul[CK_FORMAT_##id], CK_TILE(id, scale), CK_ISA_HERE, reason);                                 \
  CK_SERVE(table, matvec[CK_FORMAT_##id], CK_NAME(CK_OF(matvec, CK_LOWER_##id)), CK_ISA_HERE, reason);           \
  table->few_columns[CK_FORMAT_##id] = FEW_OF(CK_SCALE_##scale) < 4 ? 4 : FEW_OF(CK_SCALE_##scale);                \
  CK_SERVE(table, panel_expand[CK_FORMAT_##id], CK_NAME(CK_OF(panel_expand, CK_LOWER_##id)), CK_ISA_HERE, reason); \
  CK_SERVE(table, panel_decode[CK_FORMAT_##id], CK_NAME(CK_OF(panel_decode, CK_LOWER_##id)), CK_ISA_HERE, reason);
#include "kernels/panels.def"
#undef PANEL
}
#undef WIDTH
