// The roofs: runs the table's peak and memory kernels on all threads at once, times them and checks every result
// against its exact value. Chooses no sizes and keeps no statistics: callers do.
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "runtime/runtime.h"

enum { SLICE = 4096, LINE_WORDS = CK_CACHE_LINE / 8 };

// One thread's part of a sample, on a line of its own.
typedef struct roof_share {
  _Alignas(CK_CACHE_LINE) double start;
  double end;
  uint64_t operations, bytes;
  bool took_part, wrong;
} roof_share;

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

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

static roof_share *new_shares(uint32_t count) {
  roof_share *shares = NULL;
  if (posix_memalign((void **)&shares, CK_CACHE_LINE, count * sizeof *shares) != 0) return NULL;
  memset(shares, 0, count * sizeof *shares);
  return shares;
}

// Runs `task` and merges what its threads report; `shares` is freed.
static ck_status sample(ck_runtime *runtime, ck_task task, void *context, roof_share *shares, ck_roof_result *result) {
  ck_status status = ck_run(runtime, task, context);
  if (status == CK_OK) merge(shares, ck_pool_threads(runtime->pool), result);
  free(shares);
  return status;
}

// ------------------------------------------------------------------------------------------------------- compute

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
  roof_share share = {.took_part = true, .start = now()};
  task->kernel(&call);
  share.end = now();
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
  roof_share *shares = new_shares(count);
  if (shares == NULL) return CK_OUT_OF_MEMORY;
  compute_task task = {kernel, threads ? threads : count, blocks, shares};
  return sample(runtime, compute, &task, shares, result);
}

// -------------------------------------------------------------------------------------------------------- memory

struct ck_roof_arrays {
  uint32_t threads;
  size_t bytes, words;  // of one array; words of one slice
  bool stream;
  bool filled[3];
  bool linked;         // c holds the lines' cycle of the latency roof
  uint64_t *array[3];  // a, b, c
  uint64_t sums[];     // of each thread's slice of a
};

// Small integers as doubles: any sum of them in the triad is exact, and any word that was not copied shows.
static double word_value(size_t array, size_t index) { return (double)((index * 7 + array * 3) % 1021 + 1); }

static ck_status take_array(ck_roof_arrays *arrays, int which, bool huge_pages) {
  void *memory = NULL;
  ck_status status = ck_memory_allocate(arrays->bytes, &memory);
  if (status != CK_OK) return status;
  // Failure to change the advice leaves huge pages on, which is what the node gives everybody else.
  if (!huge_pages) madvise(memory, arrays->bytes, MADV_NOHUGEPAGE);
  arrays->array[which] = memory;
  return CK_OK;
}

ck_status ck_roof_arrays_create(ck_runtime *runtime, uint32_t threads, size_t bytes, size_t stream_from,
                                bool huge_pages, ck_roof_arrays **out) {
  if (runtime == NULL || out == NULL || threads > ck_pool_threads(runtime->pool)) return CK_INVALID_ARGUMENT;
  if (threads == 0) threads = ck_pool_threads(runtime->pool);
  const size_t slice = bytes / threads / SLICE * SLICE;
  if (slice == 0 || bytes > SIZE_MAX / 8) return CK_INVALID_ARGUMENT;
  ck_roof_arrays *arrays = calloc(1, sizeof *arrays + threads * sizeof *arrays->sums);
  if (arrays == NULL) return CK_OUT_OF_MEMORY;
  arrays->threads = threads;
  arrays->bytes = slice * threads;
  arrays->words = slice / 8;
  arrays->stream = arrays->bytes > stream_from;
  for (int i = 0; i < 3; i++) {
    ck_status status = take_array(arrays, i, huge_pages);
    if (status == CK_OK) continue;
    ck_roof_arrays_destroy(arrays);
    return status;
  }
  *out = arrays;
  return CK_OK;
}

void ck_roof_arrays_destroy(ck_roof_arrays *arrays) {
  if (arrays == NULL) return;
  for (int i = 0; i < 3; i++)
    if (arrays->array[i] != NULL) ck_memory_free(arrays->array[i], arrays->bytes);
  free(arrays);
}

typedef struct memory_task {
  ck_roof_arrays *arrays;
  ck_memory_kernel kernel;
  ck_memory_pass pass;
  uint64_t passes;
  int fill;  // the array to fill, when filling
  roof_share *shares;
} memory_task;

static void fill(void *context, uint32_t index, uint32_t count) {
  (void)count;
  const memory_task *task = context;
  ck_roof_arrays *arrays = task->arrays;
  if (index >= arrays->threads) return;
  uint64_t *slice = arrays->array[task->fill] + (size_t)index * arrays->words, sum = 0;
  for (size_t i = 0; i < arrays->words; i++) {
    const double value = word_value((size_t)task->fill, i);
    memcpy(slice + i, &value, sizeof value);
    sum += slice[i];
  }
  if (task->fill == 0) arrays->sums[index] = sum;
}

static const double written = 5.0;

static double expected_word(ck_memory_pass pass, size_t index) {
  switch (pass) {
    case CK_MEMORY_COPY: return word_value(0, index);
    case CK_MEMORY_TRIAD: return word_value(0, index) + 3.0 * word_value(1, index);
    default: return written;
  }
}

static bool destination_is_right(const ck_memory_call *call, ck_memory_pass pass) {
  const double *c = (const double *)call->c;
  size_t wrong = 0;
  for (size_t i = 0; i < call->words; i++) wrong += c[i] != expected_word(pass, i);
  return wrong == 0;
}

