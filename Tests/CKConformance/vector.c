// Norms, elementwise operations, softmax, top-k and RoPE against double precision: shapes around the vector widths,
// strides, in-place use, poisoned outputs, special values, and equality of bits over threads and cuts.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "conformance.h"

enum { CANARY = 8 };
static const double EPSILON = 0x1p-24;
static const size_t sizes[] = {1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 64, 100, 257, 960, 4097, 12345};
enum { SIZE_COUNT = sizeof sizes / sizeof *sizes };

typedef struct matrix {
  size_t rows, n, ld;
  float *data;  // (rows, ld), then CANARY values; what is not (rows, n) is NaN and must stay so
} matrix;

static matrix matrix_new(size_t rows, size_t n) {
  matrix m = {rows, n, n + 3, NULL};
  m.data = malloc((rows * m.ld + CANARY) * sizeof(float));
  memset(m.data, 0xFF, (rows * m.ld + CANARY) * sizeof(float));
  return m;
}

static matrix matrix_random(ck_random *random, size_t rows, size_t n, float scale) {
  matrix m = matrix_new(rows, n);
  for (size_t r = 0; r < rows; r++)
    for (size_t i = 0; i < n; i++) m.data[r * m.ld + i] = scale * ck_random_normal(random);
  return m;
}

static matrix matrix_copy(const matrix *from) {
  matrix m = matrix_new(from->rows, from->n);
  memcpy(m.data, from->data, (m.rows * m.ld + CANARY) * sizeof(float));
  return m;
}

static bool untouched(const matrix *m) {
  for (size_t i = 0; i < m->rows * m->ld + CANARY; i++) {
    uint32_t bits;
    if (i < m->rows * m->ld && i % m->ld < m->n) continue;
    memcpy(&bits, m->data + i, sizeof bits);
    if (bits != UINT32_MAX) return false;
  }
  return true;
}

static bool same(const matrix *a, const matrix *b) {
  for (size_t r = 0; r < a->rows; r++)
    if (memcmp(a->data + r * a->ld, b->data + r * b->ld, a->n * sizeof(float)) != 0) return false;
  return true;
}

// |got - want| <= relative * |want| + absolute, both already derived from the operation; NaN fails.
static bool close_to(float got, double want, double relative, double absolute) {
  return fabs((double)got - want) <= relative * fabs(want) + absolute;
}

static ck_runtime *with_threads(const ck_runtime *runtime, uint32_t threads) {
  ck_runtime_options options = {.struct_size = sizeof options, .threads = threads, .isa = ck_runtime_isa(runtime)};
  ck_runtime *other = NULL;
  return ck_runtime_create(&options, &other) == CK_OK ? other : NULL;
}

// A sum of n terms in blocks of at least four lanes and two chains: no value passes through more roundings.
static double sum_error(size_t n) { return ((double)n / 4 + 8) * EPSILON; }

static void check_norm_rows(ck_report *report, const ck_norm_args *args, const matrix *x, const matrix *y, bool layer) {
  for (size_t v = 0; v < args->rows * args->groups; v++) {
    const float *in = x->data + v / args->groups * x->ld + v % args->groups * args->n;
    const float *out = y->data + v / args->groups * y->ld + v % args->groups * args->n;
    double mean = 0, squares = 0, largest = 0;
    for (size_t i = 0; i < args->n; i++) {
      if (layer) mean += in[i] / (double)args->n;
      largest = fmax(largest, fabs(in[i]));
    }
    for (size_t i = 0; i < args->n; i++) squares += (in[i] - mean) * (in[i] - mean) / (double)args->n;
    double scale = 1 / sqrt(squares + args->epsilon);
    for (size_t i = 0; i < args->n; i++) {
      double weight = args->weight ? (double)args->weight[i] + args->offset : 1, bias = args->bias ? args->bias[i] : 0;
      double product = (in[i] - mean) * scale * weight;
      // The mean is off by sum_error of the largest value, which the scale and the weight carry on.
      double absolute = (layer ? 2 * sum_error(args->n) * largest * scale * fabs(weight) : 0) +
                        4 * EPSILON * (fabs(bias) + fabs(in[i]) * scale * (fabs(weight) + fabs(args->offset)));
      if (!close_to(out[i], product + bias, 0, fabs(product) * (sum_error(args->n) + 8 * EPSILON) + absolute)) {
        ck_check(report, false, "%s n=%zu: y[%zu][%zu]=%g, expected %g", layer ? "layer_norm" : "rms_norm", args->n, v,
                 i, out[i], product + bias);
        return;
      }
    }
  }
  ck_check(report, untouched(y), "norm n=%zu wrote outside y", args->n);
}

