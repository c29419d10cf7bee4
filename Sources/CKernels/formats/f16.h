// F16: an IEEE half a block. NaN and infinity are kept; finite values beyond 65,520 become infinity.
#ifndef CK_FORMATS_F16_H
#define CK_FORMATS_F16_H

#include "formats/scalars.h"

#define CK_LOWER_F16 f16

typedef struct __attribute__((packed)) ck_block_f16 {
  uint16_t value;
} ck_block_f16;
_Static_assert(sizeof(ck_block_f16) == 2, "F16 block");

static inline void ck_decode_block_f16(const ck_block_f16 *b, float *values) { values[0] = ck_f32_from_f16(b->value); }

static inline void ck_encode_block_f16(const float *values, const float *importance, ck_block_f16 *b) {
  (void)importance;
  b->value = ck_f16_from_f32(values[0]);
}

#endif
