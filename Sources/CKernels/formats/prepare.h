// What every encoder does first: values and importance that may be anything become finite ones that can be squared and
// summed. Also the half-precision scale that stays finite.
#ifndef CK_FORMATS_PREPARE_H
#define CK_FORMATS_PREPARE_H

#include <math.h>

#include "formats/scalars.h"

/// Beyond what any scale in half precision reaches (65,504 * 127 * 127 < 2^31), small enough to be squared.
#define CK_LARGEST_VALUE 0x1p40f

/// NaN becomes 0; infinities and larger magnitudes become `limit`.
static inline void ck_prepare_values(const float *values, int n, float limit, float *x) {
  for (int i = 0; i < n; ++i) {
    float v = values[i];
    v = v == v ? v : 0.0f;
    v = v < limit ? v : limit;
    x[i] = v > -limit ? v : -limit;
  }
}

/// Weights in 0 ... 1, the largest being 1. What is negative or NaN counts as 0; NULL or all zero counts as all equal.
static inline void ck_prepare_importance(const float *importance, int n, float *w) {
  float largest = 0;
  for (int i = 0; importance && i < n; ++i) {
    float v = importance[i] > 0 ? importance[i] : 0.0f;
    w[i] = v < 0x1p126f ? v : 0x1p126f;
    largest = w[i] > largest ? w[i] : largest;
  }
  const int any = largest >= 0x1p-100f;  // below, the division would leave the normal numbers
  const float inverse = any ? 1.0f / largest : 0.0f;
  for (int i = 0; i < n; ++i) w[i] = any ? w[i] * inverse : 1.0f;
}

/// v in low ... high, where NaN is `low`: what makes a conversion to an integer defined.
static inline float ck_clamp(float v, float low, float high) {
  v = v > low ? v : low;
  return v < high ? v : high;
}

/// Scales and minimums saturate at the largest finite half instead of becoming infinite.
static inline float ck_clamp_to_f16(float scale) { return ck_clamp(scale, -65504.0f, 65504.0f); }
static inline uint16_t ck_f16_from_scale(float scale) { return ck_f16_from_f32(ck_clamp_to_f16(scale)); }

/// The nearest integer, ties to even, for magnitudes below 2^22; no call, unlike rintf on baseline x86-64.
static inline float ck_round_even(float v) { return (v + 12582912.0f) - 12582912.0f; }

static inline float ck_largest_magnitude(const float *x, int n) {
  float largest = 0;
  for (int i = 0; i < n; ++i) largest = fabsf(x[i]) > largest ? fabsf(x[i]) : largest;
  return largest;
}

/// The value of largest magnitude with its sign, the first of equals.
static inline float ck_extreme(const float *x, int n) {
  float extreme = 0;
  for (int i = 0; i < n; ++i) extreme = fabsf(x[i]) > fabsf(extreme) ? x[i] : extreme;
  return extreme;
}

#endif
