// Packing, activations and matrix products of every format against double precision: weights as ck_decode gives
// them, shapes of one to two tiles in each direction, exact and rounded activations, poisoned outputs with canaries,
// and equality of bits over columns, threads and cuts. Speed is not looked at.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "conformance.h"

static const double EPSILON = 0x1p-24;
enum { CANARY = 16, PAD = 5 };

// ------------------------------------------------------------------------------------------------------- test data

typedef struct weights {
  ck_packed packed;
  size_t n, k, row_bytes;
  uint8_t *blocks;   // (n, row_bytes)
  float *values;     // (n, k)
  double *magnitude;  // (n, k): the largest |value| of the block, which bounds scale * code and minimum
} weights;

// Random bits make every code and scale; blocks with values that float32 sums could not take are drawn again.
static void draw_block(ck_random *random, const ck_format_info *info, ck_format format, uint8_t *block, float *values) {
  float largest = 0;
  while (!(largest > 1e-3f && largest < 1e3f)) {
    for (uint32_t i = 0; i < info->bytes_per_block; i++) block[i] = (uint8_t)ck_random_next(random);
    ck_decode(format, block, info->values_per_block, values);
    largest = 0;
    for (uint32_t i = 0; i < info->values_per_block; i++)
      largest = fabsf(values[i]) <= largest ? largest : fabsf(values[i]);  // NaN stays and ends in another draw
  }
}

static weights weights_new(ck_runtime *runtime, ck_random *random, ck_report *report, ck_format format, size_t n,
                           size_t k) {
  const ck_format_info *info = ck_format_describe(format);
  const size_t block = info->values_per_block;
  weights w = {.n = n, .k = k, .row_bytes = k / block * info->bytes_per_block};
  w.blocks = malloc(n * w.row_bytes);
  w.values = malloc(n * k * sizeof *w.values);
  w.magnitude = malloc(n * k * sizeof *w.magnitude);
  for (size_t b = 0; b < n * k / block; b++) {
    draw_block(random, info, format, w.blocks + b * info->bytes_per_block, w.values + b * block);
    double largest = 0;
    for (size_t i = 0; i < block; i++) largest = fmax(largest, fabs((double)w.values[b * block + i]));
    for (size_t i = 0; i < block; i++) w.magnitude[b * block + i] = largest;
  }
  ck_check(report, ck_packed_plan(runtime, format, n, k, &w.packed) == CK_OK, "%s: plan", info->name);
  ck_memory_allocate(w.packed.bytes, &w.packed.data);
  // In two parts that meet inside a panel.
  const size_t half = n / 2;
  ck_status first = ck_packed_store(runtime, &w.packed, 0, half, w.blocks, w.row_bytes);
  ck_status second = ck_packed_store(runtime, &w.packed, half, n - half, w.blocks + half * w.row_bytes, w.row_bytes);
  ck_check(report, first == CK_OK && second == CK_OK, "%s: store", info->name);
  return w;
}

static void weights_free(weights *w) {
  ck_memory_free(w->packed.data, w->packed.bytes);
  free(w->blocks);
  free(w->values);
  free(w->magnitude);
}

// Integers within ±127 times a power of two a block, 127 being in each: int8 and bfloat16 hold them exactly.
static float *exact_rows(ck_random *random, size_t m, size_t k, size_t block) {
  float *x = malloc(m * k * sizeof *x);
  for (size_t i = 0; i < m * k; i += block) {
    const float unit = ldexpf(1, (int)(ck_random_next(random) % 8) - 4);
    const size_t count = m * k - i < block ? m * k - i : block;
    for (size_t j = 0; j < count; j++) x[i + j] = unit * (float)((int)(ck_random_next(random) % 255) - 127);
    x[i + ck_random_next(random) % count] = 127 * unit;
  }
  return x;
}

static float *normal_rows(ck_random *random, size_t m, size_t k) {
  float *x = malloc(m * k * sizeof *x);
  for (size_t i = 0; i < m * k; i++) x[i] = ck_random_normal(random);
  return x;
}

