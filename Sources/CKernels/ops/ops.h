// What the operations share: checks of shapes and the partition of rows and columns. No kernel is named here.
#ifndef CK_OPS_H
#define CK_OPS_H

#include "runtime/runtime.h"

enum {
  // Below this many values a region over all threads costs more than it saves (about 1 us a join; Zen 4 does
  // 8 to 16 elementwise values a nanosecond).
  CK_SERIAL_VALUES = 16384,
  CK_COLUMNS = 4096,  // columns in one item of an elementwise operation
};

/// True if a matrix (rows, n) with leading dimension ld is one that memory can hold.
CK_INLINE bool ck_matrix_valid(const void *data, size_t rows, size_t n, size_t ld) {
  size_t span;
  if (rows == 0 || n == 0) return true;
  return data != NULL && ld >= n && !__builtin_mul_overflow(rows, ld, &span) && span <= PTRDIFF_MAX / sizeof(double);
}

/// Runs task over the pool's threads, or on this one where `values` is little work.
CK_INLINE ck_status ck_run_values(ck_runtime *runtime, size_t values, ck_task task, void *context) {
  if (values > CK_SERIAL_VALUES) return ck_run(runtime, task, context);
  if (ck_cancelled(ck_cancel_flag())) return CK_CANCELLED;
  task(context, 0, 1);
  return CK_OK;
}

/// Rows cut in pieces of at most CK_COLUMNS columns: for operations whose values do not depend on each other.
typedef struct ck_grid {
  size_t rows, n, pieces;
} ck_grid;

CK_INLINE ck_grid ck_grid_of(size_t rows, size_t n) {
  return (ck_grid){rows, n, n / CK_COLUMNS + (n % CK_COLUMNS != 0)};
}

typedef struct ck_piece {
  size_t row, column, count;
} ck_piece;

CK_INLINE ck_piece ck_grid_piece(const ck_grid *grid, size_t item) {
  size_t column = item % grid->pieces * CK_COLUMNS, left = grid->n - column;
  return (ck_piece){item / grid->pieces, column, left < CK_COLUMNS ? left : CK_COLUMNS};
}

#endif
