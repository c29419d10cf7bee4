// Conversions between float32 and the 16-bit and 8-bit scalars of weight files, by integer arithmetic alone: no
// processor feature is needed, and every loop over them vectorises. No blocks here.
#ifndef CK_FORMATS_SCALARS_H
#define CK_FORMATS_SCALARS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

// Decoding is defined to the bit: without this, aarch64 would fuse d * q + m into one rounding where x86 rounds twice.
#define CK_NO_CONTRACTION _Pragma("clang fp contract(off)")

static inline uint32_t ck_bits_from_f32(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

static inline float ck_f32_from_bits(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

/// Exact for every half: subnormals, infinities, and NaN with its payload.
static inline float ck_f32_from_f16(uint16_t half) {
  const uint32_t sign = (uint32_t)(half & 0x8000u) << 16;
  const uint32_t magnitude = half & 0x7fffu;
  const uint32_t rebias = 112u << 23;  // 127 - 15
  const uint32_t normal = (magnitude << 13) + rebias;
  const uint32_t special = normal + rebias;  // infinity and NaN: the exponent becomes 255
  // An integer conversion, not a product of float32 subnormals: it stays right when the caller flushes those to zero.
  const uint32_t subnormal = ck_bits_from_f32((float)(int32_t)magnitude * 0x1p-24f);
  uint32_t bits = magnitude < 0x0400u ? subnormal : normal;
  bits = magnitude >= 0x7c00u ? special : bits;
  return ck_f32_from_bits(sign | bits);
}

/// Rounds to nearest, ties to even. Beyond 65,520 becomes infinity; NaN stays NaN and is made quiet.
static inline uint16_t ck_f16_from_f32(float value) {
  const uint32_t bits = ck_bits_from_f32(value);
  const uint32_t sign = (bits >> 16) & 0x8000u;
  const uint32_t magnitude = bits & 0x7fffffffu;
  // 0.5 has an ulp of 2^-24, a half's smallest step: the addition itself rounds to nearest even.
  const uint32_t subnormal = ck_bits_from_f32(ck_f32_from_bits(magnitude) + 0.5f) - 0x3f000000u;
  const uint32_t normal = (magnitude + 0xfffu + ((magnitude >> 13) & 1u) - (112u << 23)) >> 13;
  uint32_t half = magnitude < 0x38800000u ? subnormal : normal;
  half = magnitude >= 0x477ff000u ? 0x7c00u : half;
  half = magnitude > 0x7f800000u ? 0x7e00u | ((magnitude >> 13) & 0x1ffu) : half;
  return (uint16_t)(sign | half);
}

static inline float ck_f32_from_bf16(uint16_t value) { return ck_f32_from_bits((uint32_t)value << 16); }

/// Rounds to nearest, ties to even; overflow becomes infinity; NaN stays NaN and is made quiet.
static inline uint16_t ck_bf16_from_f32(float value) {
  const uint32_t bits = ck_bits_from_f32(value);
  const uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
  const uint32_t quiet = (bits >> 16) | 0x40u;
  return (uint16_t)((bits & 0x7fffffffu) > 0x7f800000u ? quiet : rounded);
}

/// Half of the OCP E8M0 scale 2^(exponent - 127): MXFP4's values are stored doubled, so that they are integers.
/// 255 is read as the power of two that it would be, as GGUF readers do, not as OCP's NaN.
static inline float ck_half_f32_from_e8m0(uint8_t exponent) {
  const uint32_t subnormal = 0x00200000u << (exponent & 1u);  // 2^-128 and 2^-127
  const uint32_t normal = ((uint32_t)exponent - 1u) << 23;
  return ck_f32_from_bits(exponent < 2 ? subnormal : normal);
}

/// The fifth bits of 32 codes, as Q5_0 and Q5_1 keep them: that of code i at bit i.
static inline uint32_t ck_pack_fifth_bits(const uint8_t codes[32]) {
  uint32_t bits = 0;
  for (int i = 0; i < 32; ++i) bits |= (uint32_t)(codes[i] >> 4) << i;
  return bits;
}

#endif
