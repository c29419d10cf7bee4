// Q6_K: 16 sub-blocks of 16 values of 6 bits: w = d * scale * (q - 32), scale a signed byte.
#ifndef CK_FORMATS_Q6_K_H
#define CK_FORMATS_Q6_K_H

#include "formats/scalars.h"

#define CK_LOWER_Q6_K q6_k

typedef struct __attribute__((packed)) ck_block_q6_k {
  uint8_t ql[128];  // byte 64 h + l: values 128 h + l in the low, 128 h + 64 + l in the high nibble
  uint8_t qh[64];   // byte 32 h + l: the upper bits of values 128 h + 32 s + l at bit 2 s, for s < 4
  int8_t scales[16];
  uint16_t d;  // half
} ck_block_q6_k;
_Static_assert(sizeof(ck_block_q6_k) == 210, "Q6_K block");

static inline void ck_decode_block_q6_k(const ck_block_q6_k* b, float* values) {
  const float d = ck_f32_from_f16(b->d);
  for (int sub = 0; sub < 16; ++sub) {
    const float scale = d * (float)b->scales[sub];
    const int half = sub / 8, quarter = sub / 2 % 4;
    const uint8_t* ql = b->ql + half * 64 + quarter % 2 * 32 + sub % 2 * 16;
    const uint8_t* qh = b->qh + half * 32 + sub % 2 * 16;
    const int low_shift = quarter / 2 * 4, high_shift = quarter * 2;
    for (int i = 0; i < 16; ++i) {
      const int q = (ql[i] >> low_shift & 15) | (qh[i] >> high_shift & 3) << 4;
      values[sub * 16 + i] = scale * (float)(q - 32);
    }
  }
}

#endif
