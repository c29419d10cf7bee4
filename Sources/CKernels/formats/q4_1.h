// Q4_1: 32 values of 4 bits under a scale and a minimum: w = d * q + m.
#ifndef CK_FORMATS_Q4_1_H
#define CK_FORMATS_Q4_1_H

#include "formats/search.h"

#define CK_LOWER_Q4_1 q4_1

typedef struct __attribute__((packed)) ck_block_q4_1 {
  uint16_t d, m;   // halves
  uint8_t qs[16];  // value i in the low, i + 16 in the high nibble
} ck_block_q4_1;
_Static_assert(sizeof(ck_block_q4_1) == 20, "Q4_1 block");

static inline void ck_decode_block_q4_1(const ck_block_q4_1 *b, float *values) {
  CK_NO_CONTRACTION
  const float d = ck_f32_from_f16(b->d), m = ck_f32_from_f16(b->m);
  for (int i = 0; i < 16; ++i) {
    values[i] = d * (float)(b->qs[i] & 15) + m;
    values[i + 16] = d * (float)(b->qs[i] >> 4) + m;
  }
}

/// Without importance: the smallest at code 0, the largest at 15, each code the nearest. With it: the scale and minimum
/// that lose the least. See prepare.h for NaN and infinity.
static inline void ck_encode_block_q4_1(const float *values, const float *importance, ck_block_q4_1 *b) {
  CK_NO_CONTRACTION
  static const ck_affine_grid grid = {.top = 15, .first = -1.0f, .step = 0.2f, .passes = 3, .any_min = true};
  float x[32], w[32];
  ck_prepare_values(values, 32, CK_LARGEST_VALUE, x);
  float low = x[0], high = x[0];
  for (int i = 1; i < 32; ++i) {
    low = x[i] < low ? x[i] : low;
    high = x[i] > high ? x[i] : high;
  }
  float d = ck_clamp_to_f16((high - low) / 15), m = ck_clamp_to_f16(low);
  b->d = ck_f16_from_f32(d);
  b->m = ck_f16_from_f32(m);
  if (importance) {
    ck_prepare_importance(importance, 32, w);
    const ck_affine fit = ck_search_affine(x, w, 32, grid);
    b->d = ck_f16_from_scale(fit.scale);
    b->m = ck_f16_from_scale(-fit.min);
    d = ck_f32_from_f16(b->d);
    m = ck_f32_from_f16(b->m);
  }
  const float inverse = d != 0 ? 1 / d : 0;
  uint8_t q[32];
  for (int i = 0; i < 32; ++i) q[i] = (uint8_t)ck_clamp((x[i] - m) * inverse + 0.5f, 0, 15);
  for (int i = 0; i < 16; ++i) b->qs[i] = (uint8_t)(q[i] | q[i + 16] << 4);
}

#endif
