// Q2_K: 16 sub-blocks of 16 values of 2 bits: w = d * scale * q - dmin * min, scale and min of 4 bits.
#ifndef CK_FORMATS_Q2_K_H
#define CK_FORMATS_Q2_K_H

#include "formats/scalars.h"

#define CK_LOWER_Q2_K q2_k

typedef struct __attribute__((packed)) ck_block_q2_k {
  uint8_t scales[16];  // scale in the low, min in the high nibble
  uint8_t qs[64];      // byte 32 h + l: values 128 h + 32 s + l at bit 2 s, for s < 4
  uint16_t d, dmin;    // halves
} ck_block_q2_k;
_Static_assert(sizeof(ck_block_q2_k) == 84, "Q2_K block");

static inline void ck_decode_block_q2_k(const ck_block_q2_k* b, float* values) {
  CK_NO_CONTRACTION
  const float d = ck_f32_from_f16(b->d), dmin = ck_f32_from_f16(b->dmin);
  for (int sub = 0; sub < 16; ++sub) {
    const float scale = d * (float)(b->scales[sub] & 15), min = dmin * (float)(b->scales[sub] >> 4);
    const uint8_t* qs = b->qs + sub / 8 * 32 + sub % 2 * 16;
    const int shift = sub / 2 % 4 * 2;
    for (int i = 0; i < 16; ++i) values[sub * 16 + i] = scale * (float)(qs[i] >> shift & 3) - min;
  }
}

#endif
