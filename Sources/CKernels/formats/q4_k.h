// Q4_K: 8 sub-blocks of 32 values of 4 bits: w = d * scale * q - dmin * min, scale and min of 6 bits.
#ifndef CK_FORMATS_Q4_K_H
#define CK_FORMATS_Q4_K_H

#include "formats/kscales.h"
#include "formats/superblock.h"

#define CK_LOWER_Q4_K q4_k

typedef struct __attribute__((packed)) ck_block_q4_k {
  uint16_t d, dmin;    // halves
  uint8_t scales[12];  // see ck_scales_k
  uint8_t qs[128];     // byte 32 p + l: value 64 p + l in the low, 64 p + 32 + l in the high nibble
} ck_block_q4_k;
_Static_assert(sizeof(ck_block_q4_k) == 144, "Q4_K block");

static inline void ck_decode_block_q4_k(const ck_block_q4_k *b, float *values) {
  CK_NO_CONTRACTION
  const float d = ck_f32_from_f16(b->d), dmin = ck_f32_from_f16(b->dmin);
  uint8_t scales[8], mins[8];
  ck_scales_k(b->scales, scales, mins);
  for (int sub = 0; sub < 8; ++sub) {
    const float scale = d * (float)scales[sub], min = dmin * (float)mins[sub];
    const uint8_t *qs = b->qs + sub / 2 * 32;
    const int shift = sub % 2 * 4;
    for (int i = 0; i < 32; ++i) values[sub * 32 + i] = scale * (float)(qs[i] >> shift & 15) - min;
  }
}

/// Any values: see prepare.h for NaN and infinity.
static inline void ck_encode_block_q4_k(const float *values, const float *importance, ck_block_q4_k *b) {
  static const ck_affine_shape shape = {
      .subs = 8, .level_top = 63, .grid = {.top = 15, .first = -1.0f, .step = 0.15f, .passes = 3}};
  float x[CK_SUPERBLOCK], w[CK_SUPERBLOCK];
  ck_prepare_values(values, CK_SUPERBLOCK, CK_LARGEST_VALUE, x);
  ck_prepare_importance(importance, CK_SUPERBLOCK, w);
  const ck_affine_fit fit = ck_fit_affine(x, w, shape);
  uint8_t q[CK_SUPERBLOCK];
  ck_affine_codes(x, &fit, shape, q);
  *b = (ck_block_q4_k){.d = fit.d, .dmin = fit.dmin};
  ck_pack_scales_k(fit.scales, fit.mins, b->scales);
  for (int i = 0; i < CK_SUPERBLOCK; ++i) b->qs[i / 64 * 32 + i % 32] |= (uint8_t)(q[i] << (i % 64 / 32 * 4));
}

#endif
