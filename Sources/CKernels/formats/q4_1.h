// Q4_1: 32 values of 4 bits under a scale and a minimum: w = d * q + m.
#ifndef CK_FORMATS_Q4_1_H
#define CK_FORMATS_Q4_1_H

#include "formats/scalars.h"

#define CK_LOWER_Q4_1 q4_1

typedef struct __attribute__((packed)) ck_block_q4_1 {
  uint16_t d, m;   // halves
  uint8_t qs[16];  // value i in the low, i + 16 in the high nibble
} ck_block_q4_1;
_Static_assert(sizeof(ck_block_q4_1) == 20, "Q4_1 block");

static inline void ck_decode_block_q4_1(const ck_block_q4_1* b, float* values) {
  CK_NO_CONTRACTION
  const float d = ck_f32_from_f16(b->d), m = ck_f32_from_f16(b->m);
  for (int i = 0; i < 16; ++i) {
    values[i] = d * (float)(b->qs[i] & 15) + m;
    values[i + 16] = d * (float)(b->qs[i] >> 4) + m;
  }
}

#endif
