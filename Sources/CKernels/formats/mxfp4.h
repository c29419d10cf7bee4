// MXFP4: OCP's 32 values of E2M1 under one power of two: w = 2^(e - 127) * q.
#ifndef CK_FORMATS_MXFP4_H
#define CK_FORMATS_MXFP4_H

#include "formats/search.h"

#define CK_LOWER_MXFP4 mxfp4

typedef struct __attribute__((packed)) ck_block_mxfp4 {
  uint8_t e;       // E8M0
  uint8_t qs[16];  // value i in the low, i + 16 in the high nibble: sign, two bits of exponent, one of mantissa
} ck_block_mxfp4;
_Static_assert(sizeof(ck_block_mxfp4) == 17, "MXFP4 block");

/// Twice the E2M1 values, so that they are integers; the scale is halved for it.
static const int8_t ck_mxfp4_table[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

static inline void ck_decode_block_mxfp4(const ck_block_mxfp4 *b, float *values) {
  const float d = ck_half_f32_from_e8m0(b->e);
  for (int i = 0; i < 16; ++i) {
    values[i] = d * (float)ck_mxfp4_table[b->qs[i] & 15];
    values[i + 16] = d * (float)ck_mxfp4_table[b->qs[i] >> 4];
  }
}

/// The nearest of E2M1's values, doubled, for |v| in lanes: starts at 0 and adds a step for each midpoint passed.
CK_LANE_INLINE ck_lanes ck_round_mxfp4(ck_lanes magnitude) {
  ck_lanes nearest = ck_lanes_all(0);
  for (int i = 1; i < 8; ++i) {
    const float below = ck_mxfp4_table[i - 1], above = ck_mxfp4_table[i];
    const ck_lane_mask passed = magnitude > ck_lanes_all((below + above) * 0.5f);
    nearest += (ck_lanes)(passed & (ck_lane_mask)ck_lanes_all(above - below));
  }
  return nearest;
}

/// Any values: the exponent that OCP's rule gives (the largest value's less 2) or one beside it, whichever loses least.
/// See prepare.h for NaN; infinity becomes the largest that is finite.
static inline void ck_encode_block_mxfp4(const float *values, const float *importance, ck_block_mxfp4 *b) {
  CK_NO_CONTRACTION
  float x[32], w[32];
  ck_prepare_values(values, 32, 0x1.cp127f, x);  // what lies above would be nearest to 2^128, beyond float32
  ck_prepare_importance(importance, 32, w);
  const float largest = ck_largest_magnitude(x, 32);
  *b = (ck_block_mxfp4){0};
  if (largest == 0) return;
  int exponent = ilogbf(largest) - 2 + 127;
  exponent = exponent < 0 ? 0 : exponent;
  // Below 8 after this, at any magnitude: squares neither overflow nor vanish.
  const double unit = ldexp(1.0, 127 - exponent);
  for (int i = 0; i < 32; ++i) x[i] = (float)(x[i] * unit);
  const float below = exponent > 0 ? -1 : 0;
  const ck_lanes offsets = {0, 1, below, 0};  // at most 253: a float's exponent is at most 127
  const ck_lanes scales = {0.5f, 1.0f, exponent > 0 ? 0.25f : 0.5f, 0.5f};
  const ck_lanes inverse = 1.0f / scales;
  ck_lanes error = ck_lanes_all(0);
  for (int i = 0; i < 32; ++i) {
    const ck_lanes miss = fabsf(x[i]) - scales * ck_round_mxfp4(fabsf(x[i]) * inverse);
    error += w[i] * miss * miss;
  }
  int best = 0;
  for (int lane = 1; lane < CK_LANES; ++lane) best = error[lane] < error[best] ? lane : best;
  b->e = (uint8_t)(exponent + (int)offsets[best]);
  for (int i = 0; i < 32; ++i) {
    int q = 0;
    for (int k = 1; k < 8; ++k)
      q += fabsf(x[i]) * inverse[best] > 0.5f * (float)(ck_mxfp4_table[k - 1] + ck_mxfp4_table[k]);
    b->qs[i % 16] |= (uint8_t)((q | (q && x[i] < 0) << 3) << (i / 16 * 4));
  }
}

#endif
