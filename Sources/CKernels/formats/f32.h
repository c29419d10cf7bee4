// F32: a float32 a block.
#ifndef CK_FORMATS_F32_H
#define CK_FORMATS_F32_H

#include "formats/scalars.h"

#define CK_LOWER_F32 f32

typedef struct __attribute__((packed)) ck_block_f32 {
  float value;
} ck_block_f32;
_Static_assert(sizeof(ck_block_f32) == 4, "F32 block");

static inline void ck_decode_block_f32(const ck_block_f32 *b, float *values) { values[0] = b->value; }

static inline void ck_encode_block_f32(const float *values, const float *importance, ck_block_f32 *b) {
  (void)importance;
  b->value = values[0];
}

#endif
