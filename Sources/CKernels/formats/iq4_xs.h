// IQ4_XS: 8 sub-blocks of 32 values that index IQ4_NL's table: w = d * (scale - 32) * table[q], scale of 6 bits.
#ifndef CK_FORMATS_IQ4_XS_H
#define CK_FORMATS_IQ4_XS_H

#include "formats/iq4.h"
#include "formats/superblock.h"

#define CK_LOWER_IQ4_XS iq4_xs

typedef struct __attribute__((packed)) ck_block_iq4_xs {
  uint16_t d;           // half
  uint16_t scales_h;    // bits 2 s and 2 s + 1: the upper two bits of scale s
  uint8_t scales_l[4];  // the lower four bits of scale 2 i in the low, 2 i + 1 in the high nibble of byte i
  uint8_t qs[128];      // byte 16 s + l: value 32 s + l in the low, 32 s + 16 + l in the high nibble
} ck_block_iq4_xs;
_Static_assert(sizeof(ck_block_iq4_xs) == 136, "IQ4_XS block");

/// Scale `sub` of 8, -32 ... 31.
static inline int ck_scale_iq4_xs(const ck_block_iq4_xs *b, int sub) {
  const int low = b->scales_l[sub / 2] >> (sub % 2 * 4) & 15;
  return (low | (b->scales_h >> (2 * sub) & 3) << 4) - 32;
}

static inline void ck_decode_block_iq4_xs(const ck_block_iq4_xs *b, float *values) {
  const float d = ck_f32_from_f16(b->d);
  for (int sub = 0; sub < 8; ++sub) {
    const float scale = d * (float)ck_scale_iq4_xs(b, sub);
    const uint8_t *qs = b->qs + sub * 16;
    float *out = values + sub * 32;
    for (int i = 0; i < 16; ++i) {
      out[i] = scale * (float)ck_iq4_table[qs[i] & 15];
      out[i + 16] = scale * (float)ck_iq4_table[qs[i] >> 4];
    }
  }
}

/// Any values: see prepare.h for NaN and infinity.
static inline void ck_encode_block_iq4_xs(const float *values, const float *importance, ck_block_iq4_xs *b) {
  static const ck_symmetric_shape shape = {8, -32, 31, {.reach = 127, .first = -14, .step = 4, .passes = 4}};
  ck_iq4_nearest nearest;
  ck_iq4_fill(&nearest);
  const ck_rounder rounder = {ck_round_iq4, nearest.values};
  float x[CK_SUPERBLOCK], w[CK_SUPERBLOCK];
  ck_prepare_values(values, CK_SUPERBLOCK, CK_LARGEST_VALUE, x);
  ck_prepare_importance(importance, CK_SUPERBLOCK, w);
  const ck_symmetric fit = ck_fit_symmetric(x, w, rounder, shape);
  float q[CK_SUPERBLOCK];
  ck_symmetric_codes(x, &fit, rounder, shape, q);
  *b = (ck_block_iq4_xs){.d = fit.d};
  for (int sub = 0; sub < 8; ++sub) {
    const int level = fit.scales[sub] + 32;
    b->scales_l[sub / 2] |= (uint8_t)((level & 15) << (sub % 2 * 4));
    b->scales_h |= (uint16_t)(level >> 4 << (2 * sub));
  }
  for (int i = 0; i < CK_SUPERBLOCK; ++i) {
    b->qs[i / 32 * 16 + i % 16] |= (uint8_t)(ck_iq4_index(q[i]) << (i % 32 / 16 * 4));
  }
}

#endif
