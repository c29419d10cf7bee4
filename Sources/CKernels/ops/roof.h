// What the roofs share: one thread's part of a sample, how parts become a result, and the arrays of the memory roofs.
#ifndef CK_ROOF_H
#define CK_ROOF_H

#include <time.h>

#include "runtime/runtime.h"

enum { LINE_WORDS = CK_CACHE_LINE / 8 };

// One thread's part of a sample, on a line of its own.
typedef struct roof_share {
  _Alignas(CK_CACHE_LINE) double start;
  double end;
  uint64_t operations, bytes;
  bool took_part, wrong;
} roof_share;

CK_INLINE double roof_now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/// One share a thread, zeroed; NULL without memory.
roof_share *ck_roof_shares(uint32_t count);
/// Runs `task` and merges what its threads report; `shares` is freed.
ck_status ck_roof_sample(ck_runtime *runtime, ck_task task, void *context, roof_share *shares, ck_roof_result *result);

struct ck_roof_arrays {
  uint32_t threads;
  size_t bytes, words;  // of one array; words of one slice
  bool stream;
  bool filled[3];
  bool linked;         // c holds the lines' cycle of the latency roof
  size_t line;         // where in it the next chase begins
  uint64_t *array[3];  // a, b, c
  uint64_t sums[];     // of each thread's slice of a
};

/// Fills, by the threads that will use them, the arrays that `needed` names (a, b, c) and that are not yet filled.
ck_status ck_roof_fill(ck_runtime *runtime, ck_roof_arrays *arrays, const bool needed[3]);
/// Makes c's first slice one cycle through its lines in random order, if it is not.
void ck_roof_link(ck_roof_arrays *arrays);

#endif
