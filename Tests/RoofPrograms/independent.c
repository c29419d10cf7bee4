// The roofs against loops written apart from them: threads, clock, instructions and arrays of their own, none of the
// library's. The two take turns, and the median of the pairs' ratios must be within 3 % of 1.
// Usage: independent [THREADS [PAIRS]]. Exit code 1 where one is not, 3 where there is no loop for this processor.
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "ckernels.h"

// A sample takes about a tenth of a second: the scheduler needs a part of that to spread threads that were just woken.
enum { MOST_THREADS = 1024, MOST_PAIRS = 99, LINE = 64, CALLS = 8, BLOCKS = 320, PASSES = 4 };
static const double allowed = 0.03;

static double seconds_now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

// ---------------------------------------------------------------------------------------------------- arithmetic

typedef void (*turns)(uint64_t count, const void *ones, void *sums);
typedef struct loop {
  const char *name;
  ck_precision precision;
  turns run;
  uint64_t operations;  // of one turn
  int bytes;            // of one `one` in the pattern
  uint64_t one;
  double each;  // what a turn adds to each sum
} loop;

// Twelve sums, none of which waits for another: enough for four cycles of latency at up to three a cycle.
#define TWELVE(OP, op) \
  OP(op, "0") OP(op, "1") OP(op, "2") OP(op, "3") OP(op, "4") OP(op, "5") OP(op, "6") OP(op, "7") OP(op, "8") OP(op, "9") \
  OP(op, "10") OP(op, "11")

#if defined(__x86_64__)
#define WIDE(op, n) op " %%zmm14, %%zmm15, %%zmm" n "\n\t"
#define WIDE_CLEAR(op, n) "vpxorq %%zmm" n ", %%zmm" n ", %%zmm" n "\n\t"
#define NARROW(op, n) op " %%ymm14, %%ymm15, %%ymm" n "\n\t"
#define NARROW_CLEAR(op, n) "vpxor %%ymm" n ", %%ymm" n ", %%ymm" n "\n\t"
#define USED "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", \
             "xmm14", "xmm15"
#define LOOP(name, op, r, OP, CLEAR, wanted) \
  __attribute__((target(wanted))) static void name(uint64_t count, const void *ones, void *sums) { \
    __asm__ volatile(TWELVE(CLEAR, "") "vmovups (%1), %%" r "14\n\tvmovups (%1), %%" r "15\n\t" \
                     ".p2align 5\n1:\n\t" TWELVE(OP, op) "dec %0\n\tjnz 1b\n\tvmovups %%" r "0, (%2)" \
                     : "+r"(count) : "r"(ones), "r"(sums) : USED); \
  }
LOOP(wide_f64, "vfmadd231pd", "zmm", WIDE, WIDE_CLEAR, "avx512f")
LOOP(wide_f32, "vfmadd231ps", "zmm", WIDE, WIDE_CLEAR, "avx512f")
LOOP(wide_bf16, "vdpbf16ps", "zmm", WIDE, WIDE_CLEAR, "avx512f,avx512bf16")
LOOP(wide_s8, "vpdpbusd", "zmm", WIDE, WIDE_CLEAR, "avx512f,avx512vnni")
LOOP(narrow_f64, "vfmadd231pd", "ymm", NARROW, NARROW_CLEAR, "avx2,fma")
LOOP(narrow_f32, "vfmadd231ps", "ymm", NARROW, NARROW_CLEAR, "avx2,fma")

