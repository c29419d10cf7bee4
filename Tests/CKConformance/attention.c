// The KV cache and attention against a softmax in double precision, and equality of bits: positions stored and read
// one by one or in chunks, alone or among other sequences, on any number of threads, over fresh or used blocks.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "conformance.h"

enum { SEQUENCES = 4, LAYERS = 2, LAYER = 1, CANARY = 16 };
static const double EPSILON = 0x1p-24;

typedef struct shape {
  uint32_t heads, kv_heads, dim, window;
  float softcap;
  bool causal;
  size_t lengths[SEQUENCES];
} shape;

static const shape shapes[] = {
    {1, 1, 8, 0, 0, true, {1, 2, 15, 17}},
    {2, 2, 16, 0, 0, true, {64, 65, 3, 130}},
    {4, 1, 64, 0, 0, true, {1, 7, 65, 200}},
    {6, 2, 40, 5, 0, true, {70, 1, 33, 129}},
    {8, 1, 80, 64, 30, true, {90, 200, 1, 2}},
    {7, 7, 96, 0, 0, false, {64, 70, 5, 1}},
    {5, 1, 112, 0, 20, false, {66, 1, 0, 31}},
    {6, 2, 128, 100, 0, true, {150, 230, 2, 64}},
    {3, 1, 192, 0, 0, true, {20, 80, 1, 3}},
    {14, 2, 256, 0, 50, true, {9, 70, 1, 1}},
    {2, 1, 512, 0, 0, true, {5, 66, 1, 1}},
    {53, 1, 24, 0, 0, true, {4, 70, 1, 2}},
    {4, 2, 32, 0, 0, true, {600, 1100, 1, 513}},
    {2, 1, 16, 520, 0, true, {1300, 40, 512, 2}},
};
enum { SHAPE_COUNT = sizeof shapes / sizeof *shapes };

/// Queries, keys and values of all sequences, one after the other, and where each starts.
typedef struct data {
  const shape *shape;
  ck_format format;
  size_t starts[SEQUENCES], rows;
  float *q, *k, *v;
} data;

// Multiples of 1/64 up to 127/64, and 127/64 in each group of 32: every format holds them exactly, so that the oracle
// need not know how values are rounded.
static float *exact_values(ck_random *random, size_t rows, size_t heads, size_t dim) {
  float *x = malloc((rows * heads * dim + CANARY) * sizeof *x);
  for (size_t i = 0; i < rows * heads * dim; i++) {
    size_t d = i % dim;
    x[i] = (float)((int)(ck_random_next(random) % 255) - 127) / 64;
    if (d % 32 == i / dim % 8) x[i] = ck_random_next(random) % 2 ? 127.0f / 64 : -127.0f / 64;
  }
  return x;
}

static data data_new(ck_random *random, const shape *s, ck_format format) {
  data d = {.shape = s, .format = format};
  for (int i = 0; i < SEQUENCES; i++) {
    d.starts[i] = d.rows;
    d.rows += s->lengths[i];
  }
  d.q = exact_values(random, d.rows, s->heads, s->dim);
  d.k = exact_values(random, d.rows, s->kv_heads, s->dim);
  d.v = exact_values(random, d.rows, s->kv_heads, s->dim);
  return d;
}

static void data_free(data *d) { free(d->q), free(d->k), free(d->v); }

static float scale_of(const shape *s) { return 1 / sqrtf((float)s->dim); }

// How far a weight may be off beside the error of its score: a BF16 cache may round it, after an exponential of 13
// bits.
static double weights_rounded(ck_format format) { return format == CK_FORMAT_BF16 ? 2 * (0x1p-9 + 0x1p-13) : 0; }

// An 8-bit cache may round a weight times its value's scale to 1/32767 of the largest in a block of positions, relative
// to the block's largest weight. All scales are alike here. weights of positions [begin, end), not yet over `sum`.
static double words_rounded(const data *d, int i, size_t kv, size_t e, const double *weights, double sum,
                            size_t begin, size_t end) {
  double error = 0;
  for (size_t p = begin; p < end;) {
    double size = 0, largest = 0;
    for (size_t block = p / CK_KV_BLOCK; p < end && p / CK_KV_BLOCK == block; p++) {
      size += fabs(d->v[((d->starts[i] + p) * d->shape->kv_heads + kv) * d->shape->dim + e]);
      largest = fmax(largest, weights[p]);
    }
    error += largest / sum * size / 65534;
  }
  return error * 1.001;
}

