// The integer vocabulary over NEON: 4 lanes of 32 bits. Included after vec_neon.h, and with dot_neon.h or
// dot_neon_dotprod.h, which multiply. The words are explained in int_avx512.h and dot_avx512*.h.
typedef uint8x16_t vi;

CK_INLINE vi vi_zero(void) { return vdupq_n_u8(0); }
CK_INLINE vi vi_set8(int x) { return vdupq_n_u8((uint8_t)x); }
CK_INLINE vi vi_load(const void *p) { return vld1q_u8(p); }
CK_INLINE void vi_store(void *p, vi x) { vst1q_u8(p, x); }
CK_INLINE vi vi_and(vi a, vi b) { return vandq_u8(a, b); }
CK_INLINE vi vi_or(vi a, vi b) { return vorrq_u8(a, b); }
CK_INLINE vi vi_add8(vi a, vi b) { return vaddq_u8(a, b); }
CK_INLINE vi vi_xor(vi a, vi b) { return veorq_u8(a, b); }
CK_INLINE vi vi_add32(vi a, vi b) {
  return vreinterpretq_u8_s32(vaddq_s32(vreinterpretq_s32_u8(a), vreinterpretq_s32_u8(b)));
}
CK_INLINE vi vi_sub32(vi a, vi b) {
  return vreinterpretq_u8_s32(vsubq_s32(vreinterpretq_s32_u8(a), vreinterpretq_s32_u8(b)));
}
CK_INLINE vi vi_mul32(vi a, vi b) {
  return vreinterpretq_u8_s32(vmulq_s32(vreinterpretq_s32_u8(a), vreinterpretq_s32_u8(b)));
}
CK_INLINE vi vi_set32(int x) { return vreinterpretq_u8_s32(vdupq_n_s32(x)); }
CK_INLINE vi vi_load_i8(const int8_t *p) {
  int32_t four;
  memcpy(&four, p, sizeof four);
  const int16x8_t wide = vmovl_s8(vreinterpret_s8_s32(vdup_n_s32(four)));
  return vreinterpretq_u8_s32(vmovl_s16(vget_low_s16(wide)));
}
CK_INLINE vi vi_load_i8_as_16(const int8_t *p) { return vreinterpretq_u8_s16(vmovl_s8(vld1_s8(p))); }
CK_INLINE vi vi_pack16(vf low, vf high) {
  return vreinterpretq_u8_s16(vcombine_s16(vqmovn_s32(vcvtnq_s32_f32(low)), vqmovn_s32(vcvtnq_s32_f32(high))));
}
CK_INLINE vi vi_move(vi x, int n) { return vshlq_u8(x, vdupq_n_s8((int8_t)-n)); }
CK_INLINE vi vi_table(const int8_t *table) { return vreinterpretq_u8_s8(vld1q_s8(table)); }
CK_INLINE vi vi_lookup(vi table, vi index) { return vqtbl1q_u8(table, index); }
CK_INLINE vi vi_byte(vi x, int t) {
  int32x4_t left = vshlq_s32(vreinterpretq_s32_u8(x), vdupq_n_s32(24 - 8 * t));
  return vreinterpretq_u8_s32(vshrq_n_s32(left, 24));
}
CK_INLINE vf vi_float(vi x) { return vcvtq_f32_s32(vreinterpretq_s32_u8(x)); }
CK_INLINE vi vi_spread(const void *p) {
  int32_t x;
  memcpy(&x, p, sizeof x);
  return vreinterpretq_u8_s32(vdupq_n_s32(x));
}
CK_INLINE vi vi_halve(vi x, int n) {
  return vreinterpretq_u8_s32(vshlq_s32(vreinterpretq_s32_u8(x), vdupq_n_s32(-n)));
}
CK_INLINE vi vi_double(vi x, const int32_t *n) {
  return vreinterpretq_u8_s32(vshlq_s32(vreinterpretq_s32_u8(x), vdupq_n_s32(*n)));
}
CK_INLINE vf vi_bf16_low(vi x) { return vreinterpretq_f32_u32(vshlq_n_u32(vreinterpretq_u32_u8(x), 16)); }
CK_INLINE vf vi_bf16_high(vi x) {
  return vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_u8(x), vdupq_n_u32(0xffff0000u)));
}
CK_INLINE void vi_prefetch(const void *p) { __builtin_prefetch(p); }
CK_INLINE void vi_prefetch_far(const void *p) { __builtin_prefetch(p, 0, 2); }
#define CODE_BIAS 0
CK_INLINE vi vi_dot16(vi acc, vi pairs, vi x) {
  int16x8_t a = vreinterpretq_s16_u8(pairs), b = vreinterpretq_s16_u8(x);
  int32x4_t low = vmull_s16(vget_low_s16(a), vget_low_s16(b)), high = vmull_high_s16(a, b);
  return vreinterpretq_u8_s32(vaddq_s32(vreinterpretq_s32_u8(acc), vpaddq_s32(low, high)));
}

// 32 registers: 8 columns of float and 8 of integer accumulators.
#define Q8_COLUMNS 8
#define Q8_PANELS 1
#define Q8_FEW_COLUMNS 4
#define Q8_FEW_COLUMNS_256 4
// Four quarters of a panel times 6 columns are 24 accumulators; 4 registers of weights and one of x remain.
#define F32_COLUMNS 6
#define F32_PANELS 1
