// The search for the scale, or the scale and the minimum, that lose the least of one group of values. Each lane tries
// a candidate: it rounds the values at that scale, then fits scale and minimum to the rounded codes by least squares.
// Knows no format: the rounder and the number of steps say all that the search needs.
#ifndef CK_FORMATS_SEARCH_H
#define CK_FORMATS_SEARCH_H

#include <stdbool.h>

#include "formats/lanes.h"
#include "formats/prepare.h"

/// Which candidates are tried: scale = ±largest / (reach + first + i * step) for i < 4 * passes.
typedef struct ck_scale_grid {
  float reach;        // the code of largest magnitude
  float first, step;  // below reach: codes are spent on outliers; above: outliers are clipped
  int passes;
} ck_scale_grid;

/// The s, of either sign, for which Σ w (x - s q)² is least over the grid, q = round(x / s) and s refitted to q.
/// 0 if all of x is 0.
CK_LANE_INLINE float ck_search_scale(const float *x, const float *w, int n, ck_rounder round, ck_scale_grid grid) {
  CK_NO_CONTRACTION
  const float largest = ck_largest_magnitude(x, n);
  if (largest < 0x1p-60f) return 0;  // squares would vanish, and so would the scale in half precision
  float best = 0, best_gain = 0;
  const ck_lanes offsets = {0, 0, 1, 1}, signs = {1, -1, 1, -1};
  for (int pass = 0; pass < grid.passes; ++pass) {
    const ck_lanes reach = grid.reach + grid.first + (offsets + 2.0f * (float)pass) * grid.step;
    const ck_lanes inverse = signs * reach / largest;
    ck_lanes wxq = ck_lanes_all(0), wqq = ck_lanes_all(0);
    for (int i = 0; i < n; ++i) {
      const ck_lanes q = round.nearest(x[i] * inverse, round.table);
      const ck_lanes wq = w[i] * q;
      wxq += wq * x[i];
      wqq += wq * q;
    }
    // The least squares are Σ w x² - (Σ w x q)² / Σ w q²: the largest gain wins.
    const ck_lanes fitted = wxq * ck_lanes_inverse(wqq);
    const ck_lanes gain = fitted * wxq;
    for (int lane = 0; lane < CK_LANES; ++lane) {
      if (gain[lane] > best_gain) best_gain = gain[lane], best = fitted[lane];
    }
  }
  return best;
}

/// The values at `scale` that are nearest to x. At scale 0 all of them are the one nearest to 0.
CK_LANE_INLINE void ck_codes(const float *x, int n, float scale, ck_rounder round, float *q) {
  const ck_lanes inverse = ck_lanes_inverse(ck_lanes_all(scale));
  for (int i = 0; i < n; i += CK_LANES) {
    ck_lanes v;
    memcpy(&v, x + i, sizeof v);
    v = round.nearest(v * inverse, round.table);
    memcpy(q + i, &v, sizeof v);
  }
}

/// x ~ scale * q - min, q in 0 ... top, scale not negative.
typedef struct ck_affine {
  float scale, min;
} ck_affine;

/// Candidates: scale = (largest - smallest) / (top + first + i * step) for i < 4 * passes.
typedef struct ck_affine_grid {
  float top;
  float first, step;
  int passes;
  bool any_min;  // a minimum below 0 can be stored
} ck_affine_grid;

/// The scale and minimum for which Σ w (x - scale * q + min)² is least over the grid.
CK_LANE_INLINE ck_affine ck_search_affine(const float *x, const float *w, int n, ck_affine_grid grid) {
  CK_NO_CONTRACTION
  // Where only minimums from 0 up can be stored, 0 is always in the range.
  float low = grid.any_min ? x[0] : 0, high = low;
  for (int i = 0; i < n; ++i) {
    low = x[i] < low ? x[i] : low;
    high = x[i] > high ? x[i] : high;
  }
  if (high - low < 0x1p-60f) return (ck_affine){0, -low};  // all alike
  float sw = 0, swx = 0, swxx = 0;
  for (int i = 0; i < n; ++i) {
    const float up = x[i] - low;  // from the smallest value: what is summed stays small where all values are alike
    sw += w[i];
    swx += w[i] * up;
    swxx += w[i] * up * up;
  }
  ck_affine best = {0, 0};
  float best_error = INFINITY;
  const ck_lanes offsets = {0, 1, 2, 3};
  for (int pass = 0; pass < grid.passes; ++pass) {
    const ck_lanes steps = grid.top + grid.first + (offsets + 4.0f * (float)pass) * grid.step;
    const ck_lanes inverse = steps / (high - low);
    ck_lanes wq = ck_lanes_all(0), wqq = ck_lanes_all(0), wxq = ck_lanes_all(0);
    for (int i = 0; i < n; ++i) {
      const float up = x[i] - low;
      const ck_lanes q = ck_lanes_round(ck_lanes_clamp(up * inverse, 0, grid.top));
      const ck_lanes weighted = w[i] * q;
      wq += weighted;
      wqq += weighted * q;
      wxq += weighted * up;
    }
    const ck_lanes determinant = sw * wqq - wq * wq;
    const ck_lanes inverse_determinant = ck_lanes_inverse(determinant);
    ck_lanes scale = (sw * wxq - swx * wq) * inverse_determinant;
    ck_lanes min = (wq * wxq - wqq * swx) * inverse_determinant;
    // Here min counts from `low`. A fit that would lift all values is redone on the bound, with one unknown.
    ck_lane_mask bound = determinant <= ck_lanes_all(0);
    if (!grid.any_min) bound |= min < ck_lanes_all(low);
    min = ck_lanes_select(bound, ck_lanes_all(low), min);
    scale = ck_lanes_select(bound, (wxq + low * wq) * ck_lanes_inverse(wqq), scale);
    const ck_lanes error = swxx + scale * (scale * wqq - 2.0f * wxq - 2.0f * min * wq) + min * (min * sw + 2.0f * swx);
    for (int lane = 0; lane < CK_LANES; ++lane) {
      if (error[lane] < best_error)
        best_error = error[lane], best = (ck_affine){ck_clamp(scale[lane], 0, INFINITY), min[lane] - low};
    }
  }
  return best;
}

#endif
