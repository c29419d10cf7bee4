// Attention over the KV cache: checks, the partition into tiles and splits, and the merge of splits.
//
// A tile is some rows of one sequence times query heads of one KV head; or one row times all query heads of several KV
// heads, which lie next to each other in a block. Its positions are walked in splits of
// SPLIT_POSITIONS, aligned to absolute positions; each split has a softmax of its own, and the splits are merged in
// order, always: by the thread that walked them all, or, where there are fewer tiles than threads could share, by the
// thread that finished the last. So neither threads nor chunks change a bit.
#include <float.h>
#include <math.h>

#include "ops/kv.h"

enum {
  // A split's keys and values are 64 to 512 KiB: 5 to 20 us of memory time, against 1 us to merge it.
  SPLIT_POSITIONS = 512,
  // Splits go to threads of their own when there are fewer tiles than this a thread.
  TILES_A_THREAD = 4,
};

typedef struct plan {
  const ck_attention_args *args;
  const ck_table *table;
  const int32_t *cancel;
  size_t stride, offset, head_bytes;
  size_t group;                   // query heads of a KV head
  size_t head_tile, head_tiles;   // query heads of a tile, and tiles that cover the group
  size_t row_tile;                // rows of a tile
  size_t kv_tile;                 // KV heads of a tile of one row
  size_t count;                   // vectors of the largest tile
  bool split;                     // an item is a split of a tile, not a tile
  size_t items, values;           // values: how much work, for ck_run_values
  size_t state_bytes, thread_bytes, scratch_bytes;
  char *threads;        // scratch: a part for each thread
  char *states;         // with `split`: a state for each item
  uint32_t *unfinished; // with `split`: how many of each tile's items are still to be done
  size_t next;          // the next item to be taken
} plan;

static size_t up_to_line(size_t bytes) { return (bytes + CK_CACHE_LINE - 1) / CK_CACHE_LINE * CK_CACHE_LINE; }
static size_t pieces(size_t whole, size_t piece) { return whole / piece + (whole % piece != 0); }
static size_t end_of(const ck_kv_sequence *sequence) { return sequence->position + sequence->rows; }

// The first position that the query at `position` sees.
static size_t first_seen(const ck_attention_args *args, size_t position) {
  return args->window > 0 && position >= args->window ? position - args->window + 1 : 0;
}

static size_t kv_tile_of(const plan *p, const ck_kv_sequence *sequence) {
  return sequence->rows == 1 ? p->kv_tile : 1;
}

static size_t tiles_of(const plan *p, const ck_kv_sequence *sequence) {
  return pieces(sequence->rows, p->row_tile) * p->head_tiles *
         pieces(p->args->layout->kv_heads, kv_tile_of(p, sequence));
}

static size_t splits_of(const plan *p, const ck_kv_sequence *sequence) {
  return p->split ? pieces(end_of(sequence), SPLIT_POSITIONS) : 1;
}

static size_t at_most(size_t a, size_t b) { return a < b ? a : b; }

// One row reads each key once, so it should read them in one stream: as many KV heads as a tile holds, but not so many
// that there are too few items to share out.
static size_t choose_kv_tile(const plan *p, uint32_t threads) {
  const size_t heads = p->args->layout->kv_heads;
  size_t runs = 0;
  for (size_t s = 0; s < p->args->sequence_count; s++)
    if (p->args->sequences[s].rows == 1) runs += pieces(end_of(p->args->sequences + s), SPLIT_POSITIONS);
  for (size_t tile = CK_ATTENTION_TILE / p->group; tile > 1; tile--) {
    const size_t tiles = pieces(heads, tile);
    if (threads == 1 || tiles * runs >= (size_t)threads * TILES_A_THREAD) return pieces(heads, tiles);
  }
  return 1;
}