static const loop wide[] = {
    {"f64", CK_PRECISION_F64, wide_f64, 12 * 16, 8, 0x3ff0000000000000, 1},
    {"f32", CK_PRECISION_F32, wide_f32, 12 * 32, 4, 0x3f800000, 1},
    {"bf16", CK_PRECISION_BF16, wide_bf16, 12 * 64, 2, 0x3f80, 2},
    {"s8", CK_PRECISION_S8, wide_s8, 12 * 128, 1, 1, 4},
};
static const loop narrow[] = {
    {"f64", CK_PRECISION_F64, narrow_f64, 12 * 8, 8, 0x3ff0000000000000, 1},
    {"f32", CK_PRECISION_F32, narrow_f32, 12 * 16, 4, 0x3f800000, 1},
};
static const loop *loops(size_t *count) {
  const bool is_wide = __builtin_cpu_supports("avx512f");
  *count = !is_wide ? 2 : !__builtin_cpu_supports("avx512vnni") ? 2 : !__builtin_cpu_supports("avx512bf16") ? 2 : 4;
  return is_wide ? wide : narrow;
}
#elif defined(__aarch64__)
#define ADVANCED(op, n) op("v" n)
#define OF_F64(v) "fmla " v ".2d, v14.2d, v15.2d\n\t"
#define OF_F32(v) "fmla " v ".4s, v14.4s, v15.4s\n\t"
#define CLEAR(op, n) "movi v" n ".2d, #0\n\t"
#define LOOP(name, op) \
  static void name(uint64_t count, const void *ones, void *sums) { \
    __asm__ volatile(TWELVE(CLEAR, "") "ldr q14, [%1]\n\tldr q15, [%1]\n1:\n\t" TWELVE(ADVANCED, op) \
                     "subs %0, %0, #1\n\tb.ne 1b\n\tstr q0, [%2]" \
                     : "+r"(count) : "r"(ones), "r"(sums) \
                     : "memory", "cc", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v14", "v15"); \
  }
LOOP(advanced_f64, OF_F64)
LOOP(advanced_f32, OF_F32)
static const loop *loops(size_t *count) {
  static const loop all[] = {
      {"f64", CK_PRECISION_F64, advanced_f64, 12 * 4, 8, 0x3ff0000000000000, 1},
      {"f32", CK_PRECISION_F32, advanced_f32, 12 * 8, 4, 0x3f800000, 1},
  };
  *count = 2;
  return all;
}
#else
static const loop *loops(size_t *count) {
  *count = 0;
  return NULL;
}
#endif

// The first sum, by the kind of its elements.
static bool sum_is_right(const loop *l, const void *sums, uint64_t count) {
  const double wanted = l->each * (double)count;
  double d;
  float f;
  int32_t i;
  memcpy(&d, sums, sizeof d);
  memcpy(&f, sums, sizeof f);
  memcpy(&i, sums, sizeof i);
  return l->precision == CK_PRECISION_F64 ? d == wanted : l->precision == CK_PRECISION_S8 ? i == wanted : f == wanted;
}

// ------------------------------------------------------------------------------------------------------- threads

typedef struct job {
  const loop *loop;  // NULL: reads
  uint64_t count;
  const uint64_t *words;
  size_t length;
  uint64_t wanted;
  double start, end;
  bool wrong;
} job;

static pthread_barrier_t line_up;

// Sums of words in as many streams as keep the loads of several pages under way.
enum { STREAMS = 4 };
typedef uint64_t vector __attribute__((vector_size(64), aligned(64)));
#if defined(__x86_64__)
#define CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define CLONES
#endif
CLONES static uint64_t sum_words(const uint64_t *words, size_t length) {
  const size_t each = length / STREAMS / 8;
  const vector *stream[STREAMS];
  vector sum[STREAMS];
  for (int s = 0; s < STREAMS; s++) {
    stream[s] = (const vector *)words + (size_t)s * each;
    sum[s] = (vector){0};
  }
  for (size_t i = 0; i < each; i++)
    for (int s = 0; s < STREAMS; s++) sum[s] += stream[s][i];
  uint64_t all = 0;
  for (int s = 0; s < STREAMS; s++)
    for (int j = 0; j < 8; j++) all += sum[s][j];
  return all;
}

static void *work(void *context) {
  job *j = context;
  _Alignas(LINE) unsigned char ones[LINE], sums[LINE];
  if (j->loop != NULL)
    for (int i = 0; i < LINE; i += j->loop->bytes) memcpy(ones + i, &j->loop->one, (size_t)j->loop->bytes);
  pthread_barrier_wait(&line_up);
  j->start = seconds_now();
  if (j->loop != NULL)
    for (int call = 0; call < CALLS; call++) j->loop->run(j->count, ones, sums);
  else
    for (int pass = 0; pass < PASSES; pass++) j->wrong |= sum_words(j->words, j->length) != j->wanted;
  j->end = seconds_now();
  if (j->loop != NULL) j->wrong = !sum_is_right(j->loop, sums, j->count);
  return NULL;
}

static double run(job *jobs, uint32_t threads) {
  pthread_t handles[MOST_THREADS];
  pthread_barrier_init(&line_up, NULL, threads);
  for (uint32_t i = 0; i < threads; i++)
    if (pthread_create(&handles[i], NULL, work, &jobs[i]) != 0) exit(2);
  double start = 1e300, end = 0;
  bool wrong = false;
  for (uint32_t i = 0; i < threads; i++) {
    pthread_join(handles[i], NULL);
    if (jobs[i].start < start) start = jobs[i].start;
    if (jobs[i].end > end) end = jobs[i].end;
    wrong |= jobs[i].wrong;
  }
  pthread_barrier_destroy(&line_up);
  if (wrong) {
    printf("FAILED: a loop's sum is wrong\n");
    exit(1);
  }
  return end - start;
}

// ------------------------------------------------------------------------------------------------------- results

static int by_value(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double median(double *values, int count) {
  qsort(values, (size_t)count, sizeof *values, by_value);
  return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

static bool compare(const char *name, uint32_t threads, double *roof, double *apart, double *ratio, int pairs) {
  const double middle = median(ratio, pairs);
  const bool is_near = middle > 1 - allowed && middle < 1 + allowed;
  printf("%-6s %u thread%s  roof %8.2f  apart %8.2f  x 1e9/s  ratio %.4f (%.4f to %.4f)%s\n", name, threads,
         threads == 1 ? " " : "s", median(roof, pairs) * 1e-9, median(apart, pairs) * 1e-9, middle, ratio[0],
         ratio[pairs - 1], is_near ? "" : "  FAILED");
  return is_near;
}

static bool arithmetic(ck_runtime *runtime, const loop *l, uint32_t threads, int pairs) {
  double roof[MOST_PAIRS], apart[MOST_PAIRS], ratio[MOST_PAIRS];
  static job jobs[MOST_THREADS];
  for (int pair = -1; pair < pairs; pair++) {  // the first one warms up
    ck_roof_result result;
    if (ck_roof_compute(runtime, l->precision, threads, BLOCKS, &result) != CK_OK || result.wrong) return false;
    for (uint32_t i = 0; i < threads; i++) jobs[i] = (job){.loop = l, .count = 1 << 22};
    const double seconds = run(jobs, threads);
    if (pair < 0) continue;
    roof[pair] = (double)result.operations / result.seconds;
    apart[pair] = (double)(threads * l->operations) * CALLS * (1 << 22) / seconds;
    ratio[pair] = roof[pair] / apart[pair];
  }
  return compare(l->name, threads, roof, apart, ratio, pairs);
}

static bool reads(ck_runtime *runtime, uint32_t threads, int pairs) {
  enum { BYTES = 256 << 20 };
  double roof[MOST_PAIRS], apart[MOST_PAIRS], ratio[MOST_PAIRS];
  static job jobs[MOST_THREADS];
  ck_roof_arrays *arrays = NULL;
  if (ck_roof_arrays_create(runtime, threads, (size_t)BYTES * threads, BYTES, true, &arrays) != CK_OK) return false;
  for (uint32_t i = 0; i < threads; i++) {
    uint64_t *words = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (words == MAP_FAILED) exit(2);
    madvise(words, BYTES, MADV_HUGEPAGE);
    uint64_t sum = 0;
    for (size_t j = 0; j < BYTES / 8; j++) sum += words[j] = j * 0x9e3779b97f4a7c15;
    jobs[i] = (job){.words = words, .length = BYTES / 8, .wanted = sum};
  }
  bool is_right = true;
  for (int pair = -1; pair < pairs && is_right; pair++) {
    ck_roof_result result;
    is_right = ck_roof_memory(runtime, arrays, CK_MEMORY_READ, PASSES, &result) == CK_OK && result.wrong == 0;
    const double seconds = run(jobs, threads);
    if (pair < 0) continue;
    roof[pair] = (double)result.bytes / result.seconds;
    apart[pair] = (double)BYTES * PASSES * threads / seconds;
    ratio[pair] = roof[pair] / apart[pair];
  }
  for (uint32_t i = 0; i < threads; i++) munmap((void *)jobs[i].words, BYTES);
  ck_roof_arrays_destroy(arrays);
  return is_right && compare("read", threads, roof, apart, ratio, pairs);
}

int main(int count, char **arguments) {
  ck_runtime *runtime = NULL;
  ck_runtime_options options = {.struct_size = sizeof options, .isa = CK_ISA_AUTO,
                                .threads = count > 1 ? (uint32_t)atoi(arguments[1]) : 0};
  int pairs = count > 2 ? atoi(arguments[2]) : 15;
  if (pairs < 1 || pairs > MOST_PAIRS || ck_runtime_create(&options, &runtime) != CK_OK) {
    fprintf(stderr, "usage: independent [THREADS [PAIRS]], at most %d pairs\n", MOST_PAIRS);
    return 2;
  }
  const uint32_t all = ck_runtime_threads(runtime);
  size_t kinds;
  const loop *list = loops(&kinds);
  bool is_right = true;
  for (uint32_t threads = 1; threads <= all && threads <= MOST_THREADS; threads = threads == 1 && all > 1 ? all : all + 1) {
    for (size_t i = 0; i < kinds; i++) is_right &= arithmetic(runtime, &list[i], threads, pairs);
    is_right &= reads(runtime, threads, pairs);
  }
  ck_runtime_destroy(runtime);
  if (kinds == 0) printf("no arithmetic loop for this processor\n");
  return !is_right ? 1 : kinds == 0 ? 3 : 0;
}
