// Products of codes and int8 x by sdot. Unsigned codes are below 128, so that they are signed as well.
CK_INLINE vi vi_dot_signed(vi acc, vi codes, vi x) {
  int32x4_t sum = vdotq_s32(vreinterpretq_s32_u8(acc), vreinterpretq_s8_u8(codes), vreinterpretq_s8_u8(x));
  return vreinterpretq_u8_s32(sum);
}
CK_INLINE vi vi_dot_unsigned(vi acc, vi codes, vi x) { return vi_dot_signed(acc, codes, x); }
