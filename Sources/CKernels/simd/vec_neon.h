// The vector vocabulary over NEON: 4 floats. Included inside the target region; arm_neon.h comes before it.
// The words are explained in vec_avx512.h.
typedef float32x4_t vf;
typedef uint32x4_t vm;
#define VW 4

CK_INLINE vf vf_zero(void) { return vdupq_n_f32(0); }
CK_INLINE vf vf_set(float x) { return vdupq_n_f32(x); }
CK_INLINE vf vf_load(const float *p) { return vld1q_f32(p); }
CK_INLINE void vf_store(float *p, vf x) { vst1q_f32(p, x); }
CK_INLINE vf vf_load_part(const float *p, size_t count) {
  float values[VW] = {0};
  for (size_t i = 0; i < count; i++) values[i] = p[i];
  return vld1q_f32(values);
}
CK_INLINE void vf_store_part(float *p, size_t count, vf x) {
  float values[VW];
  vst1q_f32(values, x);
  for (size_t i = 0; i < count; i++) p[i] = values[i];
}
CK_INLINE vf vf_load_f16(const uint16_t *p) { return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p))); }
CK_INLINE void vf_store_f16(uint16_t *p, vf x) { vst1_u16(p, vreinterpret_u16_f16(vcvt_f16_f32(x))); }
CK_INLINE vf vf_load_bf16_of_2(const uint16_t *p, size_t of) {
  uint32x4_t pair = vreinterpretq_u32_u16(vld1q_u16(p));
  return vreinterpretq_f32_u32(of == 0 ? vshlq_n_u32(pair, 16) : vandq_u32(pair, vdupq_n_u32(0xFFFF0000u)));
}
CK_INLINE vf vf_load_i8(const int8_t *p) {
  int32_t four;
  memcpy(&four, p, sizeof four);
  int16x8_t wide = vmovl_s8(vreinterpret_s8_s32(vdup_n_s32(four)));
  return vcvtq_f32_s32(vmovl_s16(vget_low_s16(wide)));
}
CK_INLINE vf vf_load_i8_of_4(const int8_t *p, size_t of) {
  int32x4_t four = vshlq_s32(vreinterpretq_s32_s8(vld1q_s8(p)), vdupq_n_s32((int32_t)(24 - 8 * of)));
  return vcvtq_f32_s32(vshrq_n_s32(four, 24));
}
CK_INLINE void vf_store_i8(int8_t *p, vf x) {
  int16x4_t words = vqmovn_s32(vcvtnq_s32_f32(x));
  int8x8_t bytes = vqmovn_s16(vcombine_s16(words, words));
  memcpy(p, &bytes, VW);
}
CK_INLINE vf vf_add(vf a, vf b) { return vaddq_f32(a, b); }
CK_INLINE vf vf_sub(vf a, vf b) { return vsubq_f32(a, b); }
CK_INLINE vf vf_mul(vf a, vf b) { return vmulq_f32(a, b); }
CK_INLINE vf vf_div(vf a, vf b) { return vdivq_f32(a, b); }
CK_INLINE vf vf_fma(vf a, vf b, vf c) { return vfmaq_f32(c, a, b); }
CK_INLINE vf vf_fnma(vf a, vf b, vf c) { return vfmsq_f32(c, a, b); }
CK_INLINE vf vf_min(vf a, vf b) { return vminq_f32(a, b); }
CK_INLINE vf vf_max(vf a, vf b) { return vmaxq_f32(a, b); }
CK_INLINE vf vf_abs(vf x) { return vabsq_f32(x); }
CK_INLINE vf vf_copysign(vf magnitude, vf sign) { return vbslq_f32(vdupq_n_u32(0x80000000u), sign, magnitude); }
CK_INLINE vf vf_round(vf x) { return vrndnq_f32(x); }
// Two factors, since one exponent field does not reach the subnormals.
CK_INLINE vf vf_scale2(vf x, vf n) {
  int32x4_t whole = vcvtnq_s32_f32(n), half = vshrq_n_s32(whole, 1), rest = vsubq_s32(whole, half);
  int32x4_t bias = vdupq_n_s32(127);
  vf first = vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(half, bias), 23));
  return vmulq_f32(vmulq_f32(x, first), vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(rest, bias), 23)));
}
CK_INLINE vm vf_lt(vf a, vf b) { return vcltq_f32(a, b); }
CK_INLINE vm vf_eq(vf a, vf b) { return vceqq_f32(a, b); }
CK_INLINE vf vf_select(vm mask, vf yes, vf no) { return vbslq_f32(mask, yes, no); }
CK_INLINE uint32_t vm_bits(vm mask) {
  const uint32_t lane_bits[VW] = {1, 2, 4, 8};
  return vaddvq_u32(vandq_u32(mask, vld1q_u32(lane_bits)));
}
CK_INLINE vf vf_iota(void) {
  const float lanes[VW] = {0, 1, 2, 3};
  return vld1q_f32(lanes);
}
CK_INLINE float vf_sum(vf x) { return vaddvq_f32(x); }
CK_INLINE float vf_first(vf x) { return vgetq_lane_f32(x, 0); }
CK_INLINE float vf_largest(vf x) { return vmaxvq_f32(x); }

#include "simd/math.h"
