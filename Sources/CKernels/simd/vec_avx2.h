// The vector vocabulary over AVX2, FMA and F16C: 8 floats. Included inside the target region; immintrin.h comes
// before it. The words are explained in vec_avx512.h.
typedef __m256 vf;
typedef __m256 vm;
#define VW 8

CK_INLINE vf vf_zero(void) { return _mm256_setzero_ps(); }
CK_INLINE vf vf_set(float x) { return _mm256_set1_ps(x); }
CK_INLINE vf vf_load(const float *p) { return _mm256_loadu_ps(p); }
CK_INLINE void vf_store(float *p, vf x) { _mm256_storeu_ps(p, x); }
CK_INLINE __m256i vf_mask(size_t count) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
CK_INLINE vf vf_load_part(const float *p, size_t count) { return _mm256_maskload_ps(p, vf_mask(count)); }
CK_INLINE void vf_store_part(float *p, size_t count, vf x) { _mm256_maskstore_ps(p, vf_mask(count), x); }
CK_INLINE vf vf_load_f16(const uint16_t *p) { return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p)); }
CK_INLINE void vf_store_f16(uint16_t *p, vf x) {
  _mm_storeu_si128((__m128i *)p, _mm256_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}
CK_INLINE vf vf_load_bf16_of_2(const uint16_t *p, size_t of) {
  __m256i pair = _mm256_loadu_si256((const __m256i *)p);
  return _mm256_castsi256_ps(of == 0 ? _mm256_slli_epi32(pair, 16) : _mm256_and_si256(pair, _mm256_set1_epi32(-65536)));
}
CK_INLINE vf vf_load_i8(const int8_t *p) {
  return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)p)));
}
CK_INLINE vf vf_load_i8_of_4(const int8_t *p, size_t of) {
  __m256i four = _mm256_slli_epi32(_mm256_loadu_si256((const __m256i *)p), (int)(24 - 8 * of));
  return _mm256_cvtepi32_ps(_mm256_srai_epi32(four, 24));
}
CK_INLINE void vf_store_i8(int8_t *p, vf x) {
  __m256i whole = _mm256_cvtps_epi32(x);
  __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(whole), _mm256_extracti128_si256(whole, 1));
  _mm_storel_epi64((__m128i *)p, _mm_packs_epi16(words, words));
}
CK_INLINE vf vf_add(vf a, vf b) { return _mm256_add_ps(a, b); }
CK_INLINE vf vf_sub(vf a, vf b) { return _mm256_sub_ps(a, b); }
CK_INLINE vf vf_mul(vf a, vf b) { return _mm256_mul_ps(a, b); }
CK_INLINE vf vf_div(vf a, vf b) { return _mm256_div_ps(a, b); }
CK_INLINE vf vf_fma(vf a, vf b, vf c) { return _mm256_fmadd_ps(a, b, c); }
CK_INLINE vf vf_fnma(vf a, vf b, vf c) { return _mm256_fnmadd_ps(a, b, c); }
CK_INLINE vf vf_min(vf a, vf b) { return _mm256_min_ps(a, b); }
CK_INLINE vf vf_max(vf a, vf b) { return _mm256_max_ps(a, b); }
CK_INLINE vf vf_abs(vf x) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), x); }
CK_INLINE vf vf_copysign(vf magnitude, vf sign) {
  return _mm256_or_ps(vf_abs(magnitude), _mm256_and_ps(sign, _mm256_set1_ps(-0.0f)));
}
CK_INLINE vf vf_round(vf x) { return _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
// Two factors, since one exponent field does not reach the subnormals.
CK_INLINE vf vf_scale2(vf x, vf n) {
  __m256i whole = _mm256_cvtps_epi32(n), half = _mm256_srai_epi32(whole, 1);
  __m256i rest = _mm256_sub_epi32(whole, half), bias = _mm256_set1_epi32(127);
  __m256 first = _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(half, bias), 23));
  __m256 second = _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(rest, bias), 23));
  return _mm256_mul_ps(_mm256_mul_ps(x, first), second);
}
CK_INLINE vm vf_lt(vf a, vf b) { return _mm256_cmp_ps(a, b, _CMP_LT_OQ); }
CK_INLINE vm vf_eq(vf a, vf b) { return _mm256_cmp_ps(a, b, _CMP_EQ_OQ); }
CK_INLINE vf vf_select(vm mask, vf yes, vf no) { return _mm256_blendv_ps(no, yes, mask); }
CK_INLINE uint32_t vm_bits(vm mask) { return (uint32_t)_mm256_movemask_ps(mask); }
CK_INLINE vf vf_iota(void) { return _mm256_setr_ps(0, 1, 2, 3, 4, 5, 6, 7); }
CK_INLINE float vf_first(vf x) { return _mm256_cvtss_f32(x); }
CK_INLINE float vf_sum(vf x) {
  __m128 four = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
  __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}
CK_INLINE float vf_largest(vf x) {
  __m128 four = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
  __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}

#include "simd/math.h"