// Row r of sequence i, query head h, in double: the value, and how far a float computation may be off.
static void oracle(const data *d, int i, size_t r, size_t h, double *value, double *error) {
  const shape *s = d->shape;
  const size_t length = s->lengths[i], dim = s->dim, kv = h / (s->heads / s->kv_heads);
  const size_t end = s->causal ? r + 1 : length, begin = s->window && r + 1 > s->window ? r + 1 - s->window : 0;
  const float *q = d->q + ((d->starts[i] + r) * s->heads + h) * dim;
  double *scores = malloc(length * sizeof *scores), largest = -INFINITY, off = 0, sum = 0;
  for (size_t p = begin; p < end; p++) {
    const float *k = d->k + ((d->starts[i] + p) * s->kv_heads + kv) * dim;
    double dot = 0, size = 0;
    for (size_t e = 0; e < dim; e++) dot += (double)q[e] * k[e], size += fabs((double)q[e] * k[e]);
    dot *= scale_of(s);
    scores[p] = s->softcap > 0 ? s->softcap * tanh(dot / s->softcap) : dot;
    largest = fmax(largest, scores[p]);
    // One chain of dim multiply-adds on scaled queries, then the cap, the shift and the exponential. A BF16 cache may
    // round queries as well.
    double rounded = d->format == CK_FORMAT_BF16 ? 0x1p-8 * size * scale_of(s) : 0;
    off = fmax(off, EPSILON * (((double)dim + 8) * size * scale_of(s) + 8 * fabs(scores[p])) + rounded);
  }
  off += 8 * EPSILON * fabs(largest);
  for (size_t p = begin; p < end; p++) sum += scores[p] = exp(scores[p] - largest);
  for (size_t e = 0; e < dim; e++) {
    double size = 0;
    value[e] = 0;
    for (size_t p = begin; p < end; p++) {
      double product = scores[p] / sum * d->v[((d->starts[i] + p) * s->kv_heads + kv) * dim + e];
      value[e] += product, size += fabs(product);
    }
    // Weights are off by e^(2 off) at most; sums are chains of at most as many terms as there are positions.
    error[e] = size * (2 * off + EPSILON * ((double)(end - begin) + 32) + weights_rounded(d->format));
    if (d->format == CK_FORMAT_Q8_0) error[e] += words_rounded(d, i, kv, e, scores, sum, begin, end);
  }
  free(scores);
}

typedef struct cache {
  ck_kv_layout layout;
  void **blocks[SEQUENCES];
  size_t counts[SEQUENCES];
} cache;

static cache cache_new(ck_runtime *runtime, const data *d, ck_report *report) {
  cache c = {0};
  ck_check(report, ck_kv_plan(runtime, d->format, d->shape->kv_heads, d->shape->dim, &c.layout) == CK_OK, "plan");
  for (int i = 0; i < SEQUENCES; i++) {
    c.counts[i] = (d->shape->lengths[i] + CK_KV_BLOCK - 1) / CK_KV_BLOCK;
    c.blocks[i] = malloc((c.counts[i] + 1) * sizeof(void *));
    for (size_t b = 0; b < c.counts[i]; b++) {
      c.blocks[i][b] = aligned_alloc(64, LAYERS * c.layout.layer_bytes);
      memset(c.blocks[i][b], 0, LAYERS * c.layout.layer_bytes);
    }
  }
  return c;
}

static void cache_free(cache *c) {
  for (int i = 0; i < SEQUENCES; i++) {
    for (size_t b = 0; b < c->counts[i]; b++) free(c->blocks[i][b]);
    free(c->blocks[i]);
  }
}

