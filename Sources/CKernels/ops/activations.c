// Plans activations and converts rows of x to them. The records are in kernels/panel.h.
#include "ops/activations.h"

ck_record_layout ck_record_layout_of(const ck_table *table, ck_activation kind) {
  switch (kind) {
    case CK_ACTIVATION_Q8_32: return (ck_record_layout){32, sizeof(ck_q8_32), true};
    case CK_ACTIVATION_Q8_256: return (ck_record_layout){256, sizeof(ck_q8_256), false};
    case CK_ACTIVATION_BF16:
      if (table->matmul_bf16.run != NULL) return (ck_record_layout){32, sizeof(ck_bf16_32), false};
      break;
    case CK_ACTIVATION_F32: break;
  }
  return (ck_record_layout){16, sizeof(ck_f32_16), false};
}

static ck_record_kernel kernel_of(const ck_table *table, ck_activation kind) {
  switch (kind) {
    case CK_ACTIVATION_Q8_32: return table->record_q8_32.run;
    case CK_ACTIVATION_Q8_256: return table->record_q8_256.run;
    case CK_ACTIVATION_BF16: return table->matmul_bf16.run ? table->record_bf16.run : table->record_bf16_wide.run;
    case CK_ACTIVATION_F32: break;
  }
  return table->record_f32.run;
}

size_t ck_activations_stride(const ck_table *table, const ck_activations *a) {
  return ck_record_stride(ck_record_layout_of(table, a->kind).bytes, a->m);
}

size_t ck_activations_records(const ck_table *table, const ck_activations *a) {
  size_t values = ck_record_layout_of(table, a->kind).values;
  return (a->k + values - 1) / values * ck_activations_stride(table, a);
}

static bool valid_shape(const ck_table *table, ck_activation kind, size_t m, size_t k) {
  if ((unsigned)kind > CK_ACTIVATION_Q8_256 || m == 0 || k == 0 || m > SIZE_MAX / 4096 || k > SIZE_MAX / 4096)
    return false;
  ck_record_layout layout = ck_record_layout_of(table, kind);
  if (kind >= CK_ACTIVATION_Q8_32 && k % layout.values != 0) return false;
  size_t bytes;
  return !__builtin_mul_overflow(k / layout.values + 1, ck_record_stride(layout.bytes, m), &bytes) &&
         bytes < SIZE_MAX / 2;
}

static size_t bytes_of(const ck_table *table, const ck_activations *a) {
  size_t scales = ck_record_layout_of(table, a->kind).row_scales ? (a->m * sizeof(float) + 63) / 64 * 64 : 0;
  return ck_activations_records(table, a) + scales;
}

ck_status ck_activations_plan(const ck_runtime *runtime, ck_activation kind, size_t m, size_t k,
                              ck_activations *activations) {
  if (runtime == NULL || activations == NULL || !valid_shape(&runtime->table, kind, m, k)) return CK_INVALID_ARGUMENT;
  *activations = (ck_activations){.kind = kind, .m = m, .k = k};
  activations->bytes = bytes_of(&runtime->table, activations);
  return CK_OK;
}

bool ck_activations_valid(const ck_table *table, const ck_activations *a) {
  return a != NULL && a->data != NULL && (uintptr_t)a->data % 64 == 0 && valid_shape(table, a->kind, a->m, a->k) &&
         a->bytes >= bytes_of(table, a);
}

typedef struct store_context {
  const ck_activations *a;
  ck_record_kernel kernel;
  size_t record_bytes, stride;
  float *row_scales;  // or NULL
  const float *x;
  size_t ldx;
  const int32_t *rows;
} store_context;

static void store_task(void *context, uint32_t index, uint32_t count) {
  const store_context *c = context;
  size_t begin, end;
  ck_share(c->a->m, index, count, &begin, &end);
  for (size_t i = begin; i < end; i++) {
    const float *x = c->x + (c->rows ? (size_t)c->rows[i] : i) * c->ldx;
    float scale = c->kernel(x, c->a->k, (char *)c->a->data + i * c->record_bytes, c->stride);
    if (c->row_scales) c->row_scales[i] = scale;
  }
}

// Below this many values one thread is done before the others have woken up.
enum { ALONE = 16384 };

ck_status ck_activations_store(ck_runtime *runtime, ck_activations *activations, const float *x, size_t ldx,
                               const int32_t *rows) {
  if (runtime == NULL || x == NULL || !ck_activations_valid(&runtime->table, activations)) return CK_INVALID_ARGUMENT;
  const size_t m = activations->m;
  if ((m > 1 || rows != NULL) && ldx < activations->k) return CK_INVALID_ARGUMENT;
  for (size_t i = 0; rows != NULL && i < m; i++)
    if (rows[i] < 0) return CK_INVALID_ARGUMENT;
  const ck_table *table = &runtime->table;
  const ck_record_layout layout = ck_record_layout_of(table, activations->kind);
  store_context context = {.a = activations,
                           .kernel = kernel_of(table, activations->kind),
                           .record_bytes = layout.bytes,
                           .stride = ck_activations_stride(table, activations),
                           .x = x,
                           .ldx = ldx,
                           .rows = rows};
  if (layout.row_scales)
    context.row_scales = (float *)((char *)activations->data + ck_activations_records(table, activations));
  if (m == 1 || m * activations->k <= ALONE) {
    store_task(&context, 0, 1);
    return CK_OK;
  }
  return ck_run(runtime, store_task, &context);
}
