// The pool: every index runs exactly once, callers take turns, sleepers wake, cancelling is seen.
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "conformance.h"

enum { MAX_THREADS = 64 };

typedef struct tally {
  uint32_t runs[MAX_THREADS];
  uint32_t count;
} tally;

static void count_index(void *context, uint32_t index, uint32_t count) {
  tally *t = context;
  __atomic_fetch_add(&t->runs[index], 1, __ATOMIC_RELAXED);
  __atomic_store_n(&t->count, count, __ATOMIC_RELAXED);
}

static void check_joins(ck_runtime *runtime, uint32_t joins, ck_report *report) {
  tally t;
  memset(&t, 0, sizeof t);
  uint32_t threads = ck_runtime_threads(runtime);
  for (uint32_t i = 0; i < joins; i++) {
    ck_status status = ck_parallel(runtime, count_index, &t);
    if (status != CK_OK) ck_check(report, false, "join %u: %s", i, ck_status_name(status));
    // Now and then longer than the pool spins, so that the workers sleep and must be woken.
    if (i % 997 == 0) usleep(200);
  }
  for (uint32_t i = 0; i < threads; i++)
    ck_check(report, t.runs[i] == joins, "index %u of %u ran %u times in %u joins", i, threads, t.runs[i], joins);
  ck_check(report, t.count == threads, "a task saw %u threads of %u", t.count, threads);
}

typedef struct caller {
  ck_runtime *runtime;
  tally tally;
  uint32_t joins;
} caller;

static void *call(void *context) {
  caller *c = context;
  for (uint32_t i = 0; i < c->joins; i++) ck_parallel(c->runtime, count_index, &c->tally);
  return NULL;
}

static void check_callers(ck_runtime *runtime, uint32_t joins, ck_report *report) {
  enum { CALLERS = 4 };
  caller callers[CALLERS];
  pthread_t threads[CALLERS];
  memset(callers, 0, sizeof callers);
  for (int i = 0; i < CALLERS; i++) {
    callers[i].runtime = runtime;
    callers[i].joins = joins;
    if (pthread_create(&threads[i], NULL, call, &callers[i]) != 0) {
      ck_check(report, false, "pthread_create failed");
      return;
    }
  }
  for (int i = 0; i < CALLERS; i++) pthread_join(threads[i], NULL);
  for (int i = 0; i < CALLERS; i++)
    for (uint32_t j = 0; j < ck_runtime_threads(runtime); j++)
      ck_check(report, callers[i].tally.runs[j] == joins, "caller %d: index %u ran %u of %u times", i, j,
               callers[i].tally.runs[j], joins);
}

static void check_cancel(ck_runtime *runtime, ck_report *report) {
  int32_t flag = 1;
  tally t;
  memset(&t, 0, sizeof t);
  ck_set_cancel_flag(&flag);
  ck_check(report, ck_parallel(runtime, count_index, &t) == CK_CANCELLED, "a set cancel flag was not seen");
  flag = 0;
  ck_check(report, ck_parallel(runtime, count_index, &t) == CK_OK, "a cleared cancel flag still cancels");
  ck_set_cancel_flag(NULL);
}

void ck_conform_pool(ck_runtime *runtime, ck_effort effort, ck_report *report) {
  const uint32_t joins = effort == CK_EFFORT_QUICK ? 2000 : effort == CK_EFFORT_TEST ? 20000 : 1000000;
  check_joins(runtime, joins, report);
  check_callers(runtime, joins / 10, report);
  check_cancel(runtime, report);
  // More threads than cores: slower, but it ends.
  for (uint32_t threads = 1; threads <= 16; threads *= 4) {
    ck_runtime_options options = {.struct_size = sizeof options, .threads = threads, .isa = ck_runtime_isa(runtime)};
    ck_runtime *own = NULL;
    if (!ck_check(report, ck_runtime_create(&options, &own) == CK_OK, "no runtime of %u threads", threads)) continue;
    ck_check(report, ck_runtime_threads(own) == threads, "%u threads asked", threads);
    check_joins(own, 500, report);
    ck_runtime_destroy(own);
  }
}