static ck_activations activations_new(ck_runtime *runtime, ck_report *report, ck_activation kind, size_t m, size_t k,
                                      const float *x, const int32_t *rows) {
  ck_activations a;
  ck_check(report, ck_activations_plan(runtime, kind, m, k, &a) == CK_OK, "activations of kind %d: plan", (int)kind);
  ck_memory_allocate(a.bytes, &a.data);
  ck_check(report, ck_activations_store(runtime, &a, x, k, rows) == CK_OK, "activations of kind %d: store", (int)kind);
  return a;
}

// (m, n) with PAD values between rows and CANARY after the last: all NaN.
static float *poisoned(size_t m, size_t n) {
  float *y = malloc((m * (n + PAD) + CANARY) * sizeof *y);
  memset(y, 0xff, (m * (n + PAD) + CANARY) * sizeof *y);
  return y;
}

static bool canaries_live(const float *y, size_t m, size_t n) {
  for (size_t i = 0; i < m * (n + PAD) + CANARY; i++) {
    uint32_t bits;
    memcpy(&bits, y + i, sizeof bits);
    if ((i >= m * (n + PAD) || i % (n + PAD) >= n) && bits != UINT32_MAX) return false;
  }
  return true;
}

static ck_status multiply(ck_runtime *runtime, const ck_activations *a, const ck_matmul_output *output) {
  const ck_matmul_args args = {.struct_size = sizeof args, .x = a, .outputs = output, .output_count = 1};
  return ck_matmul(runtime, &args);
}

// ---------------------------------------------------------------------------------------------------------- oracle

// y against sums in double precision. `step` (m, k) bounds what rounding changed in each x, or is NULL.
// A sum of t terms in any order is off by at most t * epsilon * sum |terms|; here t counts a few a block.
static void check_product(ck_report *report, const char *what, const weights *w, const float *x, size_t m,
                          const float *step, const float *y) {
  for (size_t i = 0; i < m; i++)
    for (size_t j = 0; j < w->n; j++) {
      double sum = 0, size = 0, rounding = 0;
      for (size_t t = 0; t < w->k; t++) {
        sum += (double)x[i * w->k + t] * w->values[j * w->k + t];
        size += fabs((double)x[i * w->k + t]) * w->magnitude[j * w->k + t];
        if (step) rounding += fabs(w->values[j * w->k + t]) * (double)step[i * w->k + t];
      }
      const double tolerance = ((double)w->k + 16) * EPSILON * size * 2 + rounding, got = y[i * (w->n + PAD) + j];
      if (!(fabs(got - sum) <= tolerance)) {
        ck_check(report, false, "%s: n %zu k %zu m %zu: y[%zu, %zu] is %g, not %g within %g", what, w->n, w->k, m, i, j,
                 got, sum, tolerance);
        return;
      }
    }
  ck_check(report, true, "%s", what);
}

static void check_rows(ck_runtime *runtime, ck_report *report, const weights *w, const char *name) {
  const int32_t ids[] = {(int32_t)w->n - 1, 0, (int32_t)w->n / 2};
  float *rows = malloc(3 * w->k * sizeof *rows);
  ck_check(report, ck_packed_rows(runtime, &w->packed, ids, 3, 1, rows, w->k) == CK_OK, "%s: rows", name);
  bool same = true;
  for (size_t i = 0; i < 3; i++)
    same &= memcmp(rows + i * w->k, w->values + (size_t)ids[i] * w->k, w->k * sizeof *rows) == 0;
  ck_check(report, same, "%s: rows differ from ck_decode, n %zu k %zu", name, w->n, w->k);
  const int32_t outside = (int32_t)w->n;
  ck_check(report, ck_packed_rows(runtime, &w->packed, &outside, 1, 1, rows, w->k) == CK_INVALID_ARGUMENT,
           "%s: row %d of %zu", name, outside, w->n);
  free(rows);
}

