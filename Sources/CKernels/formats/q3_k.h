// Q3_K: 16 sub-blocks of 16 values of 3 bits: w = d * (scale - 32) * (q - 4), scale of 6 bits.
#ifndef CK_FORMATS_Q3_K_H
#define CK_FORMATS_Q3_K_H

#include "formats/scalars.h"

#define CK_LOWER_Q3_K q3_k

typedef struct __attribute__((packed)) ck_block_q3_k {
  uint8_t hmask[32];   // byte l, bit g: the third bit of value 32 g + l
  uint8_t qs[64];      // byte 32 h + l: the low bits of values 128 h + 32 s + l at bit 2 s, for s < 4
  uint8_t scales[12];  // see ck_scales_q3_k
  uint16_t d;          // half
} ck_block_q3_k;
_Static_assert(sizeof(ck_block_q3_k) == 110, "Q3_K block");

/// The 16 scales, each -32 ... 31: the low nibbles of 0 to 7 and 8 to 15 share a byte, the upper two bits of
/// s, s + 4, s + 8 and s + 12 share byte 8 + s.
static inline void ck_scales_q3_k(const uint8_t packed[12], int8_t scales[16]) {
  for (int s = 0; s < 16; ++s) {
    const int low = packed[s % 8] >> (s / 8 * 4) & 15;
    const int high = packed[8 + s % 4] >> (s / 4 * 2) & 3;
    scales[s] = (int8_t)((low | high << 4) - 32);
  }
}

static inline void ck_decode_block_q3_k(const ck_block_q3_k* b, float* values) {
  const float d = ck_f32_from_f16(b->d);
  int8_t scales[16];
  ck_scales_q3_k(b->scales, scales);
  for (int sub = 0; sub < 16; ++sub) {
    const float scale = d * (float)scales[sub];
    const uint8_t* qs = b->qs + sub / 8 * 32 + sub % 2 * 16;
    const uint8_t* hmask = b->hmask + sub % 2 * 16;
    const int shift = sub / 2 % 4 * 2, bit = sub / 2;
    for (int i = 0; i < 16; ++i) {
      const int q = (qs[i] >> shift & 3) | (hmask[i] >> bit & 1) << 2;
      values[sub * 16 + i] = scale * (float)(q - 4);
    }
  }
}

#endif
