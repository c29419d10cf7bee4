// Latency of memory: dependent loads along one random cycle, on an idle memory and while the other threads read.
#include "ops/roof.h"

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

void ck_roof_link(ck_roof_arrays *arrays) {
  if (!arrays->linked) link_lines(arrays->array[2], arrays->words / LINE_WORDS);
  arrays->linked = true;
  arrays->filled[2] = false;  // what lies there now is no pass's
}

// `loads` loads from the cycle's start; returns the line at the end.
static size_t chase(const uint64_t *words, uint64_t loads) {
  size_t line = 0;
  for (uint64_t i = 0; i < loads; i++) line = words[line * LINE_WORDS];
  return line;
}

ck_status ck_roof_latency(ck_runtime *runtime, ck_roof_arrays *arrays, uint64_t rounds, ck_roof_result *result) {
  if (runtime == NULL || arrays == NULL || result == NULL || rounds == 0 || rounds > UINT32_MAX)
    return CK_INVALID_ARGUMENT;
  ck_roof_link(arrays);
  const uint64_t loads = rounds * (arrays->words / LINE_WORDS);
  const double start = roof_now();
  const size_t line = chase(arrays->array[2], loads);
  const double end = roof_now();
  *result = (ck_roof_result){.seconds = end - start, .operations = loads, .bytes = loads * CK_CACHE_LINE,
                             .threads = 1, .wrong = line != 0};
  return CK_OK;
}

// What a reader does between two looks at whether the chase is over, and so between two looks at the clock.
enum { CHUNK_WORDS = (256 << 10) / 8 };

typedef struct loaded_task {
  ck_roof_arrays *arrays;
  ck_memory_kernel read;
  uint64_t rounds;
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
  const uint64_t loads = task->rounds * (task->arrays->words / LINE_WORDS);
  roof_share share = {.took_part = true, .start = roof_now()};
  share.wrong = chase(task->arrays->array[2], loads) != 0;
  share.end = roof_now();
  __atomic_store_n(&task->over, 1, __ATOMIC_RELEASE);
  share.operations = loads;
  task->shares[0] = share;
}

ck_status ck_roof_loaded_latency(ck_runtime *runtime, ck_roof_arrays *arrays, uint64_t rounds,
                                 ck_roof_result *result) {
  if (runtime == NULL || arrays == NULL || result == NULL || rounds == 0 || rounds > UINT32_MAX ||
      arrays->threads > ck_pool_threads(runtime->pool))
    return CK_INVALID_ARGUMENT;
  ck_memory_kernel read = runtime->table.memory_read.run;
  if (read == NULL || arrays->threads < 2) return CK_UNSUPPORTED;
  ck_status status = ck_roof_fill(runtime, arrays, (const bool[3]){true, false, false});
  if (status != CK_OK) return status;
  ck_roof_link(arrays);
  roof_share *shares = ck_roof_shares(ck_pool_threads(runtime->pool));
  if (shares == NULL) return CK_OUT_OF_MEMORY;
  loaded_task task = {.arrays = arrays, .read = read, .rounds = rounds, .shares = shares};
  return ck_roof_sample(runtime, loaded, &task, shares, result);
}
