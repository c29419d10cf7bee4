// Q8_0: 32 signed bytes under one scale: w = d * q.
#ifndef CK_FORMATS_Q8_0_H
#define CK_FORMATS_Q8_0_H

#include "formats/search.h"

#define CK_LOWER_Q8_0 q8_0

typedef struct __attribute__((packed)) ck_block_q8_0 {
  uint16_t d;  // half
  int8_t qs[32];
} ck_block_q8_0;
_Static_assert(sizeof(ck_block_q8_0) == 34, "Q8_0 block");

static inline void ck_decode_block_q8_0(const ck_block_q8_0 *b, float *values) {
  const float d = ck_f32_from_f16(b->d);
  for (int i = 0; i < 32; ++i) values[i] = d * (float)b->qs[i];
}

CK_LANE_INLINE ck_lanes ck_round_q8_0(ck_lanes v, const float *table) {
  (void)table;
  return ck_lanes_round(ck_lanes_clamp(v, -127, 127));  // never -128: kernels may negate a code
}

/// Without importance: the extreme at 127, each code the nearest, halves away from zero. With it: the scale that loses
/// the least. See prepare.h for NaN and infinity.
static inline void ck_encode_block_q8_0(const float *values, const float *importance, ck_block_q8_0 *b) {
  static const ck_scale_grid grid = {.reach = 127, .first = -3, .step = 0.75f, .passes = 4};
  float x[32], w[32];
  ck_prepare_values(values, 32, CK_LARGEST_VALUE, x);
  float d = ck_clamp_to_f16(ck_largest_magnitude(x, 32) / 127);
  b->d = ck_f16_from_f32(d);
  if (importance) {
    const ck_rounder rounder = {ck_round_q8_0, NULL};
    ck_prepare_importance(importance, 32, w);
    b->d = ck_f16_from_scale(ck_search_scale(x, w, 32, rounder, grid));
    d = ck_f32_from_f16(b->d);
  }
  const float inverse = d != 0 ? 1 / d : 0;
  for (int i = 0; i < 32; ++i) {
    const float code = ck_clamp(fabsf(x[i] * inverse), 0, 127), whole = (float)(int)code;
    const int q = (int)whole + (code - whole >= 0.5f);
    b->qs[i] = (int8_t)((x[i] < 0) != (d < 0) ? -q : q);
  }
}

#endif
