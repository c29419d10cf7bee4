// The vector vocabulary over AVX-512: 16 floats. Included inside the target region; immintrin.h comes before it.
typedef __m512 vf;
#define VW 16

CK_INLINE vf vf_zero(void) { return _mm512_setzero_ps(); }
CK_INLINE vf vf_set(float x) { return _mm512_set1_ps(x); }
CK_INLINE vf vf_load(const float *p) { return _mm512_loadu_ps(p); }
CK_INLINE void vf_store(float *p, vf x) { _mm512_storeu_ps(p, x); }
CK_INLINE __mmask16 vf_mask(size_t count) { return (__mmask16)((1u << count) - 1u); }
/// The first `count` <= VW values; the rest are zero.
CK_INLINE vf vf_load_part(const float *p, size_t count) { return _mm512_maskz_loadu_ps(vf_mask(count), p); }
CK_INLINE void vf_store_part(float *p, size_t count, vf x) { _mm512_mask_storeu_ps(p, vf_mask(count), x); }
CK_INLINE vf vf_add(vf a, vf b) { return _mm512_add_ps(a, b); }
CK_INLINE vf vf_mul(vf a, vf b) { return _mm512_mul_ps(a, b); }
CK_INLINE vf vf_fma(vf a, vf b, vf c) { return _mm512_fmadd_ps(a, b, c); }
CK_INLINE float vf_sum(vf x) { return _mm512_reduce_add_ps(x); }
