// Blocks of 256 values, of two levels: sub-blocks with small integer scales, under one or two halves. Fits both
// levels to the values. Knows no bit layout: the formats pack what is found here.
#ifndef CK_FORMATS_SUPERBLOCK_H
#define CK_FORMATS_SUPERBLOCK_H

#include "formats/search.h"

#define CK_SUPERBLOCK 256

// -------------------------------------------------------------------------------- one scale: w = d * scale * q

/// How a format with one scale a sub-block is made.
typedef struct ck_symmetric_shape {
  int subs;                     // sub-blocks of 256 / subs values
  float scale_low, scale_high;  // of the integer scales
  ck_scale_grid grid;
} ck_symmetric_shape;

typedef struct ck_symmetric {
  uint16_t d;  // half
  int scales[16];
} ck_symmetric;

/// Sums of one sub-block at integer scale s and codes q.
typedef struct ck_sub_fit {
  float scale, error, wxq, wqq;
} ck_sub_fit;

/// The best of the integer scales around `wanted` / d, and of its negative: the codes' range is not symmetric.
CK_LANE_INLINE ck_sub_fit ck_fit_sub_scale(const float *x, const float *w, int n, ck_rounder round, float d,
                                           ck_lanes candidates) {
  CK_NO_CONTRACTION
  const ck_lanes scale = d * candidates, inverse = ck_lanes_inverse(scale);
  ck_lanes error = ck_lanes_all(0), wxq = ck_lanes_all(0), wqq = ck_lanes_all(0);
  for (int i = 0; i < n; ++i) {
    const ck_lanes q = round.nearest(x[i] * inverse, round.table);
    const ck_lanes miss = x[i] - scale * q, wq = w[i] * q;
    error += w[i] * miss * miss;
    wxq += wq * x[i];
    wqq += wq * q;
  }
  int best = 0;
  for (int lane = 1; lane < CK_LANES; ++lane) best = error[lane] < error[best] ? lane : best;
  return (ck_sub_fit){candidates[best], error[best], wxq[best], wqq[best]};
}

/// Integer scales for a given d, the error that they leave, and in `refit` the d of least squares for their codes.
CK_LANE_INLINE float ck_fit_scales(const float *x, const float *w, const float *wanted, ck_rounder round,
                                   ck_symmetric_shape shape, ck_symmetric *fit, float *refit) {
  CK_NO_CONTRACTION
  const int n = CK_SUPERBLOCK / shape.subs;
  const float d = ck_f32_from_f16(fit->d), inverse = d != 0 ? 1 / d : 0;
  float error = 0, wxq = 0, wqq = 0;
  for (int sub = 0; sub < shape.subs; ++sub) {
    const float middle = wanted[sub] * inverse;
    const ck_lanes around = {middle, middle - 1, middle + 1, -middle};
    const ck_lanes candidates = ck_lanes_round(ck_lanes_clamp(around, shape.scale_low, shape.scale_high));
    const ck_sub_fit found = ck_fit_sub_scale(x + sub * n, w + sub * n, n, round, d, candidates);
    fit->scales[sub] = (int)found.scale;
    error += found.error;
    wxq += found.scale * found.wxq;
    wqq += found.scale * found.scale * found.wqq;
  }
  *refit = wqq > 0 ? wxq / wqq : 0;
  return error;
}

/// Fits d and the integer scales to 256 values.
CK_LANE_INLINE ck_symmetric ck_fit_symmetric(const float *x, const float *w, ck_rounder round,
                                             ck_symmetric_shape shape) {
  const int n = CK_SUPERBLOCK / shape.subs;
  float wanted[16], largest = 0;
  for (int sub = 0; sub < shape.subs; ++sub) {
    wanted[sub] = ck_search_scale(x + sub * n, w + sub * n, n, round, shape.grid);
    largest = fabsf(wanted[sub]) > fabsf(largest) ? wanted[sub] : largest;
  }
  ck_symmetric best = {0}, fit = {0};
  float best_error = INFINITY, d = largest / shape.scale_low;  // the largest takes the end that reaches further
  for (int trip = 0; trip < 2; ++trip) {
    fit.d = ck_f16_from_scale(d);
    const float error = ck_fit_scales(x, w, wanted, round, shape, &fit, &d);
    if (error < best_error) best_error = error, best = fit;
  }
  return best;
}

CK_LANE_INLINE void ck_symmetric_codes(const float *x, const ck_symmetric *fit, ck_rounder round,
                                       ck_symmetric_shape shape, float *q) {
  const int n = CK_SUPERBLOCK / shape.subs;
  const float d = ck_f32_from_f16(fit->d);
  for (int sub = 0; sub < shape.subs; ++sub) {
    ck_codes(x + sub * n, n, d * (float)fit->scales[sub], round, q + sub * n);
  }
}

// ------------------------------------------------------------------- scale and minimum: w = d * scale * q - dmin * min

typedef struct ck_affine_shape {
  int subs;
  float level_top;  // of the integer scales and minimums
  ck_affine_grid grid;
} ck_affine_shape;

typedef struct ck_affine_fit {
  uint16_t d, dmin;  // halves
  uint8_t scales[16], mins[16];
} ck_affine_fit;

/// What the least squares of d and dmin need, a = scale * q and b = min: Σ w a a, Σ w a b, Σ w b b, Σ w x a, Σ w x b.
typedef struct ck_level_sums {
  float aa, ab, bb, xa, xb;
} ck_level_sums;

