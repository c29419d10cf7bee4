// Products of codes and int8 x over AVX-512 without VNNI. int_avx2.h explains the words.
#define VI_NARROW 1
#define CODE_BIAS 0
CK_INLINE vi vi_pairs_unsigned(vi codes, vi x) { return _mm512_maddubs_epi16(codes, x); }
CK_INLINE vi vi_pairs_signed(vi codes, vi x) {
  const vi turned = _mm512_mask_sub_epi8(x, _mm512_movepi8_mask(codes), vi_zero(), x);
  return _mm512_maddubs_epi16(_mm512_abs_epi8(codes), turned);
}
CK_INLINE vi vi_add16(vi a, vi b) { return _mm512_add_epi16(a, b); }
CK_INLINE vi vi_widen(vi acc, vi pairs) {
  return _mm512_add_epi32(acc, _mm512_madd_epi16(pairs, _mm512_set1_epi16(1)));
}
CK_INLINE vi vi_dot16(vi acc, vi pairs, vi x) {
  return _mm512_add_epi32(acc, _mm512_madd_epi16(pairs, x));
}

// 8 columns of floats, of sums and of 16-bit sums in 32 registers. Each format has tiles of its own here, so that two
// panels at once would double a compilation that is long already.
#define Q8_COLUMNS 8
#define Q8_PANELS 1