// The same m rows alone, as part of more, on other threads: equal bits.
static void check_bits(ck_runtime *runtime, ck_report *report, const weights *w, const char *name, ck_activation kind,
                       const float *x, size_t m, const float *y) {
  static const size_t counts[] = {1, 2, 3, 4, 5, 8, 11, 12, 13, 17, 25, 48, 49};
  for (size_t i = 0; i < sizeof counts / sizeof *counts && counts[i] < m; i++) {
    const size_t first = (i * 7) % (m - counts[i] + 1), count = counts[i];
    ck_activations a = activations_new(runtime, report, kind, count, w->k, x + first * w->k, NULL);
    float *alone = poisoned(count, w->n);
    ck_matmul_output output = {.weights = &w->packed, .y = alone, .ldy = w->n + PAD};
    ck_check(report, multiply(runtime, &a, &output) == CK_OK, "%s: %zu rows", name, count);
    bool same = true;
    for (size_t r = 0; r < count; r++)
      same &= memcmp(alone + r * (w->n + PAD), y + (first + r) * (w->n + PAD), w->n * sizeof *y) == 0;
    ck_check(report, same, "%s: kind %d: %zu rows alone differ from the same among %zu", name, (int)kind, count, m);
    ck_check(report, canaries_live(alone, count, w->n), "%s: %zu rows wrote outside y", name, count);
    ck_memory_free(a.data, a.bytes);
    free(alone);
  }
  for (uint32_t threads = 1; threads <= 3; threads++) {
    const ck_runtime_options options = {sizeof options, threads, ck_runtime_isa(runtime)};
    ck_runtime *other;
    if (!ck_check(report, ck_runtime_create(&options, &other) == CK_OK, "%u threads", threads)) continue;
    // And from the middle of the activations, through the row list.
    const size_t first = m / 3, count = m - first;
    int32_t *order = malloc(m * sizeof *order);
    for (size_t r = 0; r < m; r++) order[r] = (int32_t)((r + 1) % m);
    ck_activations a = activations_new(other, report, kind, m, w->k, x, order);
    float *again = poisoned(count, w->n);
    ck_matmul_output output = {.weights = &w->packed, .y = again, .ldy = w->n + PAD, .first_row = first};
    ck_check(report, multiply(other, &a, &output) == CK_OK, "%s: %u threads", name, threads);
    bool same = true;
    for (size_t r = 0; r < count; r++)
      same &= memcmp(again + r * (w->n + PAD), y + (size_t)order[first + r] * (w->n + PAD), w->n * sizeof *y) == 0;
    ck_check(report, same, "%s: kind %d: %u threads and a permutation change bits", name, (int)kind, threads);
    ck_memory_free(a.data, a.bytes);
    free(again);
    free(order);
    ck_runtime_destroy(other);
  }
}

typedef struct shape {
  size_t n, k, m;
} shape;

// A bound of what 127 stands for where x[i] is: the largest of 32 values, and a multiple of it is rounded up; in blocks
// of 256 the block's largest, halved up to three times while it is not below that of the 32.
static float scaled_by(const float *x, size_t i, size_t block, size_t count) {
  float block_largest = 0, largest = 0;
  for (size_t j = i / block * block; j < i / block * block + block && j < count; j++) {
    block_largest = fmaxf(block_largest, fabsf(x[j]));
    if (j / 32 == i / 32) largest = fmaxf(largest, fabsf(x[j]));
  }
  if (block == 32) return largest * 1.01f;
  return fminf(block_largest, fmaxf(2 * largest, block_largest / 8)) * 1.01f;
}

