// The integer vocabulary over AVX2: 8 lanes of 32 bits. Included after vec_avx2.h. The words are explained in
// int_avx512.h and dot_avx512*.h.
typedef __m256i vi;

CK_INLINE vi vi_zero(void) { return _mm256_setzero_si256(); }
CK_INLINE vi vi_set8(int x) { return _mm256_set1_epi8((char)x); }
CK_INLINE vi vi_load(const void *p) { return _mm256_loadu_si256((const __m256i *)p); }
CK_INLINE void vi_store(void *p, vi x) { _mm256_storeu_si256((__m256i *)p, x); }
CK_INLINE vi vi_and(vi a, vi b) { return _mm256_and_si256(a, b); }
CK_INLINE vi vi_or(vi a, vi b) { return _mm256_or_si256(a, b); }
CK_INLINE vi vi_add8(vi a, vi b) { return _mm256_add_epi8(a, b); }
CK_INLINE vi vi_xor(vi a, vi b) { return _mm256_xor_si256(a, b); }
CK_INLINE vi vi_add32(vi a, vi b) { return _mm256_add_epi32(a, b); }
CK_INLINE vi vi_sub32(vi a, vi b) { return _mm256_sub_epi32(a, b); }
CK_INLINE vi vi_mul32(vi a, vi b) { return _mm256_mullo_epi32(a, b); }
CK_INLINE vi vi_set32(int x) { return _mm256_set1_epi32(x); }
CK_INLINE vi vi_load_i8(const int8_t *p) {
  return _mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)p));
}
CK_INLINE vi vi_load_i8_as_16(const int8_t *p) { return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)p)); }
CK_INLINE vi vi_pack16(vf low, vf high) {
  return _mm256_permute4x64_epi64(_mm256_packs_epi32(_mm256_cvtps_epi32(low), _mm256_cvtps_epi32(high)), 0xD8);
}
CK_INLINE vi vi_move(vi x, int n) { return n >= 0 ? _mm256_srli_epi16(x, n) : _mm256_slli_epi16(x, -n); }
CK_INLINE vi vi_table(const int8_t *table) {
  return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)table));
}
CK_INLINE vi vi_lookup(vi table, vi index) { return _mm256_shuffle_epi8(table, index); }
CK_INLINE vi vi_byte(vi x, int t) { return _mm256_srai_epi32(_mm256_slli_epi32(x, 24 - 8 * t), 24); }
CK_INLINE vf vi_float(vi x) { return _mm256_cvtepi32_ps(x); }
CK_INLINE vi vi_spread(const void *p) {
  int32_t x;
  memcpy(&x, p, sizeof x);
  return _mm256_set1_epi32(x);
}
CK_INLINE vi vi_halve(vi x, int n) { return _mm256_srai_epi32(x, n); }
CK_INLINE vi vi_double(vi x, const int32_t *n) { return _mm256_sllv_epi32(x, vi_spread(n)); }
CK_INLINE vf vi_bf16_low(vi x) { return _mm256_castsi256_ps(_mm256_slli_epi32(x, 16)); }
CK_INLINE vf vi_bf16_high(vi x) { return _mm256_castsi256_ps(_mm256_and_si256(x, _mm256_set1_epi32(-65536))); }
CK_INLINE void vi_prefetch(const void *p) { _mm_prefetch(p, _MM_HINT_T0); }
CK_INLINE void vi_prefetch_far(const void *p) { _mm_prefetch(p, _MM_HINT_T1); }

// Sums of two products in 16 bits, of which a few can be added before they are widened.
#define VI_NARROW 1
#define CODE_BIAS 0
/// Sums of pairs of products, codes below 128.
CK_INLINE vi vi_pairs_unsigned(vi codes, vi x) { return _mm256_maddubs_epi16(codes, x); }
/// The same for signed codes, by the sign trick: |code| * |x| * 2 <= 128 * 127 * 2 does not saturate.
CK_INLINE vi vi_pairs_signed(vi codes, vi x) {
  return _mm256_maddubs_epi16(_mm256_abs_epi8(codes), _mm256_sign_epi8(x, codes));
}
CK_INLINE vi vi_add16(vi a, vi b) { return _mm256_add_epi16(a, b); }
/// acc + the two 16-bit sums of each lane.
CK_INLINE vi vi_widen(vi acc, vi pairs) {
  return _mm256_add_epi32(acc, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}
CK_INLINE vi vi_dot16(vi acc, vi pairs, vi x) {
  return _mm256_add_epi32(acc, _mm256_madd_epi16(pairs, x));
}

// 16 registers: 4 columns of float and 4 of integer accumulators leave 8 for codes, |codes|, ones and products.
#define Q8_COLUMNS 4
#define Q8_PANELS 1
#define Q8_FEW_COLUMNS 2
#define Q8_FEW_COLUMNS_256 2
// Two halves of a panel times 6 columns are 12 accumulators; 2 registers of weights and one of x remain.
#define F32_COLUMNS 6
#define F32_PANELS 1