// What a sequence that used the blocks before has left: large values at every position.
static void cache_soil(ck_runtime *runtime, cache *c, ck_report *report) {
  const size_t width = (size_t)c->layout.kv_heads * c->layout.head_dim;
  float *x = malloc(CK_KV_BLOCK * width * sizeof *x);
  for (size_t i = 0; i < CK_KV_BLOCK * width; i++) x[i] = i % 2 ? 3e4f : -3e4f;
  for (int i = 0; i < SEQUENCES; i++) {
    for (size_t b = 0; b < c->counts[i]; b++) {
      ck_kv_sequence sequence = {.blocks = c->blocks[i] + b, .block_count = 1, .rows = CK_KV_BLOCK};
      ck_kv_store_args store = {.struct_size = sizeof store, .layout = &c->layout, .layer = LAYER, .keys = x,
                                .sequences = &sequence, .sequence_count = 1, .values = x, .ldk = width, .ldv = width};
      ck_check(report, ck_kv_store(runtime, &store) == CK_OK, "soiling failed");
    }
  }
  free(x);
}

// Stores and attends rows [position, position + rows[i]) of each sequence in one call each; out is (d->rows, heads,
// dim). Rows of the batch are copied out of order of the data, so that first_row is not the position.
static void step(ck_runtime *runtime, const data *d, cache *c, const size_t *positions, const size_t *rows, float *out,
                 ck_report *report) {
  const shape *s = d->shape;
  const size_t wide = (size_t)s->heads * s->dim, narrow = (size_t)s->kv_heads * s->dim;
  const size_t ldq = wide + 3, ldk = narrow + 1, ldo = wide + 5;
  ck_kv_sequence sequences[SEQUENCES];
  size_t total = 0;
  for (int i = SEQUENCES - 1; i >= 0; i--) {
    sequences[i] = (ck_kv_sequence){c->blocks[i], c->counts[i], total, rows[i], positions[i]};
    total += rows[i];
  }
  float *q = malloc((total * (ldq + ldk + ldk + ldo) + CANARY) * sizeof *q), *k = q + total * ldq, *v = k + total * ldk;
  float *y = v + total * ldk;
  memset(q, 0xFF, (total * (ldq + ldk + ldk + ldo) + CANARY) * sizeof *q);
  for (int i = 0; i < SEQUENCES; i++) {
    for (size_t r = 0; r < rows[i]; r++) {
      size_t from = d->starts[i] + positions[i] + r, to = sequences[i].first_row + r;
      memcpy(q + to * ldq, d->q + from * wide, wide * sizeof *q);
      memcpy(k + to * ldk, d->k + from * narrow, narrow * sizeof *k);
      memcpy(v + to * ldk, d->v + from * narrow, narrow * sizeof *v);
    }
  }
  ck_kv_store_args store = {.struct_size = sizeof store, .layout = &c->layout, .layer = LAYER, .sequences = sequences,
                            .sequence_count = SEQUENCES, .keys = k, .values = v, .ldk = ldk, .ldv = ldk};
  ck_check(report, ck_kv_store(runtime, &store) == CK_OK, "store failed");
  ck_attention_args args = {.struct_size = sizeof args, .layout = &c->layout, .layer = LAYER, .sequences = sequences,
                            .sequence_count = SEQUENCES, .q = q, .ldq = ldq, .out = y, .ldo = ldo, .heads = s->heads,
                            .scale = scale_of(s), .softcap = s->softcap, .window = s->window, .causal = s->causal};
  ck_check(report, ck_attention_scratch_bytes(runtime, &args, &args.scratch_bytes) == CK_OK, "no scratch size");
  char *scratch = malloc(args.scratch_bytes + CANARY);
  memset(scratch, 0xFF, args.scratch_bytes + CANARY);
  args.scratch = scratch;
  ck_check(report, ck_attention(runtime, &args) == CK_OK, "attention failed");
  bool kept = true;
  for (size_t i = 0; i < CANARY; i++) kept = kept && scratch[args.scratch_bytes + i] == (char)0xFF;
  ck_check(report, kept, "attention wrote past its scratch");
  for (int i = 0; i < SEQUENCES; i++)
    for (size_t r = 0; r < rows[i]; r++)
      memcpy(out + (d->starts[i] + positions[i] + r) * wide, y + (sequences[i].first_row + r) * ldo, wide * sizeof *y);
  uint32_t bits = UINT32_MAX;
  for (size_t i = 0; i < total * ldo + CANARY; i++)
    if (i >= total * ldo || i % ldo >= wide) kept = kept && memcmp(y + i, &bits, sizeof bits) == 0;
  ck_check(report, kept, "attention wrote outside its rows");
  free(q), free(scratch);
}

