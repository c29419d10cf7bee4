// Q4_0: 32 values of 4 bits under one scale: w = d * (q - 8).
#ifndef CK_FORMATS_Q4_0_H
#define CK_FORMATS_Q4_0_H

#include "formats/search.h"

#define CK_LOWER_Q4_0 q4_0

typedef struct __attribute__((packed)) ck_block_q4_0 {
  uint16_t d;      // half
  uint8_t qs[16];  // value i in the low, i + 16 in the high nibble
} ck_block_q4_0;
_Static_assert(sizeof(ck_block_q4_0) == 18, "Q4_0 block");

static inline void ck_decode_block_q4_0(const ck_block_q4_0 *b, float *values) {
  const float d = ck_f32_from_f16(b->d);
  for (int i = 0; i < 16; ++i) {
    values[i] = d * (float)((b->qs[i] & 15) - 8);
    values[i + 16] = d * (float)((b->qs[i] >> 4) - 8);
  }
}

CK_LANE_INLINE ck_lanes ck_round_q4_0(ck_lanes v, const float *table) {
  (void)table;
  return ck_lanes_round(ck_lanes_clamp(v, -8, 7));
}

/// Without importance: the extreme at -8, each code the nearest. With it: the scale that loses the least. See prepare.h
/// for NaN and infinity.
static inline void ck_encode_block_q4_0(const float *values, const float *importance, ck_block_q4_0 *b) {
  CK_NO_CONTRACTION
  static const ck_scale_grid grid = {.reach = 8, .first = -1.8f, .step = 0.3f, .passes = 6};
  float x[32], w[32];
  ck_prepare_values(values, 32, CK_LARGEST_VALUE, x);
  float d = ck_clamp_to_f16(ck_extreme(x, 32) / -8);
  b->d = ck_f16_from_f32(d);
  if (importance) {
    const ck_rounder rounder = {ck_round_q4_0, NULL};
    ck_prepare_importance(importance, 32, w);
    b->d = ck_f16_from_scale(ck_search_scale(x, w, 32, rounder, grid));
    d = ck_f32_from_f16(b->d);
  }
  const float inverse = d != 0 ? 1 / d : 0;
  uint8_t q[32];
  for (int i = 0; i < 32; ++i) q[i] = (uint8_t)ck_clamp(x[i] * inverse + 8.5f, 0, 15);
  for (int i = 0; i < 16; ++i) b->qs[i] = (uint8_t)(q[i] | q[i + 16] << 4);
}

#endif