static void check_norms(ck_runtime *runtime, ck_runtime *other, ck_random *random, ck_report *report, size_t n,
                        size_t groups, bool layer) {
  const size_t rows = 5;
  matrix x = matrix_random(random, rows, n * groups, 3), y = matrix_new(rows, n * groups);
  matrix weight = matrix_random(random, 1, n, 1), bias = matrix_random(random, 1, n, 1);
  ck_norm_args args = {.struct_size = sizeof args, .x = x.data, .ldx = x.ld, .y = y.data, .ldy = y.ld, .rows = rows,
                       .groups = groups, .n = n, .weight = n % 2 ? weight.data : NULL, .offset = n % 3 ? 0 : 1,
                       .bias = layer && n % 5 ? bias.data : NULL, .epsilon = 1e-5f};
  ck_status (*norm)(ck_runtime *, const ck_norm_args *) = layer ? ck_layer_norm : ck_rms_norm;
  ck_check(report, norm(runtime, &args) == CK_OK, "norm n=%zu failed", n);
  check_norm_rows(report, &args, &x, &y, layer);
  matrix alone = matrix_new(rows, n * groups), place = matrix_copy(&x);
  args.y = alone.data;
  args.rows = 1;
  for (size_t r = 0; r < rows; r++, args.x += x.ld, args.y += alone.ld) norm(other, &args);
  args.x = args.y = place.data;
  args.rows = rows;
  norm(other, &args);
  ck_check(report, same(&y, &alone) && same(&y, &place), "norm n=%zu: rows alone or in place differ", n);
  free(x.data), free(y.data), free(weight.data), free(bias.data), free(alone.data), free(place.data);
}

// The exact value and how much the float computation may be off, in absolute terms.
static double gate_value(ck_gate act, double x, double *error) {
  double factor;
  switch (act) {
    case CK_GATE_SILU:
      // e^-x is off by 2^-23 of itself and by the rounding of its argument's reduction; the quotient by 2 more.
      *error = 6 * EPSILON * fabs(x / (1 + exp(-x)));
      return x / (1 + exp(-x));
    case CK_GATE_GELU_TANH: {
      double inner = 0.7978845608028654 * x * (1 + 0.044715 * x * x);
      factor = 1 + tanh(inner);
      // tanh's argument is off by 4 roundings, damped by tanh' = 1 - tanh².
      *error = 0.5 * fabs(x) * EPSILON * (6 + 4 * fabs(inner) * (1 - tanh(inner) * tanh(inner)));
      return 0.5 * x * factor;
    }
    case CK_GATE_GELU_ERF: {
      double inner = x * 0.7071067811865476;
      factor = 1 + erf(inner);
      *error = 0.5 * fabs(x) * EPSILON * (6 + 2 * fabs(inner) * 1.13 * exp(-inner * inner));
      return 0.5 * x * factor;
    }
    default: *error = 0; return x;
  }
}

