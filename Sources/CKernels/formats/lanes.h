// Four floats at a time for the encoders, by the compiler's vector types: the same code and the same results on every
// processor, since each lane is computed alone. A lane is a candidate scale, not a value: no sum crosses lanes.
#ifndef CK_FORMATS_LANES_H
#define CK_FORMATS_LANES_H

#include <stdint.h>
#include <string.h>

#define CK_LANES 4
#define CK_LANE_INLINE static inline __attribute__((always_inline))

typedef float ck_lanes __attribute__((vector_size(16)));
typedef int32_t ck_lane_mask __attribute__((vector_size(16)));

CK_LANE_INLINE ck_lanes ck_lanes_all(float value) { return (ck_lanes){value, value, value, value}; }

CK_LANE_INLINE ck_lanes ck_lanes_select(ck_lane_mask mask, ck_lanes yes, ck_lanes no) {
  return (ck_lanes)((mask & (ck_lane_mask)yes) | (~mask & (ck_lane_mask)no));
}

/// NaN becomes `low`.
CK_LANE_INLINE ck_lanes ck_lanes_clamp(ck_lanes v, float low, float high) {
  v = ck_lanes_select(v > ck_lanes_all(low), v, ck_lanes_all(low));
  return ck_lanes_select(v < ck_lanes_all(high), v, ck_lanes_all(high));
}

/// The nearest integer, ties to even, for magnitudes below 2^22: adding 1.5 * 2^23 leaves no room for a fraction.
CK_LANE_INLINE ck_lanes ck_lanes_round(ck_lanes v) { return (v + 12582912.0f) - 12582912.0f; }

/// 1 / v, and 0 for 0.
CK_LANE_INLINE ck_lanes ck_lanes_inverse(ck_lanes v) {
  return ck_lanes_select(v != ck_lanes_all(0), ck_lanes_all(1) / v, ck_lanes_all(0));
}

/// Rounds v to the nearest value that a format can hold at scale 1. `table` is whatever `nearest` looks up.
typedef struct ck_rounder {
  ck_lanes (*nearest)(ck_lanes v, const float *table);
  const float *table;
} ck_rounder;

#endif
