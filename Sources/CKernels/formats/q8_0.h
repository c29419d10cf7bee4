// Q8_0: 32 signed bytes under one scale: w = d * q.
#ifndef CK_FORMATS_Q8_0_H
#define CK_FORMATS_Q8_0_H

#include "formats/scalars.h"

#define CK_LOWER_Q8_0 q8_0

typedef struct __attribute__((packed)) ck_block_q8_0 {
  uint16_t d;  // half
  int8_t qs[32];
} ck_block_q8_0;
_Static_assert(sizeof(ck_block_q8_0) == 34, "Q8_0 block");

static inline void ck_decode_block_q8_0(const ck_block_q8_0* b, float* values) {
  const float d = ck_f32_from_f16(b->d);
  for (int i = 0; i < 32; ++i) values[i] = d * (float)b->qs[i];
}

#endif
