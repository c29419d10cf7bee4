// Q4_0: 32 values of 4 bits under one scale: w = d * (q - 8).
#ifndef CK_FORMATS_Q4_0_H
#define CK_FORMATS_Q4_0_H

#include "formats/scalars.h"

#define CK_LOWER_Q4_0 q4_0

typedef struct __attribute__((packed)) ck_block_q4_0 {
  uint16_t d;      // half
  uint8_t qs[16];  // value i in the low, i + 16 in the high nibble
} ck_block_q4_0;
_Static_assert(sizeof(ck_block_q4_0) == 18, "Q4_0 block");

static inline void ck_decode_block_q4_0(const ck_block_q4_0* b, float* values) {
  const float d = ck_f32_from_f16(b->d);
  for (int i = 0; i < 16; ++i) {
    values[i] = d * (float)((b->qs[i] & 15) - 8);
    values[i + 16] = d * (float)((b->qs[i] >> 4) - 8);
  }
}

#endif
