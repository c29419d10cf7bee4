// Products of two rows and two columns by smmla, 8 values of k at once: twice what sdot multiplies. Included after
// int_neon.h and dot_neon_dotprod.h, which serves single columns.
#define VI_MATRIX 1
/// Of two steps, 8 values of rows 0 and 1, and of rows 2 and 3.
CK_INLINE vi vi_rows_low(vi first, vi second) {
  return vreinterpretq_u8_u32(vzip1q_u32(vreinterpretq_u32_u8(first), vreinterpretq_u32_u8(second)));
}
CK_INLINE vi vi_rows_high(vi first, vi second) {
  return vreinterpretq_u8_u32(vzip2q_u32(vreinterpretq_u32_u8(first), vreinterpretq_u32_u8(second)));
}
/// 8 values of two columns.
CK_INLINE vi vi_columns(const int8_t *first, const int8_t *second) {
  return vreinterpretq_u8_s8(vcombine_s8(vld1_s8(first), vld1_s8(second)));
}
/// acc (2 rows, 2 columns) + rows · columns.
CK_INLINE vi vi_matrix(vi acc, vi rows, vi columns) {
  return vreinterpretq_u8_s32(
      vmmlaq_s32(vreinterpretq_s32_u8(acc), vreinterpretq_s8_u8(rows), vreinterpretq_s8_u8(columns)));
}
/// Column 0 or 1 of rows 0 to 3 from the sums of rows 0 and 1 and of rows 2 and 3.
CK_INLINE vi vi_matrix_column(vi low, vi high, int column) {
  const uint32x4_t a = vreinterpretq_u32_u8(low), b = vreinterpretq_u32_u8(high);
  return vreinterpretq_u8_u32(column == 0 ? vuzp1q_u32(a, b) : vuzp2q_u32(a, b));
}