// Counts and sizes. False where one overflows.
static bool measure(plan *p, uint32_t threads) {
  const ck_attention_args *args = p->args;
  size_t tiles = 0, longest = 0, rows = 0;
  for (size_t s = 0; s < args->sequence_count; s++) {
    const ck_kv_sequence *sequence = args->sequences + s;
    if (sequence->rows == 0) continue;
    if (__builtin_add_overflow(tiles, tiles_of(p, sequence), &tiles)) return false;
    if (end_of(sequence) > longest) longest = end_of(sequence);
    if (sequence->rows > rows) rows = sequence->rows;
  }
  p->count = at_most(rows, p->row_tile) * p->head_tile;
  if (p->count < p->kv_tile * p->head_tile) p->count = p->kv_tile * p->head_tile;
  p->split = threads > 1 && tiles < (size_t)threads * TILES_A_THREAD && longest > SPLIT_POSITIONS;
  for (size_t s = 0; s < args->sequence_count; s++) {
    const ck_kv_sequence *sequence = args->sequences + s;
    if (sequence->rows > 0) p->items += tiles_of(p, sequence) * splits_of(p, sequence);
    double work = (double)sequence->rows * args->heads * args->layout->head_dim * (double)end_of(sequence) / 4;
    p->values = work > 1e9 || p->values > 1000000000 ? 1000000000 : p->values + (size_t)work;
  }
  p->state_bytes = up_to_line(p->count * (p->stride + 2) * sizeof(float));
  p->thread_bytes = 2 * p->state_bytes + up_to_line(p->count * args->layout->head_dim * sizeof(float)) +
                    up_to_line(2 * p->count * sizeof(size_t)) + up_to_line(CK_ATTENTION_WORKSPACE);
  size_t states = 0, counts = 0;
  if (p->split && (__builtin_mul_overflow(p->items, p->state_bytes, &states) ||
                   __builtin_mul_overflow(tiles, sizeof(uint32_t), &counts)))
    return false;
  p->scratch_bytes = CK_CACHE_LINE + threads * p->thread_bytes;
  return !__builtin_add_overflow(p->scratch_bytes, states, &p->scratch_bytes) &&
         !__builtin_add_overflow(p->scratch_bytes, counts, &p->scratch_bytes);
}

// Checks everything but the scratch and the data pointers; the blocks only where they are to be read.
static ck_status make_plan(const ck_runtime *runtime, const ck_attention_args *args, bool blocks, plan *p) {
  if (runtime == NULL || args == NULL || args->struct_size < sizeof *args || !ck_kv_layout_valid(args->layout) ||
      args->heads == 0 || args->heads % args->layout->kv_heads != 0 || !isfinite(args->scale) ||
      !isfinite(args->softcap) || args->softcap < 0 || (args->sequence_count > 0 && args->sequences == NULL))
    return CK_INVALID_ARGUMENT;
  if (args->window > 0 && !args->causal) return CK_UNSUPPORTED;
  *p = (plan){.args = args, .table = &runtime->table, .cancel = ck_cancel_flag(),
              .stride = ck_kv_stride(args->layout), .head_bytes = ck_kv_head_bytes(args->layout),
              .group = args->heads / args->layout->kv_heads};
  p->head_tiles = pieces(p->group, CK_ATTENTION_TILE);
  p->head_tile = pieces(p->group, p->head_tiles);
  p->head_tiles = pieces(p->group, p->head_tile);
  p->row_tile = CK_ATTENTION_TILE / p->head_tile;
  const size_t width = (size_t)args->heads * args->layout->head_dim;
  if (!ck_kv_offset(args->layout, args->layer, &p->offset)) return CK_INVALID_ARGUMENT;
  for (size_t s = 0; s < args->sequence_count; s++) {
    const ck_kv_sequence *sequence = args->sequences + s;
    size_t first = first_seen(args, sequence->position), end;
    if (__builtin_add_overflow(sequence->position, sequence->rows, &end)) return CK_INVALID_ARGUMENT;
    if (!blocks) continue;
    if (!ck_kv_sequence_valid(sequence, first, width, args->ldq) ||
        !ck_kv_sequence_valid(sequence, first, width, args->ldo))
      return CK_INVALID_ARGUMENT;
  }
  p->kv_tile = choose_kv_tile(p, ck_pool_threads(runtime->pool));
  return measure(p, ck_pool_threads(runtime->pool)) ? CK_OK : CK_INVALID_ARGUMENT;
}

static ck_attention_state state_at(const plan *p, char *memory) {
  float *floats = (float *)memory;  // acc first, which wants alignment
  return (ck_attention_state){.acc = floats, .largest = floats + p->count * p->stride,
                              .sum = floats + p->count * (p->stride + 1)};
}

// What one item is about.
typedef struct tile {
  const ck_kv_sequence *sequence;
  size_t index;  // of all tiles
  size_t split, splits;
  size_t item;   // of the tile's split 0
  size_t kv_head, kv_heads, head, heads, row, rows;  // KV heads, their query heads, rows of the sequence
} tile;

