// Q5_0: 32 values of 5 bits under one scale: w = d * (q - 16).
#ifndef CK_FORMATS_Q5_0_H
#define CK_FORMATS_Q5_0_H

#include "formats/search.h"

#define CK_LOWER_Q5_0 q5_0

typedef struct __attribute__((packed)) ck_block_q5_0 {
  uint16_t d;      // half
  uint32_t qh;     // bit i: the fifth bit of value i
  uint8_t qs[16];  // value i in the low, i + 16 in the high nibble
} ck_block_q5_0;
_Static_assert(sizeof(ck_block_q5_0) == 22, "Q5_0 block");

static inline void ck_decode_block_q5_0(const ck_block_q5_0 *b, float *values) {
  const float d = ck_f32_from_f16(b->d);
  const uint32_t qh = b->qh;
  for (int i = 0; i < 16; ++i) {
    const int low = (b->qs[i] & 15) | (int)((qh >> i) & 1u) << 4;
    const int high = (b->qs[i] >> 4) | (int)((qh >> (i + 16)) & 1u) << 4;
    values[i] = d * (float)(low - 16);
    values[i + 16] = d * (float)(high - 16);
  }
}

CK_LANE_INLINE ck_lanes ck_round_q5_0(ck_lanes v, const float *table) {
  (void)table;
  return ck_lanes_round(ck_lanes_clamp(v, -16, 15));
}

/// Without importance: the extreme at -16, each code the nearest. With it: the scale that loses the least. See
/// prepare.h for NaN and infinity.
static inline void ck_encode_block_q5_0(const float *values, const float *importance, ck_block_q5_0 *b) {
  CK_NO_CONTRACTION
  static const ck_scale_grid grid = {.reach = 16, .first = -1.75f, .step = 0.25f, .passes = 8};
  float x[32], w[32];
  ck_prepare_values(values, 32, CK_LARGEST_VALUE, x);
  float d = ck_clamp_to_f16(ck_extreme(x, 32) / -16);
  b->d = ck_f16_from_f32(d);
  if (importance) {
    const ck_rounder rounder = {ck_round_q5_0, NULL};
    ck_prepare_importance(importance, 32, w);
    b->d = ck_f16_from_scale(ck_search_scale(x, w, 32, rounder, grid));
    d = ck_f32_from_f16(b->d);
  }
  const float inverse = d != 0 ? 1 / d : 0;
  uint8_t q[32];
  for (int i = 0; i < 32; ++i) q[i] = (uint8_t)ck_clamp(x[i] * inverse + 16.5f, 0, 31);
  b->qh = ck_pack_fifth_bits(q);
  for (int i = 0; i < 16; ++i) b->qs[i] = (uint8_t)((q[i] & 15) | (q[i + 16] & 15) << 4);
}

#endif
