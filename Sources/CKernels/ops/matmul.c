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
  FEW = 4,  // columns up to which panels are read directly, once, instead of being taken apart in cache first
};

typedef struct matmul_context {
  const ck_table *table;
  const ck_matmul_args *args;
  ck_record_layout record;
  size_t stride;
  const float *row_scales;  // or NULL
  ck_matmul_scratch *scratch;
  const int32_t *cancel;
  _Alignas(CK_CACHE_LINE) size_t next;  // unit to be taken
} matmul_context;

/// Cuts `rows` columns into runs of nearly equal length and n into groups of panels.
typedef struct cut {
  size_t rows, runs, panels, grain, groups;
} cut;

static cut cut_of(const matmul_context *context, const ck_matmul_output *o, uint32_t threads) {
  const ck_activations *x = context->args->x;
  cut c = {.rows = rows_of(x, o), .panels = (o->weights->n + CK_ROWS - 1) / CK_ROWS};
  if (c.rows == 0) return c;
  const size_t column = context->record.bytes * (x->k / context->record.values + 1);
  size_t longest = COLUMN_BYTES / column;
  if (longest < 48) longest = 48;
  if (longest > CK_MATMUL_COLUMNS) longest = CK_MATMUL_COLUMNS;
  c.runs = (c.rows + longest - 1) / longest;
  // Neighbouring panels go to one thread, which then streams them, but enough groups are left to even out threads.
  c.grain = c.panels / ((size_t)threads * 8);
  c.grain = c.grain < 1 ? 1 : c.grain > 16 ? 16 : c.grain;
  c.groups = (c.panels + c.grain - 1) / c.grain;
  return c;
}

// acc (columns, 16) = x[first, first + columns) times one panel. False if it was cancelled.
static bool multiply(const matmul_context *c, const ck_packed *w, size_t panel, size_t first, size_t columns,
                     ck_matmul_scratch *scratch, float *acc) {
  const ck_activations *x = c->args->x;
  const uint8_t *codes = (const uint8_t *)w->data + panel * ck_panel_bytes(w->format, w->k);
  const ck_panel_layout layout = ck_panel_layout_of(w->format);
  const uint8_t *scales = codes + (layout.integer ? ck_panel_scales(w->format, w->k) : 0);
  const char *records = (const char *)x->data + first * c->record.bytes;
  ck_tile_call call = {.codes = codes, .scales = scales, .values = w->k, .x = records, .stride = c->stride,
                       .columns = columns, .acc = acc};
  memset(acc, 0, columns * CK_ROWS * sizeof *acc);
  const bool exact = c->record.values == 16;  // x is float32
  if (!exact && !layout.integer) {
    c->table->matmul_bf16.run(&call);
    return !ck_cancelled(c->cancel);
  }
  if (!exact && columns <= FEW && c->table->matvec[w->format].run != NULL) {
    c->table->matvec[w->format].run(&call);
    return !ck_cancelled(c->cancel);
  }
  const size_t chunk = exact ? CK_EXACT_CHUNK : CK_CHUNK;
  const ck_decode_kernel decode = c->table->panel_decode[w->format].run;
  const size_t width = layout.integer ? 0 : ck_format_describe(w->format)->bytes_per_block;
  for (size_t k = 0; k < w->k; k += chunk) {
    if (ck_cancelled(c->cancel)) return false;
    call.values = w->k - k < chunk ? w->k - k : chunk;
    call.x = records + k / c->record.values * c->stride;
    const uint8_t *part = codes + (layout.integer ? k / 32 * ck_slab_bytes(layout.slab) : k * width * CK_ROWS);
    const uint8_t *part_scales = scales;
    if (layout.integer) part_scales += k / ck_scale_values(layout.scale) * ck_scale_bytes(layout.scale);
    if (!exact) {
      c->table->panel_expand[w->format].run(part, part_scales, call.values, &scratch->plain);
      call.codes = &scratch->plain;
      c->table->matmul[w->format].run(&call);
      continue;
    }
    call.codes = part;
    if (decode != NULL) {
      decode(part, part_scales, call.values, scratch->exact);
      call.codes = scratch->exact;
    }
    c->table->matmul_f32.run(&call);
  }
  return true;
}

// One panel of one output, for a run of columns.
static bool run_panel(const matmul_context *c, const ck_matmul_output *o, size_t panel, size_t begin, size_t end,
                      ck_matmul_scratch *scratch) {
  const size_t first = o->first_row + begin, columns = end - begin, row = panel * CK_ROWS;
  if (!multiply(c, o->weights, panel, first, columns, scratch, scratch->acc)) return false;
  if (o->gate && !multiply(c, o->gate, panel, first, columns, scratch, scratch->gate)) return false;
  const size_t rows = o->weights->n - row < CK_ROWS ? o->weights->n - row : CK_ROWS;
  const ck_finish_call call = {.acc = scratch->acc,
                               .gate = o->gate ? scratch->gate : NULL,
                               .row_scales = c->row_scales ? c->row_scales + first : NULL,
                               .bias = o->bias ? o->bias + row : NULL,
                               .act = o->act,
                               .accumulate = o->accumulate,
                               .columns = columns,
                               .rows = rows,
                               .y = o->y + begin * o->ldy + row,
                               .ldy = o->ldy};
  c->table->matmul_finish.run(&call);
  return true;
}

static void matmul_task(void *context, uint32_t index, uint32_t count) {
  matmul_context *c = context;
  size_t unit = __atomic_fetch_add(&c->next, 1, __ATOMIC_RELAXED), before = 0;
  for (size_t i = 0; i < c->args->output_count; i++) {
    const ck_matmul_output *o = &c->args->outputs[i];
    const cut cut = cut_of(c, o, count);
    const size_t units = cut.runs * cut.groups;
    for (; unit < before + units; unit = __atomic_fetch_add(&c->next, 1, __ATOMIC_RELAXED)) {
      const size_t run = (unit - before) / cut.groups, panel = (unit - before) % cut.groups * cut.grain;
      size_t begin, end;
      ck_share(cut.rows, (uint32_t)run, (uint32_t)cut.runs, &begin, &end);
      for (size_t p = panel; p < panel + cut.grain && p < cut.panels; p++)
        if (!run_panel(c, o, p, begin, end, &c->scratch[index])) return;
    }
    before += units;
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
                            .cancel = ck_cancel_flag()};
  if (context.record.row_scales)
    context.row_scales = (const float *)((const char *)x->data + ck_activations_records(table, x));
  return ck_run(runtime, matmul_task, &context);
}