// Where a thread stands in the list of sequences; items are taken in ascending order.
typedef struct cursor {
  size_t sequence, first_item, first_tile;
} cursor;

static tile tile_of(const plan *p, cursor *at, size_t item) {
  const ck_kv_sequence *sequence = p->args->sequences + at->sequence;
  for (;; sequence = p->args->sequences + ++at->sequence) {
    if (sequence->rows == 0) continue;
    size_t tiles = tiles_of(p, sequence), items = tiles * splits_of(p, sequence);
    if (item - at->first_item < items) break;
    at->first_item += items;
    at->first_tile += tiles;
  }
  size_t splits = splits_of(p, sequence), row_tiles = pieces(sequence->rows, p->row_tile);
  size_t local = (item - at->first_item) / splits;
  tile t = {.sequence = sequence, .index = at->first_tile + local, .splits = splits,
            .split = (item - at->first_item) % splits, .item = at->first_item + local * splits};
  // The last rows see most: they come first, so that the short tiles even out the end.
  t.row = (row_tiles - 1 - local % row_tiles) * p->row_tile;
  t.rows = at_most(p->row_tile, sequence->rows - t.row);
  size_t head_tile = local / row_tiles % p->head_tiles, kv_tile = kv_tile_of(p, sequence);
  t.kv_head = local / row_tiles / p->head_tiles * kv_tile;
  t.kv_heads = at_most(kv_tile, p->args->layout->kv_heads - t.kv_head);
  t.head = t.kv_head * p->group + head_tile * p->head_tile;
  t.heads = t.kv_heads * at_most(p->head_tile, p->group - head_tile * p->head_tile);
  return t;
}

// The splits that the tile sees: [first, last).
typedef struct range {
  size_t first, last;
} range;

static range splits_seen(const plan *p, const tile *t) {
  size_t position = t->sequence->position + t->row;
  size_t end = p->args->causal ? position + t->rows : end_of(t->sequence);
  return (range){first_seen(p->args, position) / SPLIT_POSITIONS, pieces(end, SPLIT_POSITIONS)};
}

// Queries of the tile, scaled so that scores come out in units of ln 2, and what each of them sees.
static void gather(const plan *p, const tile *t, ck_attention_call *call, float *q, size_t *from, size_t *to) {
  const ck_attention_args *args = p->args;
  const double log2e = 1.4426950408889634;
  const float factor = (float)(args->softcap > 0 ? args->scale / args->softcap : args->scale * log2e);
  const size_t dim = args->layout->head_dim;
  for (size_t i = 0; i < call->count; i++) {
    size_t row = t->row + i / t->heads, head = t->head + i % t->heads;
    const float *x = args->q + (t->sequence->first_row + row) * args->ldq + head * dim;
    for (size_t d = 0; d < dim; d++) q[i * dim + d] = x[d] * factor;
    size_t position = t->sequence->position + row;
    from[i] = first_seen(args, position);
    to[i] = args->causal ? position + 1 : end_of(t->sequence);
  }
  call->cap = args->softcap > 0 ? (float)(args->softcap * log2e) : 0;
}

// The sum of weighted values over the sum of weights; adding 0 makes a zero's sign the same whatever was skipped.
static void finish(const plan *p, const tile *t, const ck_attention_state *state) {
  const size_t dim = p->args->layout->head_dim;
  for (size_t i = 0; i < t->rows * t->heads; i++) {
    size_t row = t->sequence->first_row + t->row + i / t->heads;
    float *out = p->args->out + row * p->args->ldo + (t->head + i % t->heads) * dim;
    float inverse = state->sum[i] == 0 ? 0 : 1 / state->sum[i];
    for (size_t d = 0; d < dim; d++) out[d] = state->acc[i * p->stride + d] * inverse + 0.0f;
  }
}

static void merge(const plan *p, const tile *t, const ck_attention_state *state, const ck_attention_state *part) {
  ck_attention_merge_call call = {t->rows * t->heads, p->stride, *state, *part};
  p->table->attention_merge.run(&call);
}

static void run_split(const plan *p, const tile *t, ck_attention_call *call, size_t split) {
  call->begin = split * SPLIT_POSITIONS;
  call->end = at_most(call->begin + SPLIT_POSITIONS, end_of(t->sequence));
  p->table->attention[p->args->layout->format].run(call);
}