static void check_gated(ck_runtime *runtime, ck_runtime *other, ck_random *random, ck_report *report, size_t n) {
  const size_t rows = 3;
  matrix gate = matrix_random(random, rows, n, 4), up = matrix_random(random, rows, n, 2);
  for (int act = 0; act <= CK_GATE_GELU_ERF; act++) {
    for (int with_up = 0; with_up < 2; with_up++) {
      matrix y = matrix_new(rows, n), place = matrix_copy(&gate);
      const float *u = with_up ? up.data : NULL;
      ck_check(report, ck_gated(runtime, (ck_gate)act, gate.data, gate.ld, u, up.ld, y.data, y.ld, rows, n) == CK_OK,
               "gated n=%zu failed", n);
      for (size_t r = 0; r < rows; r++)
        ck_gated(other, (ck_gate)act, place.data + r * place.ld, place.ld, u ? u + r * up.ld : NULL, up.ld,
                 place.data + r * place.ld, place.ld, 1, n);
      ck_check(report, same(&y, &place) && untouched(&y), "gated act=%d n=%zu: in place differs", act, n);
      for (size_t i = 0; i < rows * n; i++) {
        size_t at = i / n * y.ld + i % n;
        double error, want = gate_value((ck_gate)act, gate.data[at], &error), factor = with_up ? up.data[at] : 1;
        if (close_to(y.data[at], want * factor, 2 * EPSILON, error * fabs(factor) + 0x1p-149)) continue;
        ck_check(report, false, "gated act=%d: act(%g)*%g=%g, expected %g", act, gate.data[at], factor, y.data[at],
                 want * factor);
        break;
      }
      free(y.data), free(place.data);
    }
  }
  free(gate.data), free(up.data);
}

static void check_sums(ck_runtime *runtime, ck_runtime *other, ck_random *random, ck_report *report, size_t n) {
  const size_t rows = 9, y_rows = 4;
  matrix x = matrix_random(random, rows, n, 1), y = matrix_random(random, rows, n, 1), sum = matrix_copy(&y);
  ck_check(report, ck_add_scaled(runtime, 0.3f, x.data, x.ld, sum.data, sum.ld, rows, n) == CK_OK, "add_scaled");
  bool good = untouched(&sum);
  for (size_t i = 0; i < rows * n && good; i++) {
    size_t at = i / n * x.ld + i % n;
    double product = 0.3f * (double)x.data[at];
    good = close_to(sum.data[at], y.data[at] + product, 0, 2 * EPSILON * (fabs(product) + fabs(y.data[at])));
  }
  ck_check(report, good, "add_scaled n=%zu is wrong", n);
  float a[9];
  int32_t ids[9] = {2, 0, 2, 2, 3, 0, 2, 3, 3};
  for (int i = 0; i < 9; i++) a[i] = ck_random_normal(random);
  matrix base = matrix_random(random, y_rows, n, 1), got = matrix_copy(&base), again = matrix_copy(&base);
  ck_scatter_add(runtime, a, ids, x.data, x.ld, got.data, got.ld, y_rows, rows, n);
  ck_scatter_add(other, a, ids, x.data, x.ld, again.data, again.ld, y_rows, rows, n);
  ck_check(report, same(&got, &again) && untouched(&got), "scatter_add n=%zu depends on threads", n);
  good = true;
  for (size_t i = 0; i < y_rows * n && good; i++) {
    size_t at = i / n * got.ld + i % n;
    double want = base.data[at], size = fabs(want);
    for (int j = 0; j < 9; j++) {
      if ((size_t)ids[j] != i / n) continue;
      want += (double)a[j] * x.data[(size_t)j * x.ld + i % n];
      size += fabs((double)a[j] * x.data[(size_t)j * x.ld + i % n]);
    }
    good = close_to(got.data[at], want, 0, 5 * EPSILON * size);
  }
  ck_check(report, good, "scatter_add n=%zu is wrong", n);
  free(x.data), free(y.data), free(sum.data), free(base.data), free(got.data), free(again.data);
}

static void check_softcap(ck_runtime *runtime, ck_random *random, ck_report *report, size_t n) {
  matrix x = matrix_random(random, 2, n, 40), y = matrix_copy(&x);
  ck_check(report, ck_softcap(runtime, 30, y.data, y.ld, 2, n) == CK_OK && untouched(&y), "softcap n=%zu", n);
  for (size_t i = 0; i < 2 * n; i++) {
    size_t at = i / n * x.ld + i % n;
    double want = 30 * tanh((double)x.data[at] / 30);
    if (close_to(y.data[at], want, 6 * EPSILON, 0)) continue;
    ck_check(report, false, "softcap(%g)=%g, expected %g", x.data[at], y.data[at], want);
    break;
  }
  free(x.data), free(y.data);
}

