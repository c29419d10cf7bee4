// Q5_1: 32 values of 5 bits under a scale and a minimum: w = d * q + m.
#ifndef CK_FORMATS_Q5_1_H
#define CK_FORMATS_Q5_1_H

#include "formats/scalars.h"

#define CK_LOWER_Q5_1 q5_1

typedef struct __attribute__((packed)) ck_block_q5_1 {
  uint16_t d, m;   // halves
  uint32_t qh;     // bit i: the fifth bit of value i
  uint8_t qs[16];  // value i in the low, i + 16 in the high nibble
} ck_block_q5_1;
_Static_assert(sizeof(ck_block_q5_1) == 24, "Q5_1 block");

static inline void ck_decode_block_q5_1(const ck_block_q5_1* b, float* values) {
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

#endif
