// Products of codes and int8 x over AVX-512 VNNI. Weights are the unsigned factor: signed codes carry a bias of 128.
#define CODE_BIAS 128
/// acc + the 4 products of each lane's codes (signed, biased) and the 4 int8 at x.
CK_INLINE vi vi_dot_signed(vi acc, vi codes, const int8_t *x) { return _mm512_dpbusd_epi32(acc, codes, vi_spread(x)); }
/// The same for unsigned codes below 128.
CK_INLINE vi vi_dot_unsigned(vi acc, vi codes, const int8_t *x) {
  return _mm512_dpbusd_epi32(acc, codes, vi_spread(x));
}
/// acc + the 2 products of each lane's int16 and the 2 int16 at x.
CK_INLINE vi vi_dot16(vi acc, vi pairs, const int16_t *x) { return _mm512_dpwssd_epi32(acc, pairs, vi_spread(x)); }
