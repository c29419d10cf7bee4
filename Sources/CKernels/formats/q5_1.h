// Q5_1: 32 values of 5 bits under a scale and a minimum: w = d * q + m.
#ifndef CK_FORMATS_Q5_1_H
#define CK_FORMATS_Q5_1_H

#include "formats/search.h"

#define CK_LOWER_Q5_1 q5_1

typedef struct __attribute__((packed)) ck_block_q5_1 {
  uint16_t d, m;   // halves
  uint32_t qh;     // bit i: the fifth bit of value i
  uint8_t qs[16];  // value i in the low, i + 16 in the high nibble
} ck_block_q5_1;
_Static_assert(sizeof(ck_block_q5_1) == 24, "Q5_1 block");

static inline void ck_decode_block_q5_1(const ck_block_q5_1 *b, float *values) {
  CK_NO_CONTRACTION
  const float d = ck_f32_from_f16(b->d), m = ck_f32_from_f16(b->m);
  const uint32_t qh = b->qh;
  for (int i = 0; i < 16; ++i) {
    const int low = (b->qs[i] & 15) | (int)((qh >> i) & 1u) << 4;
    const int high = (b->qs[i] >> 4) | (int)((qh >> (i + 16)) & 1u) << 4;
    values[i] = d * (float)low + m;
    values[i + 16] = d * (float)high + m;
  }
}

/// Without importance: the smallest at code 0, the largest at 31, each code the nearest. With it: the scale and minimum
/// that lose the least. See prepare.h for NaN and infinity.
static inline void ck_encode_block_q5_1(const float *values, const float *importance, ck_block_q5_1 *b) {
  CK_NO_CONTRACTION
  static const ck_affine_grid grid = {.top = 31, .first = -1.0f, .step = 0.2f, .passes = 3, .any_min = true};
  float x[32], w[32];
  ck_prepare_values(values, 32, CK_LARGEST_VALUE, x);
  float low = x[0], high = x[0];
  for (int i = 1; i < 32; ++i) {
    low = x[i] < low ? x[i] : low;
    high = x[i] > high ? x[i] : high;
  }
  float d = ck_clamp_to_f16((high - low) / 31), m = ck_clamp_to_f16(low);
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
  for (int i = 0; i < 32; ++i) q[i] = (uint8_t)ck_clamp((x[i] - m) * inverse + 0.5f, 0, 31);
  b->qh = ck_pack_fifth_bits(q);
  for (int i = 0; i < 16; ++i) b->qs[i] = (uint8_t)((q[i] & 15) | (q[i + 16] & 15) << 4);
}

#endif