static void run_whole(const plan *p, const tile *t, ck_attention_call *call, char *memory) {
  const range seen = splits_seen(p, t);
  const ck_attention_state state = state_at(p, memory), part = state_at(p, memory + p->state_bytes);
  for (size_t split = seen.first; split < seen.last; split++) {
    if (ck_cancelled(p->cancel)) return;
    call->state = split == seen.first ? state : part;
    run_split(p, t, call, split);
    if (split > seen.first) merge(p, t, &state, &part);
  }
  finish(p, t, &state);
}

// The thread that finishes a tile's last split merges them all, in order of position.
static void run_one(plan *p, const tile *t, ck_attention_call *call) {
  const range seen = splits_seen(p, t);
  if (t->split >= seen.first && t->split < seen.last) {
    call->state = state_at(p, p->states + (t->item + t->split) * p->state_bytes);
    run_split(p, t, call, t->split);
  }
  if (__atomic_sub_fetch(&p->unfinished[t->index], 1, __ATOMIC_ACQ_REL) != 0) return;
  const ck_attention_state state = state_at(p, p->states + (t->item + seen.first) * p->state_bytes);
  for (size_t split = seen.first + 1; split < seen.last; split++) {
    const ck_attention_state part = state_at(p, p->states + (t->item + split) * p->state_bytes);
    merge(p, t, &state, &part);
  }
  finish(p, t, &state);
}

static void attention_task(void *context, uint32_t index, uint32_t count) {
  plan *p = context;
  const ck_kv_layout *layout = p->args->layout;
  char *memory = p->threads + index * p->thread_bytes, *rest = memory + 2 * p->state_bytes;
  float *q = (float *)rest;
  size_t *from = (size_t *)(rest + up_to_line(p->count * layout->head_dim * sizeof(float)));
  char *workspace = (char *)from + up_to_line(2 * p->count * sizeof(size_t));
  cursor at = {0};
  (void)count;
  for (;;) {
    size_t item = __atomic_fetch_add(&p->next, 1, __ATOMIC_RELAXED);
    if (item >= p->items || ck_cancelled(p->cancel)) return;
    const tile t = tile_of(p, &at, item);
    ck_attention_call call = {.layout = layout, .blocks = t.sequence->blocks,
                              .stored = end_of(t.sequence),
                              .offset = p->offset + t.kv_head * p->head_bytes, .kv_heads = t.kv_heads,
                              .count = t.rows * t.heads, .q = q, .from = from, .to = from + p->count,
                              .workspace = workspace};
    gather(p, &t, &call, q, from, from + p->count);
    if (p->split)
      run_one(p, &t, &call);
    else
      run_whole(p, &t, &call, memory);
  }
}

static void count_splits(plan *p) {
  uint32_t *next = p->unfinished;
  for (size_t s = 0; s < p->args->sequence_count; s++) {
    const ck_kv_sequence *sequence = p->args->sequences + s;
    if (sequence->rows == 0) continue;
    for (size_t i = tiles_of(p, sequence); i > 0; i--) *next++ = (uint32_t)splits_of(p, sequence);
  }
}

ck_status ck_attention_scratch_bytes(const ck_runtime *runtime, const ck_attention_args *args, size_t *bytes) {
  plan p;
  if (bytes == NULL) return CK_INVALID_ARGUMENT;
  ck_status status = make_plan(runtime, args, false, &p);
  if (status == CK_OK) *bytes = p.scratch_bytes;
  return status;
}

ck_status ck_attention(ck_runtime *runtime, const ck_attention_args *args) {
  plan p;
  ck_status status = make_plan(runtime, args, true, &p);
  if (status != CK_OK) return status;
  if (p.items == 0) return CK_OK;
  if (args->q == NULL || args->out == NULL || args->scratch == NULL || args->scratch_bytes < p.scratch_bytes)
    return CK_INVALID_ARGUMENT;
  p.threads = (char *)up_to_line((size_t)args->scratch);
  p.states = p.threads + ck_pool_threads(runtime->pool) * p.thread_bytes;
  p.unfinished = (uint32_t *)(p.states + p.items * p.state_bytes);
  if (p.split) count_splits(&p);
  return ck_run_values(runtime, p.values, attention_task, &p);
}
