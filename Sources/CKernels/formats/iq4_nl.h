// IQ4_NL: 32 values of 4 bits that index a table of 16 unequal steps: w = d * table[q].
#ifndef CK_FORMATS_IQ4_NL_H
#define CK_FORMATS_IQ4_NL_H

#include "formats/iq4.h"
#include "formats/scalars.h"

#define CK_LOWER_IQ4_NL iq4_nl

typedef struct __attribute__((packed)) ck_block_iq4_nl {
  uint16_t d;      // half
  uint8_t qs[16];  // value i in the low, i + 16 in the high nibble
} ck_block_iq4_nl;
_Static_assert(sizeof(ck_block_iq4_nl) == 18, "IQ4_NL block");

static inline void ck_decode_block_iq4_nl(const ck_block_iq4_nl* b, float* values) {
  const float d = ck_f32_from_f16(b->d);
  for (int i = 0; i < 16; ++i) {
    values[i] = d * (float)ck_iq4_table[b->qs[i] & 15];
    values[i + 16] = d * (float)ck_iq4_table[b->qs[i] >> 4];
  }
}

#endif
