// Matrix products: checks the call, cuts it into panels and runs of columns, and hands them to the threads. The
// arithmetic is the kernels'; an element's value depends on neither the cut nor the thread.
#include <string.h>

#include "ops/activations.h"
#include "ops/pack.h"
#include "runtime/runtime.h"

// ------------------------------------------------------------------------------------------------------- checking

static bool serves(const ck_activations *x, const ck_packed *w) {
  if (!ck_packed_valid(w) || w->k != x->k) return false;
  return x->kind == CK_ACTIVATION_F32 || x->kind == ck_format_describe(w->format)->activation;
}

static size_t rows_of(const ck_activations *x, const ck_matmul_output *o) {
  return o->rows ? o->rows : x->m - o->first_row;
}

static bool valid_output(const ck_activations *x, const ck_matmul_output *o) {
  if (!serves(x, o->weights) || o->first_row > x->m || o->rows > x->m - o->first_row) return false;
  if (o->gate != NULL && (!serves(x, o->gate) || o->gate->n != o->weights->n)) return false;
  if ((unsigned)o->act > CK_GATE_GELU_ERF) return false;
  size_t rows = rows_of(x, o), bytes;
  if (rows == 0) return true;
  return o->y != NULL && (rows == 1 || o->ldy >= o->weights->n) && !__builtin_mul_overflow(rows, o->ldy, &bytes) &&
         bytes < SIZE_MAX / 8;
}

// ------------------------------------------------------------------------------------------------- units of work

enum {
  // Activations of a run of columns stay in L2 while panels go by: half of the smallest L2 that we know of.
  COLUMN_BYTES = 512 << 10,
};

typedef struct matmul_context {
  const ck_table *table;
  const ck_matmul_args *args;
  ck_record_layout record;
  size_t stride;
  const float *row_scales;  // or NULL
  ck_matmul_scratch *scratch;
  const int32_t *cancel;
  ck_pool *pool;
  size_t units;  // of all outputs
} matmul_context;

/// Cuts `rows` columns into runs of nearly equal length and n into groups of panels.
typedef struct cut {
  size_t rows, runs, panels, grain, groups;
} cut;

static cut cut_of(const matmul_context *context, const ck_matmul_output *o) {
  const ck_activations *x = context->args->x;
  cut c = {.rows = rows_of(x, o), .panels = (o->weights->n + CK_ROWS - 1) / CK_ROWS};
  if (c.rows == 0) return c;
  const size_t column = context->record.bytes * (x->k / context->record.values + 1);
  size_t longest = COLUMN_BYTES / column;
  if (longest < 48) longest = 48;
  if (longest > CK_MATMUL_COLUMNS) longest = CK_MATMUL_COLUMNS;
  c.runs = (c.rows + longest - 1) / longest;
  // Small enough to even out the threads' ends. Not smaller: with groups of 2, m = 1 is 4 % slower on Zen 4.
  c.grain = c.panels / (ck_pool_threads(context->pool) * (size_t)8);
  c.grain = c.grain < 2 ? 2 : c.grain > 16 ? 16 : c.grain / 2 * 2;
  c.groups = (c.panels + c.grain - 1) / c.grain;
  return c;
}

// Where a panel of weights, and a chunk of it, lie.
typedef struct panels {
  const ck_packed *weights;
  ck_panel_layout layout;
  const uint8_t *codes;
  size_t count, stride;  // one panel or two, bytes apart
  bool more;             // as many follow, that this thread multiplies next
} panels;

static panels panels_of(const ck_packed *w, size_t panel, size_t count, bool more) {
  panels p = {.weights = w, .layout = ck_panel_layout_of(w->format), .count = count, .more = more};
  p.stride = ck_panel_bytes(w->format, w->k);
  p.codes = (const uint8_t *)w->data + panel * p.stride;
  return p;
}

