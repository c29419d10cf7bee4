// Q3_K: 16 sub-blocks of 16 values of 3 bits: w = d * (scale - 32) * (q - 4), scale of 6 bits.
#ifndef CK_FORMATS_Q3_K_H
#define CK_FORMATS_Q3_K_H

#include "formats/superblock.h"

#define CK_LOWER_Q3_K q3_k

typedef struct __attribute__((packed)) ck_block_q3_k {
  uint8_t hmask[32];   // byte l, bit g: the third bit of value 32 g + l
  uint8_t qs[64];      // byte 32 h + l: the low bits of values 128 h + 32 s + l at bit 2 s, for s < 4
  uint8_t scales[12];  // see ck_scales_q3_k
  uint16_t d;          // half
} ck_block_q3_k;
_Static_assert(sizeof(ck_block_q3_k) == 110, "Q3_K block");

/// The 16 scales, each -32 ... 31: the low nibbles of 0 to 7 and 8 to 15 share a byte, the upper two bits of
/// s, s + 4, s + 8 and s + 12 share byte 8 + s.
static inline void ck_scales_q3_k(const uint8_t packed[12], int8_t scales[16]) {
  for (int s = 0; s < 16; ++s) {
    const int low = packed[s % 8] >> (s / 8 * 4) & 15;
    const int high = packed[8 + s % 4] >> (s / 4 * 2) & 3;
    scales[s] = (int8_t)((low | high << 4) - 32);
  }
}

static inline void ck_decode_block_q3_k(const ck_block_q3_k *b, float *values) {
  const float d = ck_f32_from_f16(b->d);
  int8_t scales[16];
  ck_scales_q3_k(b->scales, scales);
  for (int sub = 0; sub < 16; ++sub) {
    const float scale = d * (float)scales[sub];
    const uint8_t *qs = b->qs + sub / 8 * 32 + sub % 2 * 16;
    const uint8_t *hmask = b->hmask + sub % 2 * 16;
    const int shift = sub / 2 % 4 * 2, bit = sub / 2;
    for (int i = 0; i < 16; ++i) {
      const int q = (qs[i] >> shift & 3) | (hmask[i] >> bit & 1) << 2;
      values[sub * 16 + i] = scale * (float)(q - 4);
    }
  }
}

static inline void ck_pack_scales_q3_k(const int scales[16], uint8_t packed[12]) {
  memset(packed, 0, 12);
  for (int s = 0; s < 16; ++s) {
    const int level = scales[s] + 32;
    packed[s % 8] |= (uint8_t)((level & 15) << (s / 8 * 4));
    packed[8 + s % 4] |= (uint8_t)(level >> 4 << (s / 4 * 2));
  }
}

CK_LANE_INLINE ck_lanes ck_round_q3_k(ck_lanes v, const float *table) {
  (void)table;
  return ck_lanes_round(ck_lanes_clamp(v, -4, 3));
}

/// Any values: see prepare.h for NaN and infinity.
static inline void ck_encode_block_q3_k(const float *values, const float *importance, ck_block_q3_k *b) {
  static const ck_symmetric_shape shape = {16, -32, 31, {.reach = 4, .first = -1.2f, .step = 0.15f, .passes = 8}};
  const ck_rounder rounder = {ck_round_q3_k, NULL};
  float x[CK_SUPERBLOCK], w[CK_SUPERBLOCK];
  ck_prepare_values(values, CK_SUPERBLOCK, CK_LARGEST_VALUE, x);
  ck_prepare_importance(importance, CK_SUPERBLOCK, w);
  const ck_symmetric fit = ck_fit_symmetric(x, w, rounder, shape);
  float q[CK_SUPERBLOCK];
  ck_symmetric_codes(x, &fit, rounder, shape, q);
  *b = (ck_block_q3_k){.d = fit.d};
  ck_pack_scales_q3_k(fit.scales, b->scales);
  for (int i = 0; i < CK_SUPERBLOCK; ++i) {
    const int code = (int)q[i] + 4;
    b->qs[i / 128 * 32 + i % 32] |= (uint8_t)((code & 3) << (i % 128 / 32 * 2));
    b->hmask[i % 32] |= (uint8_t)(code >> 2 << i / 32);
  }
}

#endif
