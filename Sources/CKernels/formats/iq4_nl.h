// IQ4_NL: 32 values of 4 bits that index a table of 16 unequal steps: w = d * table[q].
#ifndef CK_FORMATS_IQ4_NL_H
#define CK_FORMATS_IQ4_NL_H

#include "formats/iq4.h"
#include "formats/search.h"

#define CK_LOWER_IQ4_NL iq4_nl

typedef struct __attribute__((packed)) ck_block_iq4_nl {
  uint16_t d;      // half
  uint8_t qs[16];  // value i in the low, i + 16 in the high nibble
} ck_block_iq4_nl;
_Static_assert(sizeof(ck_block_iq4_nl) == 18, "IQ4_NL block");

static inline void ck_decode_block_iq4_nl(const ck_block_iq4_nl *b, float *values) {
  const float d = ck_f32_from_f16(b->d);
  for (int i = 0; i < 16; ++i) {
    values[i] = d * (float)ck_iq4_table[b->qs[i] & 15];
    values[i + 16] = d * (float)ck_iq4_table[b->qs[i] >> 4];
  }
}

/// Any values: see prepare.h for NaN and infinity.
static inline void ck_encode_block_iq4_nl(const float *values, const float *importance, ck_block_iq4_nl *b) {
  static const ck_scale_grid grid = {.reach = 127, .first = -14, .step = 4, .passes = 4};
  ck_iq4_nearest nearest;
  ck_iq4_fill(&nearest);
  const ck_rounder rounder = {ck_round_iq4, nearest.values};
  float x[32], w[32], q[32];
  ck_prepare_values(values, 32, CK_LARGEST_VALUE, x);
  ck_prepare_importance(importance, 32, w);
  b->d = ck_f16_from_scale(ck_search_scale(x, w, 32, rounder, grid));
  ck_codes(x, 32, ck_f32_from_f16(b->d), rounder, q);
  for (int i = 0; i < 16; ++i) b->qs[i] = (uint8_t)(ck_iq4_index(q[i]) | ck_iq4_index(q[i + 16]) << 4);
}

#endif
