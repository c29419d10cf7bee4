// Q2_K: 16 sub-blocks of 16 values of 2 bits: w = d * scale * q - dmin * min, scale and min of 4 bits.
#ifndef CK_FORMATS_Q2_K_H
#define CK_FORMATS_Q2_K_H

#include "formats/superblock.h"

#define CK_LOWER_Q2_K q2_k

typedef struct __attribute__((packed)) ck_block_q2_k {
  uint8_t scales[16];  // scale in the low, min in the high nibble
  uint8_t qs[64];      // byte 32 h + l: values 128 h + 32 s + l at bit 2 s, for s < 4
  uint16_t d, dmin;    // halves
} ck_block_q2_k;
_Static_assert(sizeof(ck_block_q2_k) == 84, "Q2_K block");

static inline void ck_decode_block_q2_k(const ck_block_q2_k *b, float *values) {
  CK_NO_CONTRACTION
  const float d = ck_f32_from_f16(b->d), dmin = ck_f32_from_f16(b->dmin);
  for (int sub = 0; sub < 16; ++sub) {
    const float scale = d * (float)(b->scales[sub] & 15), min = dmin * (float)(b->scales[sub] >> 4);
    const uint8_t *qs = b->qs + sub / 8 * 32 + sub % 2 * 16;
    const int shift = sub / 2 % 4 * 2;
    for (int i = 0; i < 16; ++i) values[sub * 16 + i] = scale * (float)(qs[i] >> shift & 3) - min;
  }
}

/// Any values: see prepare.h for NaN and infinity.
static inline void ck_encode_block_q2_k(const float *values, const float *importance, ck_block_q2_k *b) {
  static const ck_affine_shape shape = {
      .subs = 16, .level_top = 15, .grid = {.top = 3, .first = -0.6f, .step = 0.15f, .passes = 3}};
  float x[CK_SUPERBLOCK], w[CK_SUPERBLOCK];
  ck_prepare_values(values, CK_SUPERBLOCK, CK_LARGEST_VALUE, x);
  ck_prepare_importance(importance, CK_SUPERBLOCK, w);
  const ck_affine_fit fit = ck_fit_affine(x, w, shape);
  uint8_t q[CK_SUPERBLOCK];
  ck_affine_codes(x, &fit, shape, q);
  *b = (ck_block_q2_k){.d = fit.d, .dmin = fit.dmin};
  for (int sub = 0; sub < 16; ++sub) b->scales[sub] = (uint8_t)(fit.scales[sub] | fit.mins[sub] << 4);
  for (int i = 0; i < CK_SUPERBLOCK; ++i) b->qs[i / 128 * 32 + i % 32] |= (uint8_t)(q[i] << (i % 128 / 32 * 2));
}

#endif
