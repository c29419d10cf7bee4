// Products of bfloat16 pairs over AVX-512 BF16, which flushes subnormals and rounds to nearest even.
CK_INLINE vf vi_dot_bf16(vf acc, vi pairs, vi x) {
  return _mm512_dpbf16_ps(acc, (__m512bh)pairs, (__m512bh)x);
}
