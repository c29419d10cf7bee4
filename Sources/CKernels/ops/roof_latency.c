// Latency of memory: dependent loads along one random cycle, on an idle memory and while the other threads read.
#include "ops/roof.h"

#define MOST_LOADS (UINT64_C(1) << 40)  // a day of them

// One cycle through all lines in random order (Sattolo's shuffle): the first word of a line names the next line, and the
// second one the line's place in the cycle.
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
  size_t line = 0;
  for (size_t place = 0; place < lines; place++) {
    words[line * LINE_WORDS + 1] = place;
    line = words[line * LINE_WORDS];
  }
}

void ck_roof_link(ck_roof_arrays *arrays) {
  if (!arrays->linked) {
    link_lines(arrays->array[2], arrays->words / LINE_WORDS);
    arrays->line = 0;
  }
  arrays->linked = true;
  arrays->filled[2] = false;  // what lies there now is no pass's
}

// `loads` loads on from where the last chase ended. The share's line is whether it ended where it must.
static roof_share chase(ck_roof_arrays *arrays, uint64_t loads) {
  const uint64_t *words = arrays->array[2];
  const size_t first = arrays->line;
  size_t line = first;
  roof_share share = {.took_part = true, .start = roof_now(), .operations = loads};
  for (uint64_t i = 0; i < loads; i++) line = words[line * LINE_WORDS];
  share.end = roof_now();
  arrays->line = line;
  const uint64_t lines = arrays->words / LINE_WORDS;
  share.wrong = words[line * LINE_WORDS + 1] != (words[first * LINE_WORDS + 1] + loads) % lines;
  return share;
}

ck_status ck_roof_latency(ck_runtime *runtime, ck_roof_arrays *arrays, uint64_t loads, ck_roof_result *result) {
  if (runtime == NULL || arrays == NULL || result == NULL || loads == 0 || loads > MOST_LOADS)
    return CK_INVALID_ARGUMENT;
  ck_roof_link(arrays);
  const roof_share share = chase(arrays, loads);
  *result = (ck_roof_result){.seconds = share.end - share.start, .operations = loads, .bytes = loads * CK_CACHE_LINE,
                             .threads = 1, .wrong = share.wrong};
  return CK_OK;
}

// What a reader does between two looks at whether the chase is over, and so between two looks at the clock.
enum { CHUNK_WORDS = (256 << 10) / 8 };

typedef struct loaded_task {
  ck_roof_arrays *arrays;
  ck_memory_kernel read;
  uint64_t loads;
  uint32_t reading;  // readers that have begun
  uint32_t over;
  roof_share *shares;
} loaded_task;

// Reads the slice round and round until the chase is over; whole rounds are checked.
static void read_until_over(loaded_task *task, uint32_t index) {
  const ck_roof_arrays *arrays = task->arrays;
  const uint64_t *slice = arrays->array[0] + (size_t)index * arrays->words;
  roof_share share = {.took_part = true, .start = roof_now()};
  uint64_t sum = 0;
  size_t at = 0;
  __atomic_fetch_add(&task->reading, 1, __ATOMIC_RELEASE);
  while (!__atomic_load_n(&task->over, __ATOMIC_ACQUIRE)) {
    const size_t words = arrays->words - at < CHUNK_WORDS ? arrays->words - at : CHUNK_WORDS;
    ck_memory_call call = {.a = slice + at, .words = words, .passes = 1};
    task->read(&call);
    sum += call.sum;
    share.bytes += 8 * words;
    at += words;
    if (at < arrays->words) continue;
    if (sum != arrays->sums[index]) share.wrong = true;
    sum = 0;
    at = 0;
  }
  share.end = roof_now();
  task->shares[index] = share;
}

static void loaded(void *context, uint32_t index, uint32_t count) {
  loaded_task *task = context;
  const uint32_t threads = task->arrays->threads < count ? task->arrays->threads : count;
  if (index >= threads) return;
  if (index > 0) {
    read_until_over(task, index);
    return;
  }
  while (__atomic_load_n(&task->reading, __ATOMIC_ACQUIRE) < threads - 1) {
  }
  task->shares[0] = chase(task->arrays, task->loads);
  __atomic_store_n(&task->over, 1, __ATOMIC_RELEASE);
}

ck_status ck_roof_loaded_latency(ck_runtime *runtime, ck_roof_arrays *arrays, uint64_t loads,
                                 ck_roof_result *result) {
  if (runtime == NULL || arrays == NULL || result == NULL || loads == 0 || loads > MOST_LOADS ||
      arrays->threads > ck_pool_threads(runtime->pool))
    return CK_INVALID_ARGUMENT;
  ck_memory_kernel read = runtime->table.memory_read.run;
  if (read == NULL || arrays->threads < 2) return CK_UNSUPPORTED;
  ck_status status = ck_roof_fill(runtime, arrays, (const bool[3]){true, false, false});
  if (status != CK_OK) return status;
  ck_roof_link(arrays);
  roof_share *shares = ck_roof_shares(ck_pool_threads(runtime->pool));
  if (shares == NULL) return CK_OUT_OF_MEMORY;
  loaded_task task = {.arrays = arrays, .read = read, .loads = loads, .shares = shares};
  return ck_roof_sample(runtime, loaded, &task, shares, result);
}
