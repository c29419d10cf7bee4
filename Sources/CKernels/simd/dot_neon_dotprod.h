// Products of codes and int8 x by sdot. Unsigned codes are below 128, so that they are signed as well.
CK_INLINE vi vi_dot_signed(vi acc, vi codes, vi x) {
  int32x4_t sum = vdotq_s32(vreinterpretq_s32_u8(acc), vreinterpretq_s8_u8(codes), vreinterpretq_s8_u8(x));
  return vreinterpretq_u8_s32(sum);
}
CK_INLINE vi vi_dot_unsigned(vi acc, vi codes, vi x) { return vi_dot_signed(acc, codes, x); }
/// The same with the four values of one lane of x for all: x is loaded once for four steps.
#define VI_DOT_LANES 1
CK_INLINE vi vi_dot_lane(vi acc, vi codes, vi x, int lane) {
  const int32x4_t a = vreinterpretq_s32_u8(acc);
  const int8x16_t w = vreinterpretq_s8_u8(codes), four = vreinterpretq_s8_u8(x);
  switch (lane) {
    case 0: return vreinterpretq_u8_s32(vdotq_laneq_s32(a, w, four, 0));
    case 1: return vreinterpretq_u8_s32(vdotq_laneq_s32(a, w, four, 1));
    case 2: return vreinterpretq_u8_s32(vdotq_laneq_s32(a, w, four, 2));
    default: return vreinterpretq_u8_s32(vdotq_laneq_s32(a, w, four, 3));
  }
}
