// Q5_0: 32 values of 5 bits under one scale: w = d * (q - 16).
#ifndef CK_FORMATS_Q5_0_H
#define CK_FORMATS_Q5_0_H

#include "formats/scalars.h"

#define CK_LOWER_Q5_0 q5_0

typedef struct __attribute__((packed)) ck_block_q5_0 {
  uint16_t d;      // half
  uint32_t qh;     // bit i: the fifth bit of value i
  uint8_t qs[16];  // value i in the low, i + 16 in the high nibble
} ck_block_q5_0;
_Static_assert(sizeof(ck_block_q5_0) == 22, "Q5_0 block");

static inline void ck_decode_block_q5_0(const ck_block_q5_0* b, float* values) {
  const float d = ck_f32_from_f16(b->d);
  const uint32_t qh = b->qh;
  for (int i = 0; i < 16; ++i) {
    const int low = (b->qs[i] & 15) | (int)((qh >> i) & 1u) << 4;
    const int high = (b->qs[i] >> 4) | (int)((qh >> (i + 16)) & 1u) << 4;
    values[i] = d * (float)(low - 16);
    values[i + 16] = d * (float)(high - 16);
  }
}

#endif
