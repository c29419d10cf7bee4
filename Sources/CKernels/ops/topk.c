// The k largest of each row: checks, then one kernel call a row.
#include "ops/ops.h"

typedef struct topk_work {
  ck_topk_kernel kernel;
  const int32_t *cancel;
  const float *x;
  size_t ldx, rows, n, k;
  float *values;
  int32_t *indices;
} topk_work;

static void topk_task(void *context, uint32_t index, uint32_t count) {
  const topk_work *work = context;
  size_t begin, end;
  ck_share(work->rows, index, count, &begin, &end);
  for (size_t i = begin; i < end && !ck_cancelled(work->cancel); i++) {
    ck_topk_call call = {work->x + i * work->ldx, work->n, work->k, work->values + i * work->k,
                         work->indices + i * work->k};
    work->kernel(&call);
  }
}

ck_status ck_topk(ck_runtime *runtime, const float *x, size_t ldx, size_t rows, size_t n, size_t k, float *values,
                  int32_t *indices) {
  if (runtime == NULL || k > n || n > INT32_MAX || !ck_matrix_valid(x, rows, n, ldx) ||
      !ck_matrix_valid(values, rows, k, k) || !ck_matrix_valid(indices, rows, k, k))
    return CK_INVALID_ARGUMENT;
  if (rows == 0 || k == 0) return CK_OK;
  topk_work work = {runtime->table.topk.run, ck_cancel_flag(), x, ldx, rows, n, k, values, indices};
  return ck_run_values(runtime, rows == 1 ? 1 : rows * n, topk_task, &work);
}
