// Products of codes and int8 x over plain NEON: widening multiplies and pairwise sums.
CK_INLINE vi vi_dot_signed(vi acc, vi codes, vi x) {
  int8x16_t a = vreinterpretq_s8_u8(codes), b = vreinterpretq_s8_u8(x);
  int32x4_t low = vpaddlq_s16(vmull_s8(vget_low_s8(a), vget_low_s8(b))), high = vpaddlq_s16(vmull_high_s8(a, b));
  return vreinterpretq_u8_s32(vaddq_s32(vreinterpretq_s32_u8(acc), vpaddq_s32(low, high)));
}
CK_INLINE vi vi_dot_unsigned(vi acc, vi codes, vi x) { return vi_dot_signed(acc, codes, x); }
