// RMSNorm and LayerNorm of rows and of groups in a row: checks, then one kernel call a vector.
#include "ops/ops.h"

typedef struct norm_work {
  const ck_norm_args *args;
  ck_norm_kernel kernel;
  const int32_t *cancel;
} norm_work;

static void norm_task(void *context, uint32_t index, uint32_t count) {
  const norm_work *work = context;
  const ck_norm_args *args = work->args;
  size_t begin, end;
  ck_share(args->rows * args->groups, index, count, &begin, &end);
  for (size_t i = begin; i < end && !ck_cancelled(work->cancel); i++) {
    size_t row = i / args->groups, column = i % args->groups * args->n;
    ck_norm_call call = {.x = args->x + row * args->ldx + column, .y = args->y + row * args->ldy + column,
                         .n = args->n, .weight = args->weight, .bias = args->bias, .offset = args->offset,
                         .epsilon = args->epsilon};
    work->kernel(&call);
  }
}

static ck_status norm(ck_runtime *runtime, const ck_norm_args *args, ck_norm_kernel kernel) {
  size_t width;
  if (!(args->epsilon >= 0) || args->n == 0 || args->groups == 0 ||
      __builtin_mul_overflow(args->n, args->groups, &width) ||
      !ck_matrix_valid(args->x, args->rows, width, args->ldx) ||
      !ck_matrix_valid(args->y, args->rows, width, args->ldy))
    return CK_INVALID_ARGUMENT;
  norm_work work = {args, kernel, ck_cancel_flag()};
  return ck_run_values(runtime, args->rows * width, norm_task, &work);
}

ck_status ck_rms_norm(ck_runtime *runtime, const ck_norm_args *args) {
  if (runtime == NULL || args == NULL || args->struct_size < sizeof *args || args->bias != NULL)
    return CK_INVALID_ARGUMENT;
  return norm(runtime, args, runtime->table.rms_norm.run);
}

ck_status ck_layer_norm(ck_runtime *runtime, const ck_norm_args *args) {
  if (runtime == NULL || args == NULL || args->struct_size < sizeof *args) return CK_INVALID_ARGUMENT;
  return norm(runtime, args, runtime->table.layer_norm.run);
}