// One product of x with each kind of activations that serves the format, from exact and from rounded values.
static void check_shape(ck_runtime *runtime, ck_random *random, ck_report *report, ck_format format, shape s,
                        bool bits) {
  const ck_format_info *info = ck_format_describe(format);
  const size_t group = info->activation == CK_ACTIVATION_Q8_256 ? 256 : 32;
  weights w = weights_new(runtime, random, report, format, s.n, s.k);
  check_rows(runtime, report, &w, info->name);
  for (int pass = 0; pass < 3; pass++) {
    const ck_activation kind = pass == 0 ? CK_ACTIVATION_F32 : info->activation;
    float *x = pass == 1 ? exact_rows(random, s.m, s.k, group) : normal_rows(random, s.m, s.k);
    float *step = calloc(s.m * s.k, sizeof *step);
    for (size_t i = 0; pass == 2 && i < s.m * s.k; i++) {
      // Half a unit: bfloat16 has 8 bits; int8 has 127 steps of what its group is scaled by.
      step[i] = kind == CK_ACTIVATION_F32    ? 0
                : kind == CK_ACTIVATION_BF16 ? fabsf(x[i]) / 256
                                             : scaled_by(x, i, group, s.m * s.k) / 127.0f;
    }
    ck_activations a = activations_new(runtime, report, kind, s.m, s.k, x, NULL);
    float *y = poisoned(s.m, s.n);
    ck_matmul_output output = {.weights = &w.packed, .y = y, .ldy = s.n + PAD};
    ck_check(report, multiply(runtime, &a, &output) == CK_OK, "%s: multiply", info->name);
    check_product(report, info->name, &w, x, s.m, step, y);
    ck_check(report, canaries_live(y, s.m, s.n), "%s: wrote outside y", info->name);
    if (bits && pass != 1) check_bits(runtime, report, &w, info->name, kind, x, s.m, y);
    ck_memory_free(a.data, a.bytes);
    free(x);
    free(step);
    free(y);
  }
  weights_free(&w);
}

// Each weight alone: x is a row of the unit matrix, so that y must be the very value of ck_decode.
static void check_units(ck_runtime *runtime, ck_random *random, ck_report *report, ck_format format) {
  const ck_format_info *info = ck_format_describe(format);
  enum { N = 16, K = 256 };
  weights w = weights_new(runtime, random, report, format, N, K);
  float *x = calloc(K * K, sizeof *x), *y = malloc(K * N * sizeof *y);
  for (size_t i = 0; i < K; i++) x[i * K + i] = 1;
  ck_activations a = activations_new(runtime, report, CK_ACTIVATION_F32, K, K, x, NULL);
  ck_matmul_output output = {.weights = &w.packed, .y = y, .ldy = N};
  ck_check(report, multiply(runtime, &a, &output) == CK_OK, "%s: unit rows", info->name);
  bool same = true;
  for (size_t i = 0; i < K; i++)
    for (size_t j = 0; j < N; j++) same &= y[i * N + j] == w.values[j * K + i];
  ck_check(report, same, "%s: the exact path differs from ck_decode", info->name);
  ck_memory_free(a.data, a.bytes);
  free(x);
  free(y);
  weights_free(&w);
}

// ---------------------------------------------------------------------------------------------------- what follows

static double activated(ck_gate act, double x) {
  switch (act) {
    case CK_GATE_SILU: return x / (1 + exp(-x));
    case CK_GATE_GELU_TANH: return 0.5 * x * (1 + tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)));
    case CK_GATE_GELU_ERF: return 0.5 * x * (1 + erf(x * 0.7071067811865476));
    default: return x;
  }
}

