// Peak loops in float and double: as many independent chains as hide the latency of a fused multiply-add. Included
// once an ISA, inside its target region, after simd/peak_<isa>.h. 8-bit and bf16 loops are in their own files.
static void CK_NAME(peak_f32)(ck_peak_call *call) {
  typedef float vector __attribute__((vector_size(PEAK_BYTES)));
  enum { LANES = PEAK_BYTES / 4 };
  vector left, right;
  for (unsigned i = 0; i < LANES; i++) {
    left[i] = (float)ck_peak_left(i);
    right[i] = (float)ck_peak_right(i);
  }
  int64_t sum = 0;
  for (uint64_t block = 0; block < call->blocks; block++) {
    vector acc[PEAK_CHAINS] = {0}, all = {0};
    for (int step = 0; step < CK_PEAK_BLOCK; step++) {
      PEAK_OPAQUE(left);
#pragma clang loop unroll(full)
      for (int j = 0; j < PEAK_CHAINS; j++) acc[j] = __builtin_elementwise_fma(left, right, acc[j]);
    }
    for (int j = 0; j < PEAK_CHAINS; j++) all += acc[j];
    for (int i = 0; i < LANES; i++) sum += (int64_t)all[i];
  }
  call->lanes = LANES;
  call->chains = PEAK_CHAINS;
  call->sum = sum;
}

static void CK_NAME(peak_f64)(ck_peak_call *call) {
  typedef double vector __attribute__((vector_size(PEAK_BYTES)));
  enum { LANES = PEAK_BYTES / 8 };
  vector left, right;
  for (unsigned i = 0; i < LANES; i++) {
    left[i] = ck_peak_left(i);
    right[i] = ck_peak_right(i);
  }
  int64_t sum = 0;
  for (uint64_t block = 0; block < call->blocks; block++) {
    vector acc[PEAK_CHAINS] = {0}, all = {0};
    for (int step = 0; step < CK_PEAK_BLOCK; step++) {
      PEAK_OPAQUE(left);
#pragma clang loop unroll(full)
      for (int j = 0; j < PEAK_CHAINS; j++) acc[j] = __builtin_elementwise_fma(left, right, acc[j]);
    }
    for (int j = 0; j < PEAK_CHAINS; j++) all += acc[j];
    for (int i = 0; i < LANES; i++) sum += (int64_t)all[i];
  }
  call->lanes = LANES;
  call->chains = PEAK_CHAINS;
  call->sum = sum;
}
