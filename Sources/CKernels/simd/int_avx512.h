// The integer vocabulary over AVX-512: VW lanes of 32 bits, or 4 * VW bytes. Included after vec_avx512.h, and with
// dot_avx512.h or dot_avx512vnni.h, which multiply. int_avx2.h and int_neon.h speak the same words.
typedef __m512i vi;

CK_INLINE vi vi_zero(void) { return _mm512_setzero_si512(); }
CK_INLINE vi vi_set8(int x) { return _mm512_set1_epi8((char)x); }
CK_INLINE vi vi_load(const void *p) { return _mm512_loadu_si512(p); }
CK_INLINE void vi_store(void *p, vi x) { _mm512_storeu_si512(p, x); }
CK_INLINE vi vi_and(vi a, vi b) { return _mm512_and_si512(a, b); }
CK_INLINE vi vi_or(vi a, vi b) { return _mm512_or_si512(a, b); }
CK_INLINE vi vi_add8(vi a, vi b) { return _mm512_add_epi8(a, b); }
CK_INLINE vi vi_xor(vi a, vi b) { return _mm512_xor_si512(a, b); }
CK_INLINE vi vi_add32(vi a, vi b) { return _mm512_add_epi32(a, b); }
CK_INLINE vi vi_sub32(vi a, vi b) { return _mm512_sub_epi32(a, b); }
/// The low 32 bits of each lane's product. Bytes of a lane are multiplied together as long as none overflows.
CK_INLINE vi vi_mul32(vi a, vi b) { return _mm512_mullo_epi32(a, b); }
CK_INLINE vi vi_set32(int x) { return _mm512_set1_epi32(x); }
/// VW int8 as 32-bit lanes.
CK_INLINE vi vi_load_i8(const int8_t *p) {
  return _mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)p));
}
/// 2 * VW int8 as int16.
CK_INLINE vi vi_load_i8_as_16(const int8_t *p) {
  return _mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i *)p));
}
/// 2 * VW values rounded to int16, which saturate; those of `low` first.
CK_INLINE vi vi_pack16(vf low, vf high) {
  __m512i words = _mm512_packs_epi32(_mm512_cvtps_epi32(low), _mm512_cvtps_epi32(high));
  return _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7), words);
}
/// Bytes moved by n bits to the right, or by -n to the left; bits of a neighbour byte come in: mask them.
CK_INLINE vi vi_move(vi x, int n) {
  return n >= 0 ? _mm512_srli_epi16(x, (unsigned)n) : _mm512_slli_epi16(x, (unsigned)-n);
}
/// The 16 bytes at `table`, for vi_lookup.
CK_INLINE vi vi_table(const int8_t *table) {
  return _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)table));
}
/// table[index] of each byte of index, all below 16.
CK_INLINE vi vi_lookup(vi table, vi index) { return _mm512_shuffle_epi8(table, index); }
/// Byte t of each lane, sign-extended.
CK_INLINE vi vi_byte(vi x, int t) { return _mm512_srai_epi32(_mm512_slli_epi32(x, (unsigned)(24 - 8 * t)), 24); }
CK_INLINE vf vi_float(vi x) { return _mm512_cvtepi32_ps(x); }
/// Every lane is *p.
CK_INLINE vi vi_spread(const void *p) {
  int32_t x;
  memcpy(&x, p, sizeof x);
  return _mm512_set1_epi32(x);
}
/// Each lane divided by 2^n, rounded down.
CK_INLINE vi vi_halve(vi x, int n) { return _mm512_srai_epi32(x, (unsigned)n); }
/// Each lane times 2^*n.
CK_INLINE vi vi_double(vi x, const int32_t *n) { return _mm512_sllv_epi32(x, vi_spread(n)); }
/// The low and the high bfloat16 of each lane.
CK_INLINE vf vi_bf16_low(vi x) { return _mm512_castsi512_ps(_mm512_slli_epi32(x, 16)); }
CK_INLINE vf vi_bf16_high(vi x) { return _mm512_castsi512_ps(_mm512_and_si512(x, _mm512_set1_epi32(-65536))); }
/// Into L1, and into L2.
CK_INLINE void vi_prefetch(const void *p) { _mm_prefetch(p, _MM_HINT_T0); }
CK_INLINE void vi_prefetch_far(const void *p) { _mm_prefetch(p, _MM_HINT_T1); }

#define Q8_FEW_COLUMNS 4
// Zen 4, two threads: with 5 columns of Q2_K to Q6_K and IQ4_XS 1.06 to 1.39 times as fast as from plain panels, with 6
// 0.98 to 1.28, with 7 0.84 to 1.03. Formats of 32 values lose: 0.72 to 0.96 with 5.
#define Q8_FEW_COLUMNS_256 6
#define F32_COLUMNS 12
#define F32_PANELS 2