// All of the data through the cache, `chunk` positions at a time, sequences together or one after the other.
static float *attend(ck_runtime *runtime, const data *d, size_t chunk, bool together, bool soiled, ck_report *report) {
  const shape *s = d->shape;
  cache c = cache_new(runtime, d, report);
  if (soiled) cache_soil(runtime, &c, report);
  float *out = malloc((d->rows * s->heads * s->dim + CANARY) * sizeof *out);
  for (int alone = 0; alone < (together ? 1 : SEQUENCES); alone++) {
    size_t positions[SEQUENCES] = {0}, rows[SEQUENCES];
    for (bool more = true; more;) {
      more = false;
      for (int i = 0; i < SEQUENCES; i++) {
        size_t left = s->lengths[i] - positions[i];
        rows[i] = !together && i != alone ? 0 : left < chunk ? left : chunk;
        more = more || rows[i] > 0;
      }
      if (more) step(runtime, d, &c, positions, rows, out, report);
      for (int i = 0; i < SEQUENCES; i++) positions[i] += rows[i];
    }
  }
  cache_free(&c);
  return out;
}

static void check_values(const data *d, const float *out, ck_report *report) {
  const shape *s = d->shape;
  double value[512], error[512];
  size_t done = 0;
  for (int i = 0; i < SEQUENCES; i++) {
    // Every row of a short sequence; of a long one the rows around blocks and splits, and some between.
    for (size_t r = 0; r < s->lengths[i]; r += s->lengths[i] > 200 && r % 64 > 1 && r % 64 < 61 ? 7 : 1) {
      for (size_t h = 0; h < s->heads; h++) {
        oracle(d, i, r, h, value, error);
        const float *got = out + ((d->starts[i] + r) * s->heads + h) * s->dim;
        for (size_t e = 0; e < s->dim; e++) {
          done++;
          if (fabs(got[e] - value[e]) <= error[e]) continue;
          ck_check(report, false, "%s heads %u/%u dim %u: sequence %d row %zu head %zu [%zu] = %.9g, not %.9g±%.2g",
                   ck_format_describe(d->format)->name, s->heads, s->kv_heads, s->dim, i, r, h, e, got[e], value[e],
                   error[e]);
          return;
        }
      }
    }
  }
  ck_check(report, done > 0, "nothing compared");
}

static void check_shape(ck_runtime **runtimes, ck_random *random, const shape *s, ck_format format, ck_effort effort,
                        ck_report *report) {
  data d = data_new(random, s, format);
  const size_t bytes = d.rows * s->heads * s->dim * sizeof(float);
  float *all = attend(runtimes[1], &d, SIZE_MAX, true, false, report);
  check_values(&d, all, report);
  const struct {
    size_t chunk;
    int runtime;
    bool together, soiled;
  } ways[] = {
      {SIZE_MAX, 0, true, false}, {SIZE_MAX, 2, false, true}, {1, 1, true, true},
      {7, 0, false, false},       {64, 2, true, true},        {1, 2, false, false},
  };
  const size_t count = sizeof ways / sizeof *ways;
  for (size_t w = 0; w < count; w++) {
    if (!s->causal && ways[w].chunk != SIZE_MAX) continue;
    if (effort == CK_EFFORT_QUICK && w > 3) continue;
    float *other = attend(runtimes[ways[w].runtime], &d, ways[w].chunk, ways[w].together, ways[w].soiled, report);
    ck_check(report, memcmp(all, other, bytes) == 0,
             "%s heads %u/%u dim %u: chunks of %zu, %d threads, together %d, used blocks %d: other bits",
             ck_format_describe(format)->name, s->heads, s->kv_heads, s->dim, ways[w].chunk, ways[w].runtime + 1,
             ways[w].together, ways[w].soiled);
    free(other);
  }
  free(all);
  data_free(&d);
}

