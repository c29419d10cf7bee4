// Products of codes and int8 x over AVX-512 VNNI. Weights are the unsigned factor: signed codes carry a bias of 128.
#define CODE_BIAS 128
/// acc + the 4 products of each lane's codes (signed, biased) and the 4 int8 in each lane of x.
CK_INLINE vi vi_dot_signed(vi acc, vi codes, vi x) { return _mm512_dpbusd_epi32(acc, codes, x); }
/// The same for unsigned codes below 128.
CK_INLINE vi vi_dot_unsigned(vi acc, vi codes, vi x) {
  return _mm512_dpbusd_epi32(acc, codes, x);
}
/// acc + the 2 products of each lane's int16 and the 2 int16 in each lane of x.
CK_INLINE vi vi_dot16(vi acc, vi pairs, vi x) { return _mm512_dpwssd_epi32(acc, pairs, x); }

// 32 registers hold 24 accumulators, 12 of floats and 12 of integers, with codes, scales and x beside them. On Zen 4 a
// block of 32 is 8 vpdpbusd, 1 vpmulld and 1 vfmadd an accumulator on two shared pipes, 80 % of the roof; shifts,
// conversions and loads cost nothing beside them (measured instruction by instruction). 32 rows by 6 columns are ahead
// of 16 by 12 by 1 to 4 % in whole products, since they read x half as often.
#define Q8_COLUMNS 12
#define Q8_PANELS 2