// One pass over panels as they are stored. False where there is no kernel for it.
static bool multiply_stored(const matmul_context *c, const panels *p, ck_tile_call *call, bool exact) {
  const ck_format format = p->weights->format;
  call->codes = p->codes;
  call->panel_stride = p->stride;
  call->panels = p->count;
  if (!p->layout.integer) {
    (exact ? c->table->matmul[format].run : c->table->matmul_bf16.run)(call);
    return true;
  }
  if (exact || call->columns > c->table->few_columns[format]) return false;
  call->panels = 1;
  for (size_t i = 0; i < p->count; i++) {
    call->codes = p->codes + i * p->stride;
    c->table->matvec[format].run(call);
    call->acc += call->columns * CK_ROWS;
  }
  return true;
}

// acc (count, columns, 16) = x[first, first + columns) times panels. False if it was cancelled.
static bool multiply(const matmul_context *c, const panels *p, size_t first, size_t columns,
                     ck_matmul_scratch *scratch, float *acc) {
  const ck_format format = p->weights->format;
  const size_t k = p->weights->k;
  const char *records = (const char *)c->args->x->data + first * c->record.bytes;
  ck_tile_call call = {.values = k, .x = records, .stride = c->stride, .columns = columns, .acc = acc};
  memset(acc, 0, p->count * columns * CK_ROWS * sizeof *acc);
  const bool exact = c->record.values == 16;  // x is float32
  if (ck_cancelled(c->cancel)) return false;
  if (multiply_stored(c, p, &call, exact)) return true;
  const size_t chunk = exact ? CK_EXACT_CHUNK : CK_CHUNK, chunk_bytes = ck_layout_bytes(p->layout, chunk);
  call.panels = p->count;
  call.codes = exact ? (const void *)scratch->exact : scratch->plain;
  call.panel_stride = exact ? sizeof scratch->exact[0] : sizeof scratch->plain[0];
  for (size_t at = 0; at < k; at += chunk) {
    if (ck_cancelled(c->cancel)) return false;
    call.values = k - at < chunk ? k - at : chunk;
    call.x = records + at / c->record.values * c->stride;
    for (size_t i = 0; i < p->count; i++) {
      const uint8_t *units = p->codes + i * p->stride + at / chunk * chunk_bytes;
      // The chunk that follows this one: of these panels or, past their end, of the next ones.
      const bool last = at + chunk >= k;
      const uint8_t *next = last ? p->codes + (i + p->count) * p->stride : units + chunk_bytes;
      call.ahead[i] = next;
      if (p->count == 1) call.ahead[1] = next;
      call.ahead_bytes = last && !p->more ? 0 : chunk_bytes < p->stride ? chunk_bytes : p->stride;
      if (exact) {
        c->table->panel_decode[format].run(units, call.values, scratch->exact[i]);
      } else {
        c->table->panel_expand[format].run(units, call.values, &scratch->plain[i]);
      }
    }
    (exact ? c->table->matmul_exact.run : c->table->matmul[format].run)(&call);
  }
  return true;
}

// One panel or two of those before `last`, of one output, for a run of columns.
static bool run_panels(const matmul_context *c, const ck_matmul_output *o, size_t panel, size_t last, size_t begin,
                       size_t end, ck_matmul_scratch *scratch) {
  const size_t count = last - panel < 2 ? 1 : 2;
  const bool more = last - panel >= 2 * count;
  const size_t first = o->first_row + begin, columns = end - begin;
  const panels weights = panels_of(o->weights, panel, count, more);
  if (!multiply(c, &weights, first, columns, scratch, scratch->acc)) return false;
  if (o->gate) {
    const panels gate = panels_of(o->gate, panel, count, more);
    if (!multiply(c, &gate, first, columns, scratch, scratch->gate)) return false;
  }
  for (size_t i = 0; i < count; i++) {
    const size_t row = (panel + i) * CK_ROWS, left = o->weights->n - row;
    const ck_finish_call call = {.acc = scratch->acc + i * columns * CK_ROWS,
                                 .gate = o->gate ? scratch->gate + i * columns * CK_ROWS : NULL,
                                 .row_scales = c->row_scales ? c->row_scales + first : NULL,
                                 .bias = o->bias ? o->bias + row : NULL,
                                 .act = o->act,
                                 .accumulate = o->accumulate,
                                 .columns = columns,
                                 .rows = left < CK_ROWS ? left : CK_ROWS,
                                 .y = o->y + begin * o->ldy + row,
                                 .ldy = o->ldy};
    c->table->matmul_finish.run(&call);
  }
  return true;
}

