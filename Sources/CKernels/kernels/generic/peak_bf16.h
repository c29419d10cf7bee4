// The peak loop of bf16 products summed in float, over simd/peak_<isa>.h's PEAK_BF16: one step of one chain, of
// PEAK_BYTES / 2 multiply-adds. Included once an ISA that has such an instruction, inside its target region.
static void CK_NAME(peak_bf16)(ck_peak_call *call) {
  typedef float vector __attribute__((vector_size(PEAK_BYTES)));
  typedef uint16_t halves __attribute__((vector_size(PEAK_BYTES)));
  enum { LANES = PEAK_BYTES / 2 };
  halves left, right;
  for (unsigned i = 0; i < LANES; i++) {
    const float values[2] = {(float)ck_peak_left(i), (float)ck_peak_right(i)};
    uint32_t bits[2];  // small integers lose nothing when the lower half of a float is cut off
    __builtin_memcpy(bits, values, sizeof bits);
    left[i] = (uint16_t)(bits[0] >> 16);
    right[i] = (uint16_t)(bits[1] >> 16);
  }
  int64_t sum = 0;
  for (uint64_t block = 0; block < call->blocks; block++) {
    vector acc[PEAK_CHAINS] = {0}, all = {0};
    for (int step = 0; step < CK_PEAK_BLOCK; step++) {
      PEAK_OPAQUE(left);
#pragma clang loop unroll(full)
      for (int j = 0; j < PEAK_CHAINS; j++) PEAK_BF16(acc[j], left, right);
    }
    for (int j = 0; j < PEAK_CHAINS; j++) all += acc[j];
    for (int i = 0; i < PEAK_BYTES / 4; i++) sum += (int64_t)all[i];
  }
  call->lanes = LANES;
  call->chains = PEAK_CHAINS;
  call->sum = sum;
}
