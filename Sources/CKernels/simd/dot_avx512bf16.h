// Products of bfloat16 pairs over AVX-512 BF16, which flushes subnormals and rounds to nearest even.
/// acc + the products of each lane's bfloat16 pair and the pair in each lane of x.
CK_INLINE vf vi_dot_bf16(vf acc, vi pairs, vi x) {
  return _mm512_dpbf16_ps(acc, (__m512bh)pairs, (__m512bh)x);
}
/// 2 * VW values as bfloat16, those of `low` first; subnormals become 0.
CK_INLINE vi vi_pack_bf16(vf low, vf high) { return (vi)_mm512_cvtne2ps_pbh(high, low); }
CK_INLINE void vi_store_bf16(uint16_t *p, vf x) { _mm256_storeu_si256((__m256i *)p, (__m256i)_mm512_cvtneps_pbh(x)); }
