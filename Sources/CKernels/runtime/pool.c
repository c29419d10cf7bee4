// A fork-join pool: one generation counter wakes the workers, one countdown ends the join. Each side spins for a
// short while, since the next region usually follows within microseconds, and then sleeps on a futex, so that an
// oversubscribed machine slows down and does not collapse. No queue and no work stealing: ops/ share the work out.
#include "runtime/pool.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtime/platform.h"

// About 20 microseconds at 3 GHz: longer than the gap between two operations of a layer, shorter than a time slice.
enum { SPINS = 2000 };

typedef struct ticket {
  _Alignas(CK_CACHE_LINE) size_t next;
} ticket;

struct ck_pool {
  uint32_t threads;
  pthread_t *workers;
  ticket *tickets;  // one a thread
  uint32_t started;
  pthread_mutex_t turn;
  ck_task task;
  void *context;
  _Alignas(CK_CACHE_LINE) uint32_t generation;  // futex: workers wait for a change
  uint32_t sleepers;
  _Alignas(CK_CACHE_LINE) uint32_t pending;  // futex: the caller waits for 0
  uint32_t caller_sleeps;
  _Alignas(CK_CACHE_LINE) uint32_t stop;
};

typedef struct worker_start {
  ck_pool *pool;
  uint32_t index;
} worker_start;

CK_INLINE void relax(void) {
#if CK_X86
  __builtin_ia32_pause();
#elif CK_ARM
  __asm__ volatile("yield");
#endif
}

static void futex_wait(uint32_t *word, uint32_t seen) {
  syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
}

static void futex_wake_all(uint32_t *word) { syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0); }

// Waits until *word differs from `seen`; *sleeping counts those who may need a wake-up call.
static uint32_t wait_change(uint32_t *word, uint32_t seen, uint32_t *sleeping) {
  for (int i = 0; i < SPINS; i++) {
    uint32_t now = __atomic_load_n(word, __ATOMIC_ACQUIRE);
    if (now != seen) return now;
    relax();
  }
  for (;;) {
    // Announce first, look second: the waker changes the word first and looks at the announcement second.
    __atomic_fetch_add(sleeping, 1, __ATOMIC_SEQ_CST);
    uint32_t now = __atomic_load_n(word, __ATOMIC_SEQ_CST);
    if (now == seen) futex_wait(word, seen);
    __atomic_fetch_sub(sleeping, 1, __ATOMIC_SEQ_CST);
    now = __atomic_load_n(word, __ATOMIC_ACQUIRE);
    if (now != seen) return now;
  }
}

static void *work(void *start) {
  ck_pool *pool = ((worker_start *)start)->pool;
  uint32_t index = ((worker_start *)start)->index;
  free(start);
  uint32_t generation = 0;
  for (;;) {
    generation = wait_change(&pool->generation, generation, &pool->sleepers);
    if (__atomic_load_n(&pool->stop, __ATOMIC_ACQUIRE)) return NULL;
    pool->task(pool->context, index, pool->threads);
    if (__atomic_sub_fetch(&pool->pending, 1, __ATOMIC_SEQ_CST) == 0 &&
        __atomic_load_n(&pool->caller_sleeps, __ATOMIC_SEQ_CST))
      futex_wake_all(&pool->pending);
  }
}

static void wake_workers(ck_pool *pool) {
  __atomic_fetch_add(&pool->generation, 1, __ATOMIC_SEQ_CST);
  if (__atomic_load_n(&pool->sleepers, __ATOMIC_SEQ_CST)) futex_wake_all(&pool->generation);
}

static ck_status start_workers(ck_pool *pool) {
  for (uint32_t i = 1; i < pool->threads; i++) {
    worker_start *start = malloc(sizeof *start);
    if (start == NULL) return CK_OUT_OF_MEMORY;
    *start = (worker_start){pool, i};
    if (pthread_create(&pool->workers[i - 1], NULL, work, start) != 0) {
      free(start);
      return CK_SYSTEM;
    }
    pool->started = i;
  }
  return CK_OK;
}

ck_status ck_pool_create(uint32_t threads, ck_pool **out) {
  ck_pool *pool = NULL;
  if (posix_memalign((void **)&pool, CK_CACHE_LINE, sizeof *pool) != 0) return CK_OUT_OF_MEMORY;
  *pool = (ck_pool){.threads = threads};
  pool->workers = calloc(threads, sizeof *pool->workers);
  pool->tickets = aligned_alloc(CK_CACHE_LINE, threads * sizeof *pool->tickets);
  if (pool->workers == NULL || pool->tickets == NULL || pthread_mutex_init(&pool->turn, NULL) != 0) {
    free(pool->workers);
    free(pool->tickets);
    free(pool);
    return CK_OUT_OF_MEMORY;
  }
  ck_status status = start_workers(pool);
  if (status != CK_OK) {
    ck_pool_destroy(pool);
    return status;
  }
  *out = pool;
  return CK_OK;
}

void ck_pool_destroy(ck_pool *pool) {
  if (pool == NULL) return;
  __atomic_store_n(&pool->stop, 1, __ATOMIC_SEQ_CST);
  wake_workers(pool);
  for (uint32_t i = 0; i < pool->started; i++) pthread_join(pool->workers[i], NULL);
  pthread_mutex_destroy(&pool->turn);
  free(pool->workers);
  free(pool->tickets);
  free(pool);
}

size_t ck_pool_take(ck_pool *pool, uint32_t owner) {
  return __atomic_fetch_add(&pool->tickets[owner].next, 1, __ATOMIC_RELAXED);
}

uint32_t ck_pool_threads(const ck_pool *pool) { return pool->threads; }

static void join(ck_pool *pool) {
  for (;;) {
    uint32_t pending = __atomic_load_n(&pool->pending, __ATOMIC_ACQUIRE);
    if (pending == 0) return;
    wait_change(&pool->pending, pending, &pool->caller_sleeps);
  }
}

void ck_pool_run(ck_pool *pool, ck_task task, void *context) {
  pthread_mutex_lock(&pool->turn);
  for (uint32_t i = 0; i < pool->threads; i++) __atomic_store_n(&pool->tickets[i].next, 0, __ATOMIC_RELAXED);
  if (pool->threads > 1) {
    pool->task = task;
    pool->context = context;
    __atomic_store_n(&pool->pending, pool->threads - 1, __ATOMIC_SEQ_CST);
    wake_workers(pool);
  }
  task(context, 0, pool->threads);
  if (pool->threads > 1) join(pool);
  pthread_mutex_unlock(&pool->turn);
}