// Values that no format holds exactly: how far the cache may move the result, by what it rounds.
static void check_rounding(ck_runtime *runtime, ck_random *random, ck_format format, ck_report *report) {
  const shape s = {2, 1, 64, 0, 0, true, {100, 0, 0, 0}};
  data d = data_new(random, &s, format);
  for (size_t i = 0; i < d.rows * s.dim; i++) d.k[i] = ck_random_normal(random), d.v[i] = ck_random_normal(random);
  float *out = attend(runtime, &d, SIZE_MAX, true, false, report);
  double value[512], error[512], worst = 0, moved = 0;
  // Rounding of a value: half a unit of F16 or BF16 below 4, or of 1/127 of a group's largest (below 5); a score moves
  // by |q| <= 2 times that for 64 dimensions over 8, and weights by twice e^that. F32 rounds nothing.
  const double units[CK_FORMAT_COUNT] = {
      [CK_FORMAT_F16] = 0x1p-10, [CK_FORMAT_BF16] = 0x1p-7, [CK_FORMAT_Q8_0] = 5.0 / 254};
  const double unit = units[format];
  const double bound = unit + 4 * (exp(2 * unit * 2 * 8) - 1);
  for (size_t r = 0; r < 100; r++) {
    for (size_t h = 0; h < 2; h++) {
      oracle(&d, 0, r, h, value, error);
      for (size_t e = 0; e < s.dim; e++) {
        double by = fabs(out[(r * 2 + h) * s.dim + e] - value[e]), off = by - error[e];
        worst = off > worst || off != off ? off : worst;
        moved = fmax(moved, by);
      }
    }
  }
  ck_check(report, worst <= bound, "%s rounds by %g, at most %g", ck_format_describe(format)->name, worst, bound);
  ck_check(report, format == CK_FORMAT_F32 || moved > 1e-4, "a cache of 16 or 8 bits rounded nothing");
  free(out);
  data_free(&d);
}

// Overflow saturates, tiny values vanish, and a NaN in one sequence does not reach another.
static void check_extremes(ck_runtime *runtime, ck_random *random, ck_format format, ck_report *report) {
  const shape s = {1, 1, 32, 0, 0, true, {2, 2, 2, 2}};
  data d = data_new(random, &s, format);
  for (size_t i = 0; i < 64; i++) {
    d.v[d.starts[0] * s.dim + i] = i % 2 ? 1e6f : -1e6f;
    d.v[d.starts[1] * s.dim + i] = 1e-30f;
    d.q[d.starts[2] * s.dim + i] = NAN;
    d.k[d.starts[3] * s.dim + i] = 0;
  }
  float *out = attend(runtime, &d, SIZE_MAX, true, false, report);
  bool finite = true, poisoned = true;
  for (size_t i = 0; i < 64; i++) {
    finite = finite && isfinite(out[d.starts[0] * s.dim + i]) && fabsf(out[d.starts[1] * s.dim + i]) <= 1e-29f &&
             isfinite(out[d.starts[3] * s.dim + i]);
    poisoned = poisoned && isnan(out[d.starts[2] * s.dim + i]);
  }
  ck_check(report, finite, "%s: large or tiny values did not stay finite", ck_format_describe(format)->name);
  ck_check(report, poisoned, "%s: a NaN in a query was hidden", ck_format_describe(format)->name);
  free(out);
  data_free(&d);
}

