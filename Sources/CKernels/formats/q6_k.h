// Q6_K: 16 sub-blocks of 16 values of 6 bits: w = d * scale * (q - 32), scale a signed byte.
#ifndef CK_FORMATS_Q6_K_H
#define CK_FORMATS_Q6_K_H

#include "formats/superblock.h"

#define CK_LOWER_Q6_K q6_k

typedef struct __attribute__((packed)) ck_block_q6_k {
  uint8_t ql[128];  // byte 64 h + l: values 128 h + l in the low, 128 h + 64 + l in the high nibble
  uint8_t qh[64];   // byte 32 h + l: the upper bits of values 128 h + 32 s + l at bit 2 s, for s < 4
  int8_t scales[16];
  uint16_t d;  // half
} ck_block_q6_k;
_Static_assert(sizeof(ck_block_q6_k) == 210, "Q6_K block");

static inline void ck_decode_block_q6_k(const ck_block_q6_k *b, float *values) {
  const float d = ck_f32_from_f16(b->d);
  for (int sub = 0; sub < 16; ++sub) {
    const float scale = d * (float)b->scales[sub];
    const int half = sub / 8, quarter = sub / 2 % 4;
    const uint8_t *ql = b->ql + half * 64 + quarter % 2 * 32 + sub % 2 * 16;
    const uint8_t *qh = b->qh + half * 32 + sub % 2 * 16;
    const int low_shift = quarter / 2 * 4, high_shift = quarter * 2;
    for (int i = 0; i < 16; ++i) {
      const int q = (ql[i] >> low_shift & 15) | (qh[i] >> high_shift & 3) << 4;
      values[sub * 16 + i] = scale * (float)(q - 32);
    }
  }
}

CK_LANE_INLINE ck_lanes ck_round_q6_k(ck_lanes v, const float *table) {
  (void)table;
  return ck_lanes_round(ck_lanes_clamp(v, -32, 31));
}

/// Any values: see prepare.h for NaN and infinity.
static inline void ck_encode_block_q6_k(const float *values, const float *importance, ck_block_q6_k *b) {
  static const ck_symmetric_shape shape = {16, -128, 127, {.reach = 32, .first = -0.9f, .step = 0.2f, .passes = 5}};
  const ck_rounder rounder = {ck_round_q6_k, NULL};
  float x[CK_SUPERBLOCK], w[CK_SUPERBLOCK];
  ck_prepare_values(values, CK_SUPERBLOCK, CK_LARGEST_VALUE, x);
  ck_prepare_importance(importance, CK_SUPERBLOCK, w);
  const ck_symmetric fit = ck_fit_symmetric(x, w, rounder, shape);
  float q[CK_SUPERBLOCK];
  ck_symmetric_codes(x, &fit, rounder, shape, q);
  *b = (ck_block_q6_k){.d = fit.d};
  for (int sub = 0; sub < 16; ++sub) b->scales[sub] = (int8_t)fit.scales[sub];
  for (int i = 0; i < CK_SUPERBLOCK; ++i) {
    const int code = (int)q[i] + 32;
    b->ql[i / 128 * 64 + i % 64] |= (uint8_t)((code & 15) << (i % 128 / 64 * 4));
    b->qh[i / 128 * 32 + i % 32] |= (uint8_t)(code >> 4 << (i % 128 / 32 * 2));
  }
}

#endif