/// The d and dmin for which Σ w (x - d a + dmin b)² is least, dmin not negative.
static inline void ck_refit_levels(const ck_level_sums *sums, float refit[2]) {
  CK_NO_CONTRACTION
  const double determinant = (double)sums->aa * sums->bb - (double)sums->ab * sums->ab;
  if (determinant > 0) {
    refit[0] = (float)(((double)sums->xa * sums->bb - (double)sums->xb * sums->ab) / determinant);
    refit[1] = (float)(((double)sums->xa * sums->ab - (double)sums->xb * sums->aa) / determinant);
  }
  if (!(determinant > 0) || refit[1] < 0) {
    refit[0] = sums->aa > 0 ? sums->xa / sums->aa : 0;
    refit[1] = 0;
  }
}

/// Chooses integer scale and minimum of one sub-block around `wanted`: three scales by four minimums.
CK_LANE_INLINE float ck_fit_sub_affine(const float *x, const float *w, int n, float top, const float d[2],
                                       const float middle[2], float level_top, float found[2]) {
  CK_NO_CONTRACTION
  const ck_lanes min_offsets = {0, -1, 1, 2};
  float best_error = INFINITY;
  for (int step = 0; step < 3; ++step) {
    const float level = ck_clamp(middle[0] + (float)(step == 2 ? -1 : step), 0, level_top);
    const ck_lanes mins = ck_lanes_clamp(middle[1] + min_offsets, 0, level_top);
    const float scale = d[0] * level, inverse = scale != 0 ? 1 / scale : 0;
    const ck_lanes min = d[1] * mins;
    ck_lanes error = ck_lanes_all(0);
    for (int i = 0; i < n; ++i) {
      const ck_lanes up = x[i] + min;
      const ck_lanes q = ck_lanes_round(ck_lanes_clamp(up * inverse, 0, top));
      const ck_lanes miss = up - scale * q;
      error += w[i] * miss * miss;
    }
    for (int lane = 0; lane < CK_LANES; ++lane) {
      if (error[lane] < best_error) best_error = error[lane], found[0] = level, found[1] = mins[lane];
    }
  }
  return best_error;
}

static inline float ck_affine_code(float x, float scale, float min, float top) {
  const float code = (x + min) * (scale != 0 ? 1 / scale : 0);
  return ck_round_even(ck_clamp(code, 0, top));
}

/// Integer scales and minimums for given d and dmin, and the error that they leave.
CK_LANE_INLINE float ck_fit_levels(const float *x, const float *w, const ck_affine *wanted, ck_affine_shape shape,
                                   ck_affine_fit *fit, float refit[2]) {
  CK_NO_CONTRACTION
  const int n = CK_SUPERBLOCK / shape.subs;
  const float d[2] = {ck_f32_from_f16(fit->d), ck_f32_from_f16(fit->dmin)};
  const float inverse[2] = {d[0] != 0 ? 1 / d[0] : 0, d[1] != 0 ? 1 / d[1] : 0};
  float error = 0;
  ck_level_sums sums = {0};
  for (int sub = 0; sub < shape.subs; ++sub) {
    const float *xs = x + sub * n, *ws = w + sub * n;
    const float middle[2] = {ck_round_even(wanted[sub].scale * inverse[0]),
                             ck_round_even(wanted[sub].min * inverse[1])};
    float found[2] = {0, 0};
    error += ck_fit_sub_affine(xs, ws, n, shape.grid.top, d, middle, shape.level_top, found);
    fit->scales[sub] = (uint8_t)found[0];
    fit->mins[sub] = (uint8_t)found[1];
    for (int i = 0; i < n; ++i) {
      const float a = found[0] * ck_affine_code(xs[i], d[0] * found[0], d[1] * found[1], shape.grid.top);
      const float wa = ws[i] * a, wb = ws[i] * found[1];
      sums.aa += wa * a;
      sums.ab += wa * found[1];
      sums.bb += wb * found[1];
      sums.xa += wa * xs[i];
      sums.xb += wb * xs[i];
    }
  }
  ck_refit_levels(&sums, refit);
  return error;
}

/// Fits both levels to 256 values.
CK_LANE_INLINE ck_affine_fit ck_fit_affine(const float *x, const float *w, ck_affine_shape shape) {
  const int n = CK_SUPERBLOCK / shape.subs;
  ck_affine wanted[16], largest = {0, 0};
  for (int sub = 0; sub < shape.subs; ++sub) {
    wanted[sub] = ck_search_affine(x + sub * n, w + sub * n, n, shape.grid);
    largest.scale = wanted[sub].scale > largest.scale ? wanted[sub].scale : largest.scale;
    largest.min = wanted[sub].min > largest.min ? wanted[sub].min : largest.min;
  }
  ck_affine_fit best = {0}, fit = {0};
  float best_error = INFINITY, d[2] = {largest.scale / shape.level_top, largest.min / shape.level_top};
  for (int trip = 0; trip < 2; ++trip) {
    fit.d = ck_f16_from_scale(d[0]);
    fit.dmin = ck_f16_from_scale(d[1]);
    const float error = ck_fit_levels(x, w, wanted, shape, &fit, d);
    if (error < best_error) best_error = error, best = fit;
  }
  return best;
}

CK_LANE_INLINE void ck_affine_codes(const float *x, const ck_affine_fit *fit, ck_affine_shape shape, uint8_t *q) {
  const int n = CK_SUPERBLOCK / shape.subs;
  const float d = ck_f32_from_f16(fit->d), dmin = ck_f32_from_f16(fit->dmin);
  for (int i = 0; i < CK_SUPERBLOCK; ++i) {
    const float scale = d * (float)fit->scales[i / n], min = dmin * (float)fit->mins[i / n];
    q[i] = (uint8_t)ck_affine_code(x[i], scale, min, shape.grid.top);
  }
}

#endif
