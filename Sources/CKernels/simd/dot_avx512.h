// Products of codes and int8 x over AVX-512 without VNNI. Codes are signed: the sign moves to x, since vpmaddubsw's
// first factor is unsigned; |code| * |x| * 2 <= 128 * 127 * 2 does not saturate.
#define CODE_BIAS 0
CK_INLINE vi vi_dot_signed(vi acc, vi codes, vi x) {
  vi turned = _mm512_mask_sub_epi8(x, _mm512_movepi8_mask(codes), vi_zero(), x);
  vi sums = _mm512_maddubs_epi16(_mm512_abs_epi8(codes), turned);
  return _mm512_add_epi32(acc, _mm512_madd_epi16(sums, _mm512_set1_epi16(1)));
}
CK_INLINE vi vi_dot_unsigned(vi acc, vi codes, vi x) {
  vi sums = _mm512_maddubs_epi16(codes, x);
  return _mm512_add_epi32(acc, _mm512_madd_epi16(sums, _mm512_set1_epi16(1)));
}
CK_INLINE vi vi_dot16(vi acc, vi pairs, vi x) {
  return _mm512_add_epi32(acc, _mm512_madd_epi16(pairs, x));
}