static void check_refusals(ck_runtime *runtime, ck_report *report) {
  ck_kv_layout layout, broken;
  ck_check(report, ck_kv_plan(runtime, CK_FORMAT_Q4_0, 1, 64, &layout) == CK_UNSUPPORTED, "Q4_0 cache");
  ck_check(report, ck_kv_plan(runtime, CK_FORMAT_F16, 1, 60, &layout) == CK_UNSUPPORTED, "head_dim 60");
  ck_check(report, ck_kv_plan(runtime, CK_FORMAT_F16, 1, 520, &layout) == CK_UNSUPPORTED, "head_dim 520");
  ck_check(report, ck_kv_plan(runtime, CK_FORMAT_F16, 0, 64, &layout) == CK_INVALID_ARGUMENT, "no KV heads");
  ck_check(report, ck_kv_plan(runtime, (ck_format)999, 1, 64, &layout) == CK_INVALID_ARGUMENT, "format 999");
  ck_check(report, ck_kv_plan(runtime, CK_FORMAT_F16, 2, 64, &layout) == CK_OK, "plan");
  ck_check(report, layout.layer_bytes == 2 * 2 * 64 * 64 * 2, "F16 needs %zu bytes a layer", layout.layer_bytes);
  void *block = aligned_alloc(64, layout.layer_bytes), *missing = NULL;
  memset(block, 0, layout.layer_bytes);
  float x[256] = {0}, y[256];
  char *scratch = malloc(1 << 20);
  const ck_kv_sequence good = {&block, 1, 0, 1, 0};
  const ck_attention_args base = {.struct_size = sizeof base, .layout = &layout, .sequences = &good,
                                  .sequence_count = 1, .q = x, .ldq = 256, .out = y, .ldo = 256, .heads = 4,
                                  .scale = 1, .causal = true, .scratch = scratch, .scratch_bytes = 1 << 20};
  ck_check(report, ck_attention(runtime, &base) == CK_OK, "the base of refusals is refused");
  broken = layout, broken.layer_bytes--;
  const ck_kv_sequence past = {&block, 1, 0, 1, 64}, none = {&missing, 1, 0, 1, 0}, huge = {&block, 1, 0, 2, SIZE_MAX};
  const ck_kv_sequence far = {&block, 1, SIZE_MAX / 256, 1, 0}, empty = {NULL, 0, 0, 0, 0};
  for (int i = 0; i < 14; i++) {
    ck_attention_args args = base;
    switch (i) {
      case 0: args.layout = NULL; break;
      case 1: args.layout = &broken; break;
      case 2: args.sequences = &past; break;
      case 3: args.sequences = &none; break;
      case 4: args.sequences = &huge; break;
      case 5: args.sequences = &far; break;
      case 6: args.heads = 3; break;
      case 7: args.ldq = 255; break;
      case 8: args.scale = NAN; break;
      case 9: args.softcap = -1; break;
      case 10: args.scratch_bytes = 100; break;
      case 11: args.struct_size = 8; break;
      case 12: args.layer = SIZE_MAX / 2; break;
      default: args.q = NULL; break;
    }
    ck_status status = ck_attention(runtime, &args);
    ck_check(report, status == CK_INVALID_ARGUMENT, "refusal %d: %s", i, ck_status_name(status));
  }
  ck_attention_args args = base;
  args.window = 3, args.causal = false;
  ck_check(report, ck_attention(runtime, &args) == CK_UNSUPPORTED, "a window that is not causal");
  args = base, args.sequences = &empty;
  ck_check(report, ck_attention(runtime, &args) == CK_OK, "an empty sequence is nothing to do");
  ck_kv_store_args store = {.struct_size = sizeof store, .layout = &layout, .sequences = &past, .sequence_count = 1,
                            .keys = x, .values = x, .ldk = 128, .ldv = 128};
  ck_check(report, ck_kv_store(runtime, &store) == CK_INVALID_ARGUMENT, "store past the blocks");
  store.sequences = &good, store.ldv = 127;
  ck_check(report, ck_kv_store(runtime, &store) == CK_INVALID_ARGUMENT, "store with a short stride");
  int32_t cancel = 1;
  ck_set_cancel_flag(&cancel);
  ck_check(report, ck_attention(runtime, &base) == CK_CANCELLED, "attention was not cancelled");
  ck_set_cancel_flag(NULL);
  free(block), free(scratch);
}

void ck_conform_attention(ck_runtime *runtime, ck_effort effort, ck_report *report) {
  const ck_format formats[] = {CK_FORMAT_F32, CK_FORMAT_F16, CK_FORMAT_Q8_0, CK_FORMAT_BF16};
  ck_random random = {11};
  ck_runtime *runtimes[3] = {NULL};
  for (uint32_t i = 0; i < 3; i++) {
    ck_runtime_options options = {.struct_size = sizeof options, .threads = i + 1, .isa = ck_runtime_isa(runtime)};
    ck_status status = ck_runtime_create(&options, &runtimes[i]);
    if (!ck_check(report, status == CK_OK, "no runtime of %u threads", i + 1)) return;
  }
  for (int f = 0; f < 4; f++) {
    for (size_t i = 0; i < SHAPE_COUNT; i++) {
      if (effort == CK_EFFORT_QUICK && i % 4 != (size_t)f) continue;
      check_shape(runtimes, &random, &shapes[i], formats[f], effort, report);
    }
    check_rounding(runtime, &random, formats[f], report);
    check_extremes(runtime, &random, formats[f], report);
  }
  check_refusals(runtime, report);
  for (int i = 0; i < 3; i++) ck_runtime_destroy(runtimes[i]);
}
