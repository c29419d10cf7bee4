// The pool of threads behind a runtime: fork-join over all of them, spinning briefly, then sleeping.
#ifndef CK_POOL_H
#define CK_POOL_H

#include "ckernels.h"

typedef struct ck_pool ck_pool;
typedef void (*ck_task)(void *context, uint32_t index, uint32_t count);

/// `threads` >= 1 counts the caller.
ck_status ck_pool_create(uint32_t threads, ck_pool **pool);
void ck_pool_destroy(ck_pool *pool);
uint32_t ck_pool_threads(const ck_pool *pool);
/// Runs task(context, index, threads) once for each index, the caller being index 0. Callers take turns.
void ck_pool_run(ck_pool *pool, ck_task task, void *context);

/// For tasks that are shares of a list, one share a thread: the next item of `owner`'s share, counted from 0 in each
/// run. Any thread may ask.
size_t ck_pool_take(ck_pool *pool, uint32_t owner);

#endif