static void check_softmax(ck_runtime *runtime, ck_runtime *other, ck_random *random, ck_report *report, size_t n) {
  const size_t rows = 3;
  matrix x = matrix_random(random, rows, n, 6), y = matrix_new(rows, n), place = matrix_copy(&x);
  if (n > 1) x.data[1] = place.data[1] = -INFINITY;
  ck_check(report, ck_softmax(runtime, 0.7f, x.data, x.ld, y.data, y.ld, rows, n) == CK_OK, "softmax failed");
  ck_softmax(other, 0.7f, place.data, place.ld, place.data, place.ld, rows, n);
  ck_check(report, same(&y, &place) && untouched(&y), "softmax n=%zu: in place differs", n);
  for (size_t r = 0; r < rows; r++) {
    double largest = -INFINITY, sum = 0;
    for (size_t i = 0; i < n; i++) largest = fmax(largest, 0.7f * (double)x.data[r * x.ld + i]);
    for (size_t i = 0; i < n; i++) sum += exp(0.7f * (double)x.data[r * x.ld + i] - largest);
    for (size_t i = 0; i < n; i++) {
      double shift = 0.7f * (double)x.data[r * x.ld + i] - largest, want = exp(shift) / sum;
      // The argument carries the roundings of two products and a difference, all below |largest| + |shift|.
      double error = sum_error(n) + EPSILON * (8 + 3 * (fabs(largest) + (isinf(shift) ? 0 : fabs(shift))));
      if (close_to(y.data[r * y.ld + i], want, error, 0x1p-126)) continue;
      ck_check(report, false, "softmax n=%zu: %g, expected %g", n, y.data[r * y.ld + i], want);
      break;
    }
  }
  for (size_t i = 0; i < n; i++) x.data[i] = -INFINITY;
  ck_softmax(runtime, 1, x.data, x.ld, y.data, y.ld, 1, n);
  bool zeros = true;
  for (size_t i = 0; i < n; i++) zeros = zeros && y.data[i] == 0;
  ck_check(report, zeros, "softmax of -inf is not zero at n=%zu", n);
  x.data[n / 2] = NAN;
  ck_softmax(runtime, 1, x.data, x.ld, y.data, y.ld, 1, n);
  ck_check(report, isnan(y.data[0]) && isnan(y.data[n - 1]), "softmax hides a NaN at n=%zu", n);
  free(x.data), free(y.data), free(place.data);
}

// Counts for each result how many beat it: with distinct ranks that is the definition.
static void check_topk(ck_runtime *runtime, ck_random *random, ck_report *report, size_t n, size_t k) {
  const size_t rows = 2;
  matrix x = matrix_new(rows, n);
  for (size_t i = 0; i < rows * n; i++)  // few distinct values, so that ties abound; some NaN and -inf
    x.data[i / n * x.ld + i % n] = ck_random_next(random) % 16 == 0   ? NAN
                                   : ck_random_next(random) % 16 == 0 ? -INFINITY
                                                                      : (float)(ck_random_next(random) % 50);
  float *values = malloc((rows * k + 1) * sizeof *values);
  int32_t *indices = malloc((rows * k + 1) * sizeof *indices);
  values[rows * k] = 12345;
  indices[rows * k] = 12345;
  ck_check(report, ck_topk(runtime, x.data, x.ld, rows, n, k, values, indices) == CK_OK, "topk n=%zu k=%zu", n, k);
  ck_check(report, values[rows * k] == 12345 && indices[rows * k] == 12345, "topk wrote past its end");
  for (size_t r = 0; r < rows; r++) {
    for (size_t j = 0; j < k; j += j < 20 ? 1 : k / 7 + 1) {
      int32_t index = indices[r * k + j];
      if (!ck_check(report, index >= 0 && (size_t)index < n, "topk index %d of %zu", index, n)) break;
      float value = x.data[r * x.ld + (size_t)index];
      if (isnan(value)) value = -INFINITY;
      size_t before = 0;
      for (size_t i = 0; i < n; i++) {
        float rival = isnan(x.data[r * x.ld + i]) ? -INFINITY : x.data[r * x.ld + i];
        before += rival > value || (rival == value && i < (size_t)index);
      }
      if (before == j && values[r * k + j] == value) continue;
      ck_check(report, false, "topk n=%zu k=%zu: place %zu went to rank %zu", n, k, j, before);
      break;
    }
  }
  free(x.data), free(values), free(indices);
}

