// The peak loop of 8-bit products summed in 32 bits, over simd/peak_<isa>.h's PEAK_S8: one step of one chain, of
// PEAK_S8_LANES multiply-adds. Included once an ISA that has such a step, inside its target region.
static void CK_NAME(peak_s8)(ck_peak_call *call) {
  typedef int32_t vector __attribute__((vector_size(PEAK_BYTES)));
  typedef int8_t bytes __attribute__((vector_size(PEAK_BYTES)));
  bytes left, right;
  for (unsigned i = 0; i < PEAK_BYTES; i++) {
    left[i] = (int8_t)ck_peak_left(i);
    right[i] = (int8_t)ck_peak_right(i);
  }
  int64_t sum = 0;
  for (uint64_t block = 0; block < call->blocks; block++) {
    vector acc[PEAK_S8_CHAINS] = {0}, all = {0};
    for (int step = 0; step < CK_PEAK_BLOCK; step++) {
      PEAK_OPAQUE(left);
#pragma clang loop unroll(full)
      for (int j = 0; j < PEAK_S8_CHAINS; j++) PEAK_S8(acc[j], left, right);
    }
    for (int j = 0; j < PEAK_S8_CHAINS; j++) all += acc[j];
    for (int i = 0; i < PEAK_BYTES / 4; i++) sum += all[i];
  }
  call->lanes = PEAK_S8_LANES;
  call->chains = PEAK_S8_CHAINS;
  call->sum = sum;
}
