// A runtime's inside: the kernel table, the pool and the lock. For ops/ and dispatch/ only.
#ifndef CK_RUNTIME_H
#define CK_RUNTIME_H

#include "dispatch/table.h"
#include "runtime/pool.h"

enum { CK_MATMUL_COLUMNS = 256 };  // the longest run of columns that one kernel call multiplies

/// What one thread needs while it multiplies: chunks of two panels in the form their kernel reads, and accumulators.
typedef struct ck_matmul_scratch {
  ck_plain plain[2];
  _Alignas(64) float exact[2][CK_EXACT_CHUNK * CK_ROWS];
  _Alignas(64) float acc[2 * CK_MATMUL_COLUMNS * CK_ROWS], gate[2 * CK_MATMUL_COLUMNS * CK_ROWS];
} ck_matmul_scratch;

struct ck_runtime {
  ck_table table;
  ck_pool *pool;
  ck_matmul_scratch *matmul_scratch;  // one a thread
};

/// The calling thread's cancel flag, or NULL.
const int32_t *ck_cancel_flag(void);

/// True if `flag` (may be NULL) asks to stop. For tasks: read the flag before the parallel region, pass it in.
CK_INLINE bool ck_cancelled(const int32_t *flag) {
  return flag != NULL && __atomic_load_n(flag, __ATOMIC_RELAXED) != 0;
}

/// Runs task on the pool's threads; operations of several callers take turns. CK_CANCELLED if the calling
/// thread's flag is set before or after.
ck_status ck_run(ck_runtime *runtime, ck_task task, void *context);

#endif
