// The memory roofs: passes over arrays that their threads have touched first, every word checked outside the timed
// window.
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "hardware/numa.h"
#include "ops/roof.h"

enum { SLICE = 4096 };

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
  roof_share share = {.took_part = true, .start = roof_now()};
  task->kernel(&call);
  share.end = roof_now();
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

// First touch by the thread that will use the slice.
ck_status ck_roof_fill(ck_runtime *runtime, ck_roof_arrays *arrays, const bool needed[3]) {
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
  // c is filled too, so that no page fault falls into a sample.
  const bool needed[3] = {pass != CK_MEMORY_WRITE, pass == CK_MEMORY_TRIAD, pass != CK_MEMORY_READ};
  ck_status status = ck_roof_fill(runtime, arrays, needed);
  if (status != CK_OK) return status;
  roof_share *shares = ck_roof_shares(ck_pool_threads(runtime->pool));
  if (shares == NULL) return CK_OUT_OF_MEMORY;
  memory_task task = {.arrays = arrays, .kernel = kernel, .pass = pass, .passes = passes, .shares = shares};
  return ck_roof_sample(runtime, run_pass, &task, shares, result);
}

ck_status ck_roof_arrays_bind(ck_roof_arrays *arrays, uint32_t node) {
  if (arrays == NULL) return CK_INVALID_ARGUMENT;
  for (int i = 0; i < 3; i++) {
    if (arrays->filled[i] || arrays->linked) return CK_INVALID_ARGUMENT;
    ck_status status = ck_numa_bind(arrays->array[i], arrays->bytes, node);
    if (status != CK_OK) return status;
  }
  return CK_OK;
}

ck_status ck_roof_arrays_on_node(const ck_roof_arrays *arrays, uint32_t node, double *share) {
  if (arrays == NULL || share == NULL) return CK_INVALID_ARGUMENT;
  return ck_numa_share(arrays->array[arrays->filled[0] ? 0 : 2], arrays->bytes, node, share);
}
