// MXFP4: OCP's 32 values of E2M1 under one power of two: w = 2^(e - 127) * q.
#ifndef CK_FORMATS_MXFP4_H
#define CK_FORMATS_MXFP4_H

#include "formats/scalars.h"

#define CK_LOWER_MXFP4 mxfp4

typedef struct __attribute__((packed)) ck_block_mxfp4 {
  uint8_t e;       // E8M0
  uint8_t qs[16];  // value i in the low, i + 16 in the high nibble: sign, two bits of exponent, one of mantissa
} ck_block_mxfp4;
_Static_assert(sizeof(ck_block_mxfp4) == 17, "MXFP4 block");

/// Twice the E2M1 values, so that they are integers; the scale is halved for it.
static const int8_t ck_mxfp4_table[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

static inline void ck_decode_block_mxfp4(const ck_block_mxfp4* b, float* values) {
  const float d = ck_half_f32_from_e8m0(b->e);
  for (int i = 0; i < 16; ++i) {
    values[i] = d * (float)ck_mxfp4_table[b->qs[i] & 15];
    values[i + 16] = d * (float)ck_mxfp4_table[b->qs[i] >> 4];
  }
}

#endif
