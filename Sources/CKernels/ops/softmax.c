// Row-wise softmax: checks, then one kernel call a row.
#include "ops/ops.h"

typedef struct softmax_work {
  ck_softmax_kernel kernel;
  const int32_t *cancel;
  float scale;
  const float *x;
  size_t ldx;
  float *y;
  size_t ldy;
  size_t rows, n;
} softmax_work;

static void softmax_task(void *context, uint32_t index, uint32_t count) {
  const softmax_work *work = context;
  size_t begin, end;
  ck_share(work->rows, index, count, &begin, &end);
  for (size_t i = begin; i < end && !ck_cancelled(work->cancel); i++) {
    ck_softmax_call call = {work->scale, work->x + i * work->ldx, work->y + i * work->ldy, work->n};
    work->kernel(&call);
  }
}

ck_status ck_softmax(ck_runtime *runtime, float scale, const float *x, size_t ldx, float *y, size_t ldy, size_t rows,
                     size_t n) {
  if (runtime == NULL || scale - scale != 0 || !ck_matrix_valid(x, rows, n, ldx) || !ck_matrix_valid(y, rows, n, ldy))
    return CK_INVALID_ARGUMENT;
  if (rows == 0 || n == 0) return CK_OK;
  softmax_work work = {runtime->table.softmax.run, ck_cancel_flag(), scale, x, ldx, y, ldy, rows, n};
  return ck_run_values(runtime, rows == 1 ? 1 : rows * n, softmax_task, &work);
}