// True if y is x rotated, and what lies behind the rotary values is as it was.
static bool rotated(const float *x, const float *y, size_t head_dim, ck_rope_pairing pairing, const float *cosines,
                    const float *sines, size_t pairs) {
  for (size_t i = 0; i < pairs; i++) {
    size_t first = pairing == CK_ROPE_HALVES ? i : 2 * i, second = pairing == CK_ROPE_HALVES ? pairs + i : 2 * i + 1;
    double a = x[first], b = x[second], c = cosines[i], s = sines[i];
    double error = 2 * EPSILON * (fabs(a) + fabs(b)) * 1.25;
    if (!close_to(y[first], a * c - b * s, 0, error) || !close_to(y[second], a * s + b * c, 0, error)) return false;
  }
  return memcmp(x + 2 * pairs, y + 2 * pairs, (head_dim - 2 * pairs) * sizeof(float)) == 0;
}

static void check_rope(ck_runtime *runtime, ck_runtime *other, ck_random *random, ck_report *report, size_t pairs) {
  const size_t rows = 4, heads = 3, head_dim = 2 * pairs + 5;
  const int32_t positions[4] = {0, 1, 4097, 1048575};
  float *tables = malloc((pairs + 2 * rows * pairs) * sizeof *tables), *cosines = tables + pairs;
  float *sines = cosines + rows * pairs;
  for (size_t i = 0; i < pairs; i++) tables[i] = (float)pow(10000, -(double)i / (double)pairs);
  ck_check(report, ck_rope_table(runtime, tables, pairs, 1.25f, positions, rows, cosines, sines) == CK_OK, "table");
  bool good = true;
  for (size_t i = 0; i < rows * pairs; i++) {
    long double angle = (long double)positions[i / pairs] * tables[i % pairs];
    good = good && close_to(cosines[i], (double)(1.25L * cosl(angle)), EPSILON, 1e-9) &&
           close_to(sines[i], (double)(1.25L * sinl(angle)), EPSILON, 1e-9);
  }
  ck_check(report, good, "rope_table of %zu pairs is wrong", pairs);
  for (int pairing = 0; pairing < 2; pairing++) {
    matrix x = matrix_random(random, rows, heads * head_dim, 1), y = matrix_copy(&x), again = matrix_copy(&x);
    ck_rope(runtime, (ck_rope_pairing)pairing, y.data, y.ld, rows, heads, head_dim, cosines, sines, pairs);
    for (size_t r = 0; r < rows; r++)
      ck_rope(other, (ck_rope_pairing)pairing, again.data + r * again.ld, again.ld, 1, heads, head_dim,
              cosines + r * pairs, sines + r * pairs, pairs);
    ck_check(report, same(&y, &again) && untouched(&y), "rope of %zu pairs: rows alone differ", pairs);
    good = true;
    for (size_t v = 0; v < rows * heads && good; v++) {
      size_t base = v / heads * x.ld + v % heads * head_dim, table = v / heads * pairs;
      good = rotated(x.data + base, y.data + base, head_dim, (ck_rope_pairing)pairing, cosines + table, sines + table,
                     pairs);
    }
    ck_check(report, good, "rope pairing=%d of %zu pairs is wrong", pairing, pairs);
    free(x.data), free(y.data), free(again.data);
  }
  free(tables);
}

static void check_specials(ck_runtime *runtime, ck_report *report) {
  float x[4] = {-INFINITY, -1e4f, INFINITY, NAN}, y[4];
  for (int act = CK_GATE_SILU; act <= CK_GATE_GELU_ERF; act++) {
    ck_gated(runtime, (ck_gate)act, x, 4, NULL, 0, y, 4, 1, 4);
    ck_check(report, y[0] == 0 && fabsf(y[1]) < 1e-30f && y[2] == INFINITY && isnan(y[3]),
             "act %d of -inf, -1e4, inf, NaN: %g %g %g %g", act, y[0], y[1], y[2], y[3]);
  }
}