// Bias, gate, activation and accumulation against plain products through the same kernels.
static void check_finish(ck_runtime *runtime, ck_random *random, ck_report *report) {
  enum { N = 37, K = 64, M = 14 };
  weights up = weights_new(runtime, random, report, CK_FORMAT_Q8_0, N, K);
  weights gate = weights_new(runtime, random, report, CK_FORMAT_F16, N, K);
  float *x = normal_rows(random, M, K), *bias = normal_rows(random, 1, N), *start = normal_rows(random, M, N);
  for (size_t i = 0; i < M * K; i++) x[i] /= 64;
  ck_activations a = activations_new(runtime, report, CK_ACTIVATION_F32, M, K, x, NULL);
  float *u = malloc(M * N * sizeof *u), *g = malloc(M * N * sizeof *g);
  ck_matmul_output output = {.weights = &up.packed, .y = u, .ldy = N};
  multiply(runtime, &a, &output);
  output = (ck_matmul_output){.weights = &gate.packed, .y = g, .ldy = N};
  multiply(runtime, &a, &output);
  for (int mode = 0; mode < 16; mode++) {
    const ck_gate act = (ck_gate)(mode % 4);
    const bool gated = mode & 4, accumulate = mode & 8;
    float *y = poisoned(M, N);
    for (size_t i = 0; accumulate && i < M * N; i++) y[i / N * (N + PAD) + i % N] = start[i];
    output = (ck_matmul_output){.weights = &up.packed, .gate = gated ? &gate.packed : NULL, .bias = bias, .y = y,
                                .ldy = N + PAD, .act = act, .accumulate = accumulate};
    ck_check(report, multiply(runtime, &a, &output) == CK_OK, "finish mode %d", mode);
    bool close = canaries_live(y, M, N);
    for (size_t i = 0; i < M * N; i++) {
      const double sum = (double)u[i] + bias[i % N], before = accumulate ? start[i] : 0;
      const double value = gated ? activated(act, g[i]) * sum : activated(act, sum);
      // tanh and exp are good to about 2e-6 of the larger of their argument and value.
      const double size = (fabs((double)u[i]) + fabs((double)bias[i % N])) * (gated ? fabs((double)g[i]) : 1);
      close &= fabs(y[i / N * (N + PAD) + i % N] - (value + before)) <= 4e-6 * (size + fabs(before)) + 1e-6;
    }
    ck_check(report, close, "finish mode %d: bias, gate, activation or accumulation", mode);
    free(y);
  }
  // A gate within the product is no other than one after two products: callers choose freely between the two.
  for (ck_gate act = CK_GATE_NONE; act <= CK_GATE_GELU_ERF; act++) {
    float *fused = poisoned(M, N), *apart = poisoned(M, N);
    output = (ck_matmul_output){.weights = &up.packed, .gate = &gate.packed, .y = fused, .ldy = N + PAD, .act = act};
    ck_check(report, multiply(runtime, &a, &output) == CK_OK, "a gated product, function %d", (int)act);
    ck_status status = ck_gated(runtime, act, g, N, u, N, apart, N + PAD, M, N);
    bool same = status == CK_OK;
    for (size_t i = 0; i < M; i++)
      same &= memcmp(fused + i * (N + PAD), apart + i * (N + PAD), N * sizeof *fused) == 0;
    ck_check(report, same, "a gate within the product has other bits than ck_gated, function %d", (int)act);
    free(fused), free(apart);
  }
  ck_memory_free(a.data, a.bytes);
  free(x), free(bias), free(start), free(u), free(g);
  weights_free(&up);
  weights_free(&gate);
}

// Rows with NaN and infinity end in NaN and leave the others alone; a row of zeros ends in zeros.
static void check_special(ck_runtime *runtime, ck_random *random, ck_report *report, ck_format format) {
  const ck_format_info *info = ck_format_describe(format);
  enum { N = 17, K = 512, M = 15 };
  weights w = weights_new(runtime, random, report, format, N, K);
  float *x = normal_rows(random, M, K), *clean = poisoned(M, N), *y = poisoned(M, N);
  ck_activations a = activations_new(runtime, report, info->activation, M, K, x, NULL);
  ck_matmul_output output = {.weights = &w.packed, .y = clean, .ldy = N + PAD};
  multiply(runtime, &a, &output);
  x[3 * K + 100] = NAN;
  x[7 * K + 1] = INFINITY;
  x[8 * K + 300] = -INFINITY;
  memset(x + 9 * K, 0, K * sizeof *x);
  for (size_t i = 0; i < K; i++) x[10 * K + i] = 1e-44f;  // subnormal
  ck_check(report, ck_activations_store(runtime, &a, x, K, NULL) == CK_OK, "%s: special values", info->name);
  output.y = y;
  multiply(runtime, &a, &output);
  bool good = true;
  for (size_t i = 0; i < M; i++)
    for (size_t j = 0; j < N; j++) {
      const float value = y[i * (N + PAD) + j];
      if (i == 3) good &= isnan(value);
      else if (i == 7 || i == 8) good &= !isfinite(value);
      else if (i == 9) good &= value == 0;
      else if (i == 10) good &= fabsf(value) < 1e-30f;
      else good &= memcmp(&value, &clean[i * (N + PAD) + j], sizeof value) == 0;
    }
  ck_check(report, good, "%s: NaN, infinity, zeros or subnormals", info->name);
  ck_memory_free(a.data, a.bytes);
  free(x), free(y), free(clean);
  weights_free(&w);
}

