// The arithmetic roofs: runs the table's peak kernels on all threads at once, times them and checks every result against
// its exact value; and the clock. Chooses no sizes and keeps no statistics: callers do.
#include "ops/roof.h"

#include <stdlib.h>
#include <string.h>

static void merge(const roof_share *shares, uint32_t count, ck_roof_result *result) {
  ck_roof_result sum = {0};
  double start = 0, end = 0;
  for (uint32_t i = 0; i < count; i++) {
    if (!shares[i].took_part) continue;
    if (sum.threads == 0 || shares[i].start < start) start = shares[i].start;
    if (sum.threads == 0 || shares[i].end > end) end = shares[i].end;
    sum.threads++;
    sum.operations += shares[i].operations;
    sum.bytes += shares[i].bytes;
    if (shares[i].wrong) sum.wrong++;
  }
  sum.seconds = end - start;
  *result = sum;
}

roof_share *ck_roof_shares(uint32_t count) {
  roof_share *shares = NULL;
  if (posix_memalign((void **)&shares, CK_CACHE_LINE, count * sizeof *shares) != 0) return NULL;
  memset(shares, 0, count * sizeof *shares);
  return shares;
}

ck_status ck_roof_sample(ck_runtime *runtime, ck_task task, void *context, roof_share *shares, ck_roof_result *result) {
  ck_status status = ck_run(runtime, task, context);
  if (status == CK_OK) merge(shares, ck_pool_threads(runtime->pool), result);
  free(shares);
  return status;
}

typedef struct compute_task {
  ck_peak_kernel kernel;
  uint32_t threads;
  uint64_t blocks;
  roof_share *shares;
} compute_task;

static void compute(void *context, uint32_t index, uint32_t count) {
  (void)count;
  const compute_task *task = context;
  if (index >= task->threads) return;
  ck_peak_call call = {.blocks = task->blocks};
  roof_share share = {.took_part = true, .start = roof_now()};
  task->kernel(&call);
  share.end = roof_now();
  int64_t product = 0;
  // clang 21 vectorises this loop for aarch64 into one that returns garbage (seen under qemu, right at -O1).
#pragma clang loop vectorize(disable)
  for (unsigned i = 0; i < call.lanes; i++) product += ck_peak_left(i) * ck_peak_right(i);
  const uint64_t steps = call.blocks * CK_PEAK_BLOCK * call.chains;
  share.wrong = (uint64_t)call.sum != steps * (uint64_t)product;
  share.operations = 2 * steps * call.lanes;
  task->shares[index] = share;
}

static ck_peak_kernel peak_kernel(const ck_table *table, ck_precision precision) {
  switch (precision) {
    case CK_PRECISION_F64: return table->peak_f64.run;
    case CK_PRECISION_F32: return table->peak_f32.run;
    case CK_PRECISION_BF16: return table->peak_bf16.run;
    case CK_PRECISION_S8: return table->peak_s8.run;
    default: return NULL;
  }
}

ck_status ck_roof_compute(ck_runtime *runtime, ck_precision precision, uint32_t threads, uint64_t blocks,
                          ck_roof_result *result) {
  // 2^36 blocks would take days; the bound keeps every count within 64 bits.
  if (runtime == NULL || result == NULL || blocks == 0 || blocks > (UINT64_C(1) << 36) ||
      (unsigned)precision >= CK_PRECISION_COUNT || threads > ck_pool_threads(runtime->pool))
    return CK_INVALID_ARGUMENT;
  ck_peak_kernel kernel = peak_kernel(&runtime->table, precision);
  if (kernel == NULL) return CK_UNSUPPORTED;
  const uint32_t count = ck_pool_threads(runtime->pool);
  roof_share *shares = ck_roof_shares(count);
  if (shares == NULL) return CK_OUT_OF_MEMORY;
  compute_task task = {kernel, threads ? threads : count, blocks, shares};
  return ck_roof_sample(runtime, compute, &task, shares, result);
}

ck_status ck_roof_clock(uint64_t additions, ck_roof_result *result) {
  if (additions == 0 || result == NULL || additions > UINT64_MAX / 16) return CK_INVALID_ARGUMENT;
  enum { UNROLL = 16 };
  const uint64_t turns = (additions + UNROLL - 1) / UNROLL;
  uint64_t sum = 0, one = 1;
  const double start = roof_now();
  for (uint64_t i = 0; i < turns; i++) {
#pragma clang loop unroll(full)
    for (int j = 0; j < UNROLL; j++) {
      sum += one;
      __asm__ volatile("" : "+r"(sum), "+r"(one));  // keeps each addition, in order; no instruction
    }
  }
  const double end = roof_now();
  *result = (ck_roof_result){.seconds = end - start, .operations = turns * UNROLL, .threads = 1,
                             .wrong = sum != turns * UNROLL};
  return CK_OK;
}