static void check_refusals(ck_runtime *runtime, ck_report *report) {
  float x[8] = {0}, y[8] = {0};
  int32_t ids[1] = {2}, negative[1] = {-1};
  ck_norm_args norm = {.struct_size = sizeof norm, .x = x, .ldx = 8, .y = y, .ldy = 8, .rows = 1, .groups = 1, .n = 8};
  const struct {
    const char *what;
    ck_status status;
  } rows[] = {
      {"norm without a runtime", ck_rms_norm(NULL, &norm)},
      {"norm of NULL", ck_rms_norm(runtime, NULL)},
      {"gated of an unknown act", ck_gated(runtime, (ck_gate)9, x, 8, NULL, 0, y, 8, 1, 8)},
      {"gated with a short stride", ck_gated(runtime, CK_GATE_SILU, x, 7, NULL, 0, y, 8, 1, 8)},
      {"gated of overflowing rows", ck_gated(runtime, CK_GATE_SILU, x, SIZE_MAX / 2, NULL, 0, y, 8, 3, 8)},
      {"add_scaled to NULL", ck_add_scaled(runtime, 1, x, 8, NULL, 8, 1, 8)},
      {"scatter past the end", ck_scatter_add(runtime, x, ids, x, 4, y, 4, 2, 1, 4)},
      {"scatter before the start", ck_scatter_add(runtime, x, negative, x, 4, y, 4, 2, 1, 4)},
      {"softcap of 0", ck_softcap(runtime, 0, x, 8, 1, 8)},
      {"softcap of NaN", ck_softcap(runtime, NAN, x, 8, 1, 8)},
      {"softmax by infinity", ck_softmax(runtime, INFINITY, x, 8, y, 8, 1, 8)},
      {"topk of more than there is", ck_topk(runtime, x, 8, 1, 8, 9, y, ids)},
      {"rope wider than a head", ck_rope(runtime, CK_ROPE_HALVES, x, 8, 1, 1, 8, y, y, 5)},
      {"rope of an unknown pairing", ck_rope(runtime, (ck_rope_pairing)2, x, 8, 1, 1, 8, y, y, 4)},
      {"rope_table at a negative position", ck_rope_table(runtime, x, 4, 1, negative, 1, x, y)},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    ck_check(report, rows[i].status == CK_INVALID_ARGUMENT, "%s: %s", rows[i].what, ck_status_name(rows[i].status));
  norm.n = 9;
  ck_check(report, ck_rms_norm(runtime, &norm) == CK_INVALID_ARGUMENT, "norm wider than its rows");
  norm.n = 8, norm.epsilon = NAN;
  ck_check(report, ck_layer_norm(runtime, &norm) == CK_INVALID_ARGUMENT, "norm with an epsilon of NaN");
  norm.epsilon = 0, norm.groups = SIZE_MAX / 4;
  ck_check(report, ck_layer_norm(runtime, &norm) == CK_INVALID_ARGUMENT, "norm of overflowing groups");
  ck_check(report, ck_softmax(runtime, 1, NULL, 8, NULL, 8, 0, 8) == CK_OK, "no rows are nothing to do");
}

void ck_conform_vector(ck_runtime *runtime, ck_effort effort, ck_report *report) {
  ck_random random = {7};
  ck_runtime *other = with_threads(runtime, 3);
  if (!ck_check(report, other != NULL, "no runtime of 3 threads")) return;
  for (size_t i = 0; i < SIZE_COUNT - (effort == CK_EFFORT_QUICK ? 2 : 0); i++) {
    size_t n = sizes[i];
    for (int layer = 0; layer < 2; layer++) {
      check_norms(runtime, other, &random, report, n, 1, layer);
      check_norms(runtime, other, &random, report, n, 3, layer);
    }
    check_gated(runtime, other, &random, report, n);
    check_sums(runtime, other, &random, report, n);
    check_softcap(runtime, &random, report, n);
    check_softmax(runtime, other, &random, report, n);
    check_topk(runtime, &random, report, n, 1);
    check_topk(runtime, &random, report, n, n / 2 + 1);
    check_topk(runtime, &random, report, n, n);
    if (n <= 257) check_rope(runtime, other, &random, report, n);
  }
  check_specials(runtime, report);
  check_refusals(runtime, report);
  ck_runtime_destroy(other);
}
