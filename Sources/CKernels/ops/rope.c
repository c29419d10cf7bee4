// RoPE: tables of cosines and sines in double precision, and the rotation of rows.
#include <math.h>

#include "ops/ops.h"

typedef struct table_work {
  const float *frequencies;
  size_t pairs;
  float magnitude;
  const int32_t *positions;
  size_t rows;
  float *cosines, *sines;
  const int32_t *cancel;
} table_work;

// The product of a 31-bit position and a 24-bit frequency needs 55 bits: in double it is off by half a unit in the
// last of 53, which even at position 2^20 is 1e-10 radians. libm reduces the angle exactly.
static void table_task(void *context, uint32_t index, uint32_t count) {
  const table_work *work = context;
  size_t begin, end;
  ck_share(work->rows, index, count, &begin, &end);
  for (size_t r = begin; r < end && !ck_cancelled(work->cancel); r++) {
    for (size_t i = 0; i < work->pairs; i++) {
      double angle = (double)work->positions[r] * (double)work->frequencies[i], sine, cosine;
      sincos(angle, &sine, &cosine);
      work->cosines[r * work->pairs + i] = (float)(cosine * work->magnitude);
      work->sines[r * work->pairs + i] = (float)(sine * work->magnitude);
    }
  }
}

ck_status ck_rope_table(ck_runtime *runtime, const float *inverse_frequency, size_t pairs, float magnitude,
                        const int32_t *positions, size_t rows, float *cosines, float *sines) {
  if (runtime == NULL || pairs == 0 || inverse_frequency == NULL || !ck_matrix_valid(cosines, rows, pairs, pairs) ||
      !ck_matrix_valid(sines, rows, pairs, pairs) || (rows > 0 && positions == NULL))
    return CK_INVALID_ARGUMENT;
  for (size_t r = 0; r < rows; r++)
    if (positions[r] < 0) return CK_INVALID_ARGUMENT;
  table_work work = {inverse_frequency, pairs, magnitude, positions, rows, cosines, sines, ck_cancel_flag()};
  size_t values = rows * pairs;  // a sine costs about a hundred sums
  return ck_run_values(runtime, values > SIZE_MAX / 64 ? SIZE_MAX : values * 64, table_task, &work);
}

typedef struct rope_work {
  ck_rope_kernel kernel;
  ck_rope_pairing pairing;
  float *x;
  size_t ldx, rows, heads, head_dim;
  const float *cosines, *sines;
  size_t pairs;
  const int32_t *cancel;
} rope_work;

static void rope_task(void *context, uint32_t index, uint32_t count) {
  const rope_work *work = context;
  size_t begin, end;
  ck_share(work->rows, index, count, &begin, &end);
  for (size_t r = begin; r < end && !ck_cancelled(work->cancel); r++) {
    ck_rope_call call = {work->pairing, work->x + r * work->ldx, work->heads, work->head_dim,
                         work->cosines + r * work->pairs, work->sines + r * work->pairs, work->pairs};
    work->kernel(&call);
  }
}

ck_status ck_rope(ck_runtime *runtime, ck_rope_pairing pairing, float *x, size_t ldx, size_t rows, size_t heads,
                  size_t head_dim, const float *cosines, const float *sines, size_t pairs) {
  size_t width;
  if (runtime == NULL || (unsigned)pairing > CK_ROPE_INTERLEAVED || pairs == 0 || pairs > head_dim / 2 ||
      __builtin_mul_overflow(heads, head_dim, &width) || !ck_matrix_valid(x, rows, width, ldx) ||
      !ck_matrix_valid(cosines, rows, pairs, pairs) || !ck_matrix_valid(sines, rows, pairs, pairs))
    return CK_INVALID_ARGUMENT;
  rope_work work = {runtime->table.rope.run, pairing, x, ldx, rows, heads, head_dim, cosines, sines, pairs,
                    ck_cancel_flag()};
  return ck_run_values(runtime, rows * width, rope_task, &work);
}