static void check_arguments(ck_runtime *runtime, ck_random *random, ck_report *report) {
  enum { N = 20, K = 64, M = 3 };
  weights w = weights_new(runtime, random, report, CK_FORMAT_Q4_0, N, K);
  float *x = normal_rows(random, M, K), *y = poisoned(M, N);
  ck_activations a = activations_new(runtime, report, CK_ACTIVATION_Q8_32, M, K, x, NULL);
  ck_packed packed;
  ck_activations plan;
#define REFUSED(call) ck_check(report, (call) == CK_INVALID_ARGUMENT, "accepted: %s", #call)
  REFUSED(ck_packed_plan(NULL, CK_FORMAT_Q4_0, N, K, &packed));
  REFUSED(ck_packed_plan(runtime, CK_FORMAT_COUNT, N, K, &packed));
  REFUSED(ck_packed_plan(runtime, CK_FORMAT_Q4_0, N, 33, &packed));
  REFUSED(ck_packed_plan(runtime, CK_FORMAT_Q4_0, 0, K, &packed));
  REFUSED(ck_packed_plan(runtime, CK_FORMAT_F32, SIZE_MAX / 8, SIZE_MAX / 512, &packed));
  REFUSED(ck_packed_store(runtime, &w.packed, 1, N, w.blocks, w.row_bytes));
  REFUSED(ck_packed_store(runtime, &w.packed, 0, N, w.blocks, w.row_bytes - 1));
  REFUSED(ck_packed_store(runtime, &w.packed, 0, N, NULL, w.row_bytes));
  REFUSED(ck_activations_plan(runtime, CK_ACTIVATION_Q8_256, M, 64, &plan));
  REFUSED(ck_activations_plan(runtime, (ck_activation)9, M, K, &plan));
  REFUSED(ck_activations_plan(runtime, CK_ACTIVATION_F32, 0, K, &plan));
  REFUSED(ck_activations_plan(runtime, CK_ACTIVATION_F32, SIZE_MAX / 2, K, &plan));
  REFUSED(ck_activations_store(runtime, &a, x, K - 1, NULL));
  REFUSED(ck_activations_store(runtime, &a, NULL, K, NULL));
  const ck_matmul_output right = {.weights = &w.packed, .y = y, .ldy = N};
  ck_matmul_output wrong = right;
  wrong.weights = NULL;
  REFUSED(multiply(runtime, &a, &wrong));
  wrong = right, wrong.y = NULL;
  REFUSED(multiply(runtime, &a, &wrong));
  wrong = right, wrong.ldy = N - 1;
  REFUSED(multiply(runtime, &a, &wrong));
  wrong = right, wrong.first_row = 1, wrong.rows = M;
  REFUSED(multiply(runtime, &a, &wrong));
  wrong = right, wrong.act = (ck_gate)7;
  REFUSED(multiply(runtime, &a, &wrong));
  packed = w.packed, packed.bytes -= 1, wrong = right, wrong.weights = &packed;
  REFUSED(multiply(runtime, &a, &wrong));
  packed = w.packed, packed.k *= 2;
  REFUSED(multiply(runtime, &a, &wrong));
  packed = w.packed, packed.layout++;
  REFUSED(multiply(runtime, &a, &wrong));
  plan = a, plan.kind = CK_ACTIVATION_Q8_256;
  REFUSED(multiply(runtime, &plan, &right));
  ck_matmul_args args = {.struct_size = 4, .x = &a, .outputs = &right, .output_count = 1};
  REFUSED(ck_matmul(runtime, &args));
#undef REFUSED
  const int32_t stop = 1;
  ck_set_cancel_flag(&stop);
  ck_check(report, multiply(runtime, &a, &right) == CK_CANCELLED, "the cancel flag was not seen");
  ck_set_cancel_flag(NULL);
  ck_check(report, multiply(runtime, &a, &right) == CK_OK, "a valid call after a cancelled one");
  ck_memory_free(a.data, a.bytes);
  free(x), free(y);
  weights_free(&w);
}

