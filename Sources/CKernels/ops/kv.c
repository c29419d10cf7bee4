// The KV cache: its layout, and storing keys and values.
#include "ops/kv.h"

enum { MAX_KV_HEADS = 65536 };

ck_status ck_kv_plan(const ck_runtime *runtime, ck_format format, uint32_t kv_heads, uint32_t head_dim,
                     ck_kv_layout *layout) {
  if (runtime == NULL || layout == NULL || kv_heads == 0 || kv_heads > MAX_KV_HEADS || head_dim == 0 ||
      (unsigned)format >= CK_FORMAT_COUNT)
    return CK_INVALID_ARGUMENT;
  if (runtime->table.kv_store[format].run == NULL || head_dim % 8 != 0 || head_dim > CK_KV_MAX_DIM)
    return CK_UNSUPPORTED;
  ck_kv_layout plan = {.format = format, .positions = CK_KV_BLOCK, .kv_heads = kv_heads, .head_dim = head_dim};
  plan.layer_bytes = kv_heads * ck_kv_head_bytes(&plan);
  *layout = plan;
  return CK_OK;
}

ck_format ck_kv_preferred(const ck_runtime *runtime) {
  // ISAs are listed best first: a bfloat16 kernel of a better one is there because it multiplies bfloat16.
  if (runtime == NULL) return CK_FORMAT_F16;
  return runtime->table.attention[CK_FORMAT_BF16].isa < runtime->table.attention[CK_FORMAT_F16].isa ? CK_FORMAT_BF16
                                                                                                     : CK_FORMAT_F16;
}

bool ck_kv_layout_valid(const ck_kv_layout *layout) {
  return layout != NULL &&
         (layout->format == CK_FORMAT_F32 || layout->format == CK_FORMAT_F16 ||
          layout->format == CK_FORMAT_BF16 || layout->format == CK_FORMAT_Q8_0) &&
         layout->positions == CK_KV_BLOCK && layout->kv_heads > 0 && layout->kv_heads <= MAX_KV_HEADS &&
         layout->head_dim > 0 && layout->head_dim % 8 == 0 && layout->head_dim <= CK_KV_MAX_DIM &&
         layout->layer_bytes == layout->kv_heads * ck_kv_head_bytes(layout);
}

bool ck_kv_sequence_valid(const ck_kv_sequence *sequence, size_t first, size_t width, size_t ld) {
  size_t rows, end;
  if (sequence->rows == 0) return true;
  if (__builtin_add_overflow(sequence->first_row, sequence->rows, &rows) || ld < width ||
      __builtin_mul_overflow(rows, ld, &end) || end > PTRDIFF_MAX / sizeof(float) ||
      __builtin_add_overflow(sequence->position, sequence->rows, &end) || sequence->blocks == NULL)
    return false;
  size_t blocks = end / CK_KV_BLOCK + (end % CK_KV_BLOCK != 0);
  if (blocks > sequence->block_count) return false;
  for (size_t b = first / CK_KV_BLOCK; b < blocks; b++)
    if (sequence->blocks[b] == NULL) return false;
  return true;
}

typedef struct store_work {
  const ck_kv_store_args *args;
  ck_kv_store_kernel kernel;
  size_t offset, head_bytes;
  size_t items;  // (sequence, block, KV head)
  const int32_t *cancel;
} store_work;

static size_t blocks_of(const ck_kv_sequence *sequence) {
  if (sequence->rows == 0) return 0;
  return (sequence->position + sequence->rows - 1) / CK_KV_BLOCK - sequence->position / CK_KV_BLOCK + 1;
}

// One sequence's rows that lie in its block `block`, for one KV head.
static void store_block(const store_work *work, const ck_kv_sequence *sequence, size_t block, size_t head) {
  const ck_kv_store_args *args = work->args;
  size_t begin = block * CK_KV_BLOCK, end = begin + CK_KV_BLOCK, last = sequence->position + sequence->rows;
  if (begin < sequence->position) begin = sequence->position;
  if (end > last) end = last;
  size_t row = sequence->first_row + begin - sequence->position, column = head * args->layout->head_dim;
  ck_kv_store_call call = {.layout = args->layout,
                           .part = (char *)sequence->blocks[block] + work->offset + head * work->head_bytes,
                           .position = begin % CK_KV_BLOCK,
                           .count = end - begin,
                           .keys = args->keys + row * args->ldk + column,
                           .values = args->values + row * args->ldv + column,
                           .ldk = args->ldk,
                           .ldv = args->ldv};
  work->kernel(&call);
}

static void store_task(void *context, uint32_t index, uint32_t count) {
  const store_work *work = context;
  const size_t heads = work->args->layout->kv_heads;
  size_t begin, end, first = 0;
  ck_share(work->items, index, count, &begin, &end);
  for (size_t s = 0; s < work->args->sequence_count && first < end; s++) {
    const ck_kv_sequence *sequence = work->args->sequences + s;
    size_t items = blocks_of(sequence) * heads;
    for (size_t i = begin > first ? begin - first : 0; i < items && first + i < end; i++) {
      if (ck_cancelled(work->cancel)) return;
      store_block(work, sequence, sequence->position / CK_KV_BLOCK + i / heads, i % heads);
    }
    first += items;
  }
}

ck_status ck_kv_store(ck_runtime *runtime, const ck_kv_store_args *args) {
  store_work work = {.args = args, .cancel = ck_cancel_flag()};
  if (runtime == NULL || args == NULL || args->struct_size < sizeof *args || !ck_kv_layout_valid(args->layout) ||
      !ck_kv_offset(args->layout, args->layer, &work.offset) ||
      (args->sequence_count > 0 && (args->sequences == NULL || args->keys == NULL || args->values == NULL)))
    return CK_INVALID_ARGUMENT;
  size_t width = (size_t)args->layout->kv_heads * args->layout->head_dim, rows = 0;
  for (size_t s = 0; s < args->sequence_count; s++) {
    const ck_kv_sequence *sequence = args->sequences + s;
    if (!ck_kv_sequence_valid(sequence, sequence->position, width, args->ldk) ||
        !ck_kv_sequence_valid(sequence, sequence->position, width, args->ldv))
      return CK_INVALID_ARGUMENT;
    rows += sequence->rows;
    work.items += blocks_of(sequence) * args->layout->kv_heads;
  }
  work.kernel = runtime->table.kv_store[args->layout->format].run;
  work.head_bytes = ck_kv_head_bytes(args->layout);
  return ck_run_values(runtime, rows * width, store_task, &work);
}
