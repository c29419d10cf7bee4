// Gating, scaled sums, scatter-add and softcap: checks and partition.
#include "ops/ops.h"

typedef struct rows_work {
  ck_grid grid;
  const ck_table *table;
  const int32_t *cancel;
  ck_gate act;
  float factor;  // a of add_scaled, cap of softcap
  const float *a, *b;
  float *y;
  size_t lda, ldb, ldy;
} rows_work;

static void gated_task(void *context, uint32_t index, uint32_t count) {
  const rows_work *work = context;
  size_t begin, end;
  ck_share(work->grid.rows * work->grid.pieces, index, count, &begin, &end);
  for (size_t i = begin; i < end && !ck_cancelled(work->cancel); i++) {
    ck_piece at = ck_grid_piece(&work->grid, i);
    ck_gated_call call = {work->act, work->a + at.row * work->lda + at.column,
                          work->b ? work->b + at.row * work->ldb + at.column : NULL,
                          work->y + at.row * work->ldy + at.column, at.count};
    work->table->gated.run(&call);
  }
}

ck_status ck_gated(ck_runtime *runtime, ck_gate act, const float *gate, size_t ldg, const float *up, size_t ldu,
                   float *y, size_t ldy, size_t rows, size_t n) {
  if (runtime == NULL || (unsigned)act > CK_GATE_GELU_ERF || !ck_matrix_valid(gate, rows, n, ldg) ||
      !ck_matrix_valid(y, rows, n, ldy) || (up != NULL && !ck_matrix_valid(up, rows, n, ldu)))
    return CK_INVALID_ARGUMENT;
  rows_work work = {.grid = ck_grid_of(rows, n), .table = &runtime->table, .cancel = ck_cancel_flag(), .act = act,
                    .a = gate, .lda = ldg, .b = up, .ldb = ldu, .y = y, .ldy = ldy};
  // An exponential costs about eight sums.
  return ck_run_values(runtime, rows * n > SIZE_MAX / 8 ? SIZE_MAX : rows * n * 8, gated_task, &work);
}

static void add_scaled_task(void *context, uint32_t index, uint32_t count) {
  const rows_work *work = context;
  size_t begin, end;
  ck_share(work->grid.rows * work->grid.pieces, index, count, &begin, &end);
  for (size_t i = begin; i < end && !ck_cancelled(work->cancel); i++) {
    ck_piece at = ck_grid_piece(&work->grid, i);
    ck_add_scaled_call call = {work->factor, work->a + at.row * work->lda + at.column,
                               work->y + at.row * work->ldy + at.column, at.count};
    work->table->add_scaled.run(&call);
  }
}

ck_status ck_add_scaled(ck_runtime *runtime, float a, const float *x, size_t ldx, float *y, size_t ldy, size_t rows,
                        size_t n) {
  if (runtime == NULL || !ck_matrix_valid(x, rows, n, ldx) || !ck_matrix_valid(y, rows, n, ldy))
    return CK_INVALID_ARGUMENT;
  rows_work work = {.grid = ck_grid_of(rows, n), .table = &runtime->table, .cancel = ck_cancel_flag(), .factor = a,
                    .a = x, .lda = ldx, .y = y, .ldy = ldy};
  return ck_run_values(runtime, rows * n, add_scaled_task, &work);
}

static void softcap_task(void *context, uint32_t index, uint32_t count) {
  const rows_work *work = context;
  size_t begin, end;
  ck_share(work->grid.rows * work->grid.pieces, index, count, &begin, &end);
  for (size_t i = begin; i < end && !ck_cancelled(work->cancel); i++) {
    ck_piece at = ck_grid_piece(&work->grid, i);
    ck_softcap_call call = {work->factor, work->y + at.row * work->ldy + at.column, at.count};
    work->table->softcap.run(&call);
  }
}

ck_status ck_softcap(ck_runtime *runtime, float cap, float *x, size_t ldx, size_t rows, size_t n) {
  if (runtime == NULL || !(cap > 0) || cap > 3e38f || !ck_matrix_valid(x, rows, n, ldx)) return CK_INVALID_ARGUMENT;
  rows_work work = {.grid = ck_grid_of(rows, n), .table = &runtime->table, .cancel = ck_cancel_flag(), .factor = cap,
                    .y = x, .ldy = ldx};
  return ck_run_values(runtime, rows * n > SIZE_MAX / 8 ? SIZE_MAX : rows * n * 8, softcap_task, &work);
}

typedef struct scatter_work {
  const ck_table *table;
  const int32_t *cancel;
  const float *a;
  const int32_t *ids;
  const float *x;
  size_t ldx;
  float *y;
  size_t ldy;
  size_t rows, n;
} scatter_work;

// Each thread owns columns, in whole cache lines, so that the rows that meet in one row of y are summed in order.
static void scatter_task(void *context, uint32_t index, uint32_t count) {
  const scatter_work *work = context;
  const size_t line = CK_CACHE_LINE / sizeof(float);
  size_t begin, end;
  ck_share(work->n / line + (work->n % line != 0), index, count, &begin, &end);
  begin *= line;
  end = end * line < work->n ? end * line : work->n;
  if (begin >= end) return;
  for (size_t i = 0; i < work->rows && !ck_cancelled(work->cancel); i++) {
    ck_add_scaled_call call = {work->a[i], work->x + i * work->ldx + begin,
                               work->y + (size_t)work->ids[i] * work->ldy + begin, end - begin};
    work->table->add_scaled.run(&call);
  }
}

ck_status ck_scatter_add(ck_runtime *runtime, const float *a, const int32_t *ids, const float *x, size_t ldx, float *y,
                         size_t ldy, size_t y_rows, size_t rows, size_t n) {
  if (runtime == NULL || !ck_matrix_valid(x, rows, n, ldx) || !ck_matrix_valid(y, y_rows, n, ldy) ||
      (rows > 0 && (a == NULL || ids == NULL)))
    return CK_INVALID_ARGUMENT;
  for (size_t i = 0; i < rows; i++)
    if (ids[i] < 0 || (size_t)ids[i] >= y_rows) return CK_INVALID_ARGUMENT;
  scatter_work work = {&runtime->table, ck_cancel_flag(), a, ids, x, ldx, y, ldy, rows, n};
  return ck_run_values(runtime, rows * n, scatter_task, &work);
}