// Where a thread stands in the list of outputs, which is long in a mixture of experts; a share's units are taken in
// ascending order.
typedef struct cursor {
  size_t output, first_unit;
  cut cut;
} cursor;

static size_t units_of(const cut *c) { return c->runs * c->groups; }

static cursor cursor_start(const matmul_context *c) { return (cursor){.cut = cut_of(c, &c->args->outputs[0])}; }

// Moves to the output that has unit `unit`, which is not before the cursor's.
static void move_to(const matmul_context *c, cursor *at, size_t unit) {
  while (unit - at->first_unit >= units_of(&at->cut)) {
    at->first_unit += units_of(&at->cut);
    at->cut = cut_of(c, &c->args->outputs[++at->output]);
  }
}

// Multiplies unit `unit` of the cursor's output, counted from its first. False if it was cancelled.
static bool run_unit(const matmul_context *c, const cursor *at, size_t unit, ck_matmul_scratch *scratch) {
  const cut *cut = &at->cut;
  const size_t panel = unit % cut->groups * cut->grain;
  const size_t last = panel + cut->grain < cut->panels ? panel + cut->grain : cut->panels;
  size_t begin, end;
  ck_share(cut->rows, (uint32_t)(unit / cut->groups), (uint32_t)cut->runs, &begin, &end);
  for (size_t p = panel; p < last; p += 2)
    if (!run_panels(c, &c->args->outputs[at->output], p, last, begin, end, scratch)) return false;
  return true;
}

// Each thread goes through its own share of the units in order, so that it reads weights in one stream and keeps its
// columns in its L2, and then helps the others with what is left of theirs.
static void matmul_task(void *context, uint32_t index, uint32_t count) {
  const matmul_context *c = context;
  for (uint32_t i = 0; i < count; i++) {
    const uint32_t owner = (index + i) % count;
    size_t begin, end;
    ck_share(c->units, owner, count, &begin, &end);
    cursor at = cursor_start(c);
    for (;;) {
      const size_t unit = begin + ck_pool_take(c->pool, owner);
      if (unit >= end) break;
      move_to(c, &at, unit);
      if (!run_unit(c, &at, unit - at.first_unit, &c->scratch[index])) return;
    }
  }
}

ck_status ck_matmul(ck_runtime *runtime, const ck_matmul_args *args) {
  if (runtime == NULL || args == NULL || args->struct_size < sizeof *args) return CK_INVALID_ARGUMENT;
  const ck_table *table = &runtime->table;
  const ck_activations *x = args->x;
  if (!ck_activations_valid(table, x) || (args->output_count && args->outputs == NULL)) return CK_INVALID_ARGUMENT;
  for (size_t i = 0; i < args->output_count; i++)
    if (!valid_output(x, &args->outputs[i])) return CK_INVALID_ARGUMENT;
  matmul_context context = {.table = table,
                            .args = args,
                            .record = ck_record_layout_of(table, x->kind),
                            .stride = ck_activations_stride(table, x),
                            .scratch = runtime->matmul_scratch,
                            .cancel = ck_cancel_flag(),
                            .pool = runtime->pool};
  if (context.record.row_scales)
    context.row_scales = (const float *)((const char *)x->data + ck_activations_records(table, x));
  for (size_t i = 0; i < args->output_count; i++) {
    const cut cut = cut_of(&context, &args->outputs[i]);
    context.units += units_of(&cut);
  }
  return context.units == 0 ? CK_OK : ck_run(runtime, matmul_task, &context);
}
