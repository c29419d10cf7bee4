// The vector vocabulary over AVX-512: 16 floats. Included inside the target region; immintrin.h comes before it.
// vec_avx2.h and vec_neon.h speak the same words. Algorithms are in kernels/generic/.
typedef __m512 vf;
typedef __mmask16 vm;
#define VW 16

CK_INLINE vf vf_zero(void) { return _mm512_setzero_ps(); }
CK_INLINE vf vf_set(float x) { return _mm512_set1_ps(x); }
CK_INLINE vf vf_load(const float *p) { return _mm512_loadu_ps(p); }
CK_INLINE void vf_store(float *p, vf x) { _mm512_storeu_ps(p, x); }
CK_INLINE __mmask16 vf_mask(size_t count) { return (__mmask16)((1u << count) - 1u); }
/// The first `count` <= VW values; the rest are zero.
CK_INLINE vf vf_load_part(const float *p, size_t count) { return _mm512_maskz_loadu_ps(vf_mask(count), p); }
CK_INLINE void vf_store_part(float *p, size_t count, vf x) { _mm512_mask_storeu_ps(p, vf_mask(count), x); }
CK_INLINE vf vf_load_f16(const uint16_t *p) { return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p)); }
/// Rounds to nearest even.
CK_INLINE void vf_store_f16(uint16_t *p, vf x) {
  _mm256_storeu_si256((__m256i *)p, _mm512_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}
/// Lane i is bfloat16 `of` (< 2) of the i-th pair.
CK_INLINE vf vf_load_bf16_of_2(const uint16_t *p, size_t of) {
  __m512i pair = _mm512_loadu_si512(p);
  return _mm512_castsi512_ps(of == 0 ? _mm512_slli_epi32(pair, 16) : _mm512_and_si512(pair, _mm512_set1_epi32(-65536)));
}
CK_INLINE vf vf_load_i8(const int8_t *p) {
  return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)p)));
}
/// Lane i is byte `of` (< 4) of the i-th four bytes.
CK_INLINE vf vf_load_i8_of_4(const int8_t *p, size_t of) {
  __m512i four = _mm512_slli_epi32(_mm512_loadu_si512(p), (unsigned)(24 - 8 * of));
  return _mm512_cvtepi32_ps(_mm512_srai_epi32(four, 24));
}
/// Stores VW bytes; x holds integers, which saturate.
CK_INLINE void vf_store_i8(int8_t *p, vf x) {
  _mm_storeu_si128((__m128i *)p, _mm512_cvtsepi32_epi8(_mm512_cvtps_epi32(x)));
}
CK_INLINE vf vf_add(vf a, vf b) { return _mm512_add_ps(a, b); }
CK_INLINE vf vf_sub(vf a, vf b) { return _mm512_sub_ps(a, b); }
CK_INLINE vf vf_mul(vf a, vf b) { return _mm512_mul_ps(a, b); }
CK_INLINE vf vf_div(vf a, vf b) { return _mm512_div_ps(a, b); }
CK_INLINE vf vf_fma(vf a, vf b, vf c) { return _mm512_fmadd_ps(a, b, c); }
/// c - a * b, rounded once.
CK_INLINE vf vf_fnma(vf a, vf b, vf c) { return _mm512_fnmadd_ps(a, b, c); }
/// Where b is NaN the result is NaN; where only a is NaN it is unspecified which of NaN and b.
CK_INLINE vf vf_min(vf a, vf b) { return _mm512_min_ps(a, b); }
CK_INLINE vf vf_max(vf a, vf b) { return _mm512_max_ps(a, b); }
CK_INLINE vf vf_abs(vf x) { return _mm512_abs_ps(x); }
/// |magnitude| with the sign of `sign`.
CK_INLINE vf vf_copysign(vf magnitude, vf sign) {
  return _mm512_or_ps(_mm512_abs_ps(magnitude), _mm512_and_ps(sign, _mm512_set1_ps(-0.0f)));
}
/// To the nearest integer, ties to even.
CK_INLINE vf vf_round(vf x) { return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
/// x * 2^n for integers n in [-252, 252].
CK_INLINE vf vf_scale2(vf x, vf n) { return _mm512_scalef_ps(x, n); }
CK_INLINE vm vf_lt(vf a, vf b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }
CK_INLINE vm vf_eq(vf a, vf b) { return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ); }
/// yes where the mask holds, no elsewhere.
CK_INLINE vf vf_select(vm mask, vf yes, vf no) { return _mm512_mask_blend_ps(mask, no, yes); }
/// Bit i is lane i.
CK_INLINE uint32_t vm_bits(vm mask) { return mask; }
CK_INLINE vf vf_iota(void) { return _mm512_setr_ps(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15); }
CK_INLINE float vf_sum(vf x) { return _mm512_reduce_add_ps(x); }
CK_INLINE float vf_first(vf x) { return _mm512_cvtss_f32(x); }
CK_INLINE float vf_largest(vf x) { return _mm512_reduce_max_ps(x); }

#include "simd/math.h"