// The list of kernels names one for each format, of an ISA that the runtime's contains.
static void check_list(ck_runtime *runtime, ck_report *report) {
  size_t found = 0, own = 0;
  ck_kernel_info info;
  for (size_t i = 0; ck_describe(runtime, i, &info) == CK_OK; i++) {
    if (strcmp(info.operation, "matmul") != 0) continue;
    found++;
    const ck_isa isa = ck_isa_named(info.isa);
    ck_check(report, isa >= ck_runtime_isa(runtime), "%s is of %s", info.kernel, info.isa);
    ck_check(report, strstr(info.kernel, "ck_matmul_") == info.kernel && *info.reason, "row %zu", i);
    own += isa == ck_runtime_isa(runtime);
  }
  size_t integers = 0;
  for (int f = 0; f < CK_FORMAT_COUNT; f++) integers += ck_format_describe((ck_format)f)->activation >= CK_ACTIVATION_Q8_32;
  ck_check(report, found == CK_FORMAT_COUNT, "%zu matmul kernels for %d formats", found, (int)CK_FORMAT_COUNT);
  const ck_isa isa = ck_runtime_isa(runtime);
  const bool has_own = isa != CK_ISA_AVX512_BF16 && isa != CK_ISA_NEON_I8MM;  // they add to the next of the list
  ck_check(report, !has_own || own >= integers, "%zu of at least %zu matmul kernels are of the ISA itself", own, integers);
}

void ck_conform_matmul(ck_runtime *runtime, ck_effort effort, ck_report *report) {
  static const shape shapes[] = {{1, 256, 1},   {16, 256, 2},  {17, 512, 13}, {33, 256, 5},
                                 {31, 1280, 4}, {40, 2304, 3}, {16, 256, 29}};
  ck_random random = {20261123};
  for (int f = 0; f < CK_FORMAT_COUNT; f++) {
    const ck_format format = (ck_format)f;
    const ck_format_info *info = ck_format_describe(format);
    const size_t count = effort == CK_EFFORT_QUICK ? 4 : sizeof shapes / sizeof *shapes;
    for (size_t i = 0; i < count; i++) check_shape(runtime, &random, report, format, shapes[i], false);
    // k that no other format has: whole blocks of 32, and for the formats of single values any.
    if (info->values_per_block <= 32) check_shape(runtime, &random, report, format, (shape){18, 32, 7}, false);
    if (info->values_per_block <= 32) check_shape(runtime, &random, report, format, (shape){18, 1120, 14}, false);
    if (info->values_per_block == 1) check_shape(runtime, &random, report, format, (shape){19, 1, 3}, false);
    if (info->values_per_block == 1) check_shape(runtime, &random, report, format, (shape){19, 293, 9}, false);
    check_shape(runtime, &random, report, format, (shape){50, 1536, effort == CK_EFFORT_QUICK ? 14 : 70}, true);
    if (effort == CK_EFFORT_LONG) check_shape(runtime, &random, report, format, (shape){130, 4096, 300}, true);
    check_units(runtime, &random, report, format);
    check_special(runtime, &random, report, format);
  }
  check_finish(runtime, &random, report);
  check_arguments(runtime, &random, report);
  check_list(runtime, report);
}