static void run_pass(void *context, uint32_t index, uint32_t count) {
  (void)count;
  static const uint64_t arrays_touched[CK_MEMORY_PASS_COUNT] = {1, 1, 2, 3};
  const memory_task *task = context;
  const ck_roof_arrays *arrays = task->arrays;
  if (index >= arrays->threads) return;
  const size_t offset = (size_t)index * arrays->words;
  ck_memory_call call = {.a = arrays->array[0] + offset, .b = arrays->array[1] + offset,
                         .c = arrays->array[2] + offset, .words = arrays->words, .passes = task->passes,
                         .stream = arrays->stream};
  memcpy(&call.value, &written, sizeof written);
  roof_share share = {.took_part = true, .start = now()};
  task->kernel(&call);
  share.end = now();
  share.bytes = arrays_touched[task->pass] * 8 * call.words * call.passes;
  share.wrong = task->pass == CK_MEMORY_READ ? call.sum != arrays->sums[index] * call.passes
                                             : !destination_is_right(&call, task->pass);
  task->shares[index] = share;
}

static ck_memory_kernel memory_kernel(const ck_table *table, ck_memory_pass pass) {
  switch (pass) {
    case CK_MEMORY_READ: return table->memory_read.run;
    case CK_MEMORY_WRITE: return table->memory_write.run;
    case CK_MEMORY_COPY: return table->memory_copy.run;
    case CK_MEMORY_TRIAD: return table->memory_triad.run;
    default: return NULL;
  }
}

// First touch by the thread that will use the slice. c is filled too, so that no page fault falls into a sample.
static ck_status fill_arrays(ck_runtime *runtime, ck_roof_arrays *arrays, ck_memory_pass pass) {
  const bool needed[3] = {pass != CK_MEMORY_WRITE, pass == CK_MEMORY_TRIAD, pass != CK_MEMORY_READ};
  for (int i = 0; i < 3; i++) {
    if (!needed[i] || arrays->filled[i]) continue;
    memory_task task = {.arrays = arrays, .fill = i};
    ck_status status = ck_run(runtime, fill, &task);
    if (status != CK_OK) return status;
    arrays->filled[i] = true;
    if (i == 2) arrays->linked = false;
  }
  return CK_OK;
}

ck_status ck_roof_memory(ck_runtime *runtime, ck_roof_arrays *arrays, ck_memory_pass pass, uint64_t passes,
                         ck_roof_result *result) {
  if (runtime == NULL || arrays == NULL || result == NULL || passes == 0 || passes > UINT32_MAX ||
      (unsigned)pass >= CK_MEMORY_PASS_COUNT || arrays->threads > ck_pool_threads(runtime->pool))
    return CK_INVALID_ARGUMENT;
  ck_memory_kernel kernel = memory_kernel(&runtime->table, pass);
  if (kernel == NULL) return CK_UNSUPPORTED;
  ck_status status = fill_arrays(runtime, arrays, pass);
  if (status != CK_OK) return status;
  roof_share *shares = new_shares(ck_pool_threads(runtime->pool));
  if (shares == NULL) return CK_OUT_OF_MEMORY;
  memory_task task = {.arrays = arrays, .kernel = kernel, .pass = pass, .passes = passes, .shares = shares};
  return sample(runtime, run_pass, &task, shares, result);
}

// -------------------------------------------------------------------------------------------------------- latency

// One cycle through all lines in random order (Sattolo's shuffle): the first word of a line names the next line.
static void link_lines(uint64_t *words, size_t lines) {
  uint64_t state = 0x9e3779b97f4a7c15;
  for (size_t i = 0; i < lines; i++) words[i * LINE_WORDS] = i;
  for (size_t i = lines - 1; i > 0; i--) {
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    const size_t j = state % i;
    const uint64_t next = words[i * LINE_WORDS];
    words[i * LINE_WORDS] = words[j * LINE_WORDS];
    words[j * LINE_WORDS] = next;
  }
}

ck_status ck_roof_latency(ck_runtime *runtime, ck_roof_arrays *arrays, uint64_t rounds, ck_roof_result *result) {
  if (runtime == NULL || arrays == NULL || result == NULL || rounds == 0 || rounds > UINT32_MAX)
    return CK_INVALID_ARGUMENT;
  uint64_t *words = arrays->array[2];
  const size_t lines = arrays->words / LINE_WORDS;
  if (!arrays->linked) link_lines(words, lines);
  arrays->linked = true;
  arrays->filled[2] = false;  // what lies there now is no pass's
  const uint64_t loads = rounds * lines;
  size_t line = 0;
  const double start = now();
  for (uint64_t i = 0; i < loads; i++) line = words[line * LINE_WORDS];
  const double end = now();
  *result = (ck_roof_result){.seconds = end - start, .operations = loads, .bytes = loads * CK_CACHE_LINE,
                             .threads = 1, .wrong = line != 0};
  return CK_OK;
}

ck_status ck_roof_clock(uint64_t additions, ck_roof_result *result) {
  if (additions == 0 || result == NULL || additions > UINT64_MAX / 16) return CK_INVALID_ARGUMENT;
  enum { UNROLL = 16 };
  const uint64_t turns = (additions + UNROLL - 1) / UNROLL;
  uint64_t sum = 0, one = 1;
  const double start = now();
  for (uint64_t i = 0; i < turns; i++) {
#pragma clang loop unroll(full)
    for (int j = 0; j < UNROLL; j++) {
      sum += one;
      __asm__ volatile("" : "+r"(sum), "+r"(one));  // keeps each addition, in order; no instruction
    }
  }
  const double end = now();
  *result = (ck_roof_result){.seconds = end - start, .operations = turns * UNROLL, .threads = 1,
                             .wrong = sum != turns * UNROLL};
  return CK_OK;
}
