// BF16: the upper half of a float32 a block. NaN and infinity are kept.
#ifndef CK_FORMATS_BF16_H
#define CK_FORMATS_BF16_H

#include "formats/scalars.h"

#define CK_LOWER_BF16 bf16

typedef struct __attribute__((packed)) ck_block_bf16 {
  uint16_t value;
} ck_block_bf16;
_Static_assert(sizeof(ck_block_bf16) == 2, "BF16 block");

static inline void ck_decode_block_bf16(const ck_block_bf16 *b, float *values) {
  values[0] = ck_f32_from_bf16(b->value);
}

static inline void ck_encode_block_bf16(const float *values, const float *importance, ck_block_bf16 *b) {
  (void)importance;
  b->value = ck_bf16_from_f32(values[0]);
}

#endif
