// A product with quantised weights through ckernels.h alone: encode, pack, quantise x, multiply, compare.
//   cc -std=c11 kernels.c $(pkg-config --cflags --libs gobi) -lm -o kernels && ./kernels
#include <ckernels.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { M = 3, N = 40, K = 256 };

static void check(ck_status status, const char *what) {
  if (status == CK_OK) return;
  fprintf(stderr, "kernels: %s: %s\n", what, ck_status_name(status));
  exit(2);
}

static float value(uint32_t *state) {
  *state = *state * 1664525u + 1013904223u;
  return (float)(*state >> 8) / (1 << 23) - 1.0f;
}

int main(void) {
  static float w[N * K], decoded[N * K], x[M * K], y[M * N];
  static unsigned char blocks[N * K * 4];
  uint32_t state = 1;
  for (int i = 0; i < N * K; ++i) w[i] = value(&state);
  for (int i = 0; i < M * K; ++i) x[i] = value(&state);

  ck_runtime *runtime = NULL;
  check(ck_runtime_create(NULL, &runtime), "ck_runtime_create");
  const ck_format_info *format = ck_format_describe(CK_FORMAT_Q8_0);
  const size_t row_bytes = K / format->values_per_block * format->bytes_per_block;
  check(ck_encode(CK_FORMAT_Q8_0, w, N * K, NULL, blocks), "ck_encode");
  check(ck_decode(CK_FORMAT_Q8_0, blocks, N * K, decoded), "ck_decode");

  ck_packed packed;
  check(ck_packed_plan(runtime, CK_FORMAT_Q8_0, N, K, &packed), "ck_packed_plan");
  check(ck_memory_allocate(packed.bytes, &packed.data), "ck_memory_allocate");
  check(ck_packed_store(runtime, &packed, 0, N, blocks, row_bytes), "ck_packed_store");
  ck_activations activations;
  check(ck_activations_plan(runtime, format->activation, M, K, &activations), "ck_activations_plan");
  check(ck_memory_allocate(activations.bytes, &activations.data), "ck_memory_allocate");
  check(ck_activations_store(runtime, &activations, x, K, NULL), "ck_activations_store");
  ck_matmul_output output = {.weights = &packed, .y = y, .ldy = N};
  ck_matmul_args args = {.struct_size = sizeof args, .x = &activations, .outputs = &output, .output_count = 1};
  check(ck_matmul(runtime, &args), "ck_matmul");

  // x in 8 bits with a scale for 32 values is off by half a step at most: largest / 254 for each product, at worst all
  // of one sign. A power-of-two scale doubles the step.
  double worst = 0, allowed = 0;
  for (int i = 0; i < M; ++i) {
    for (int j = 0; j < N; ++j) {
      double exact = 0, magnitude = 0;
      for (int k = 0; k < K; ++k) {
        exact += (double)x[i * K + k] * decoded[j * K + k];
        magnitude += fabs(decoded[j * K + k]);
      }
      const double error = fabs(exact - y[i * N + j]);
      if (error > worst) worst = error;
      if (magnitude / 127 > allowed) allowed = magnitude / 127;
    }
  }
  printf("largest error %.5f, bound %.5f\n", worst, allowed);
  ck_memory_free(activations.data, activations.bytes);
  ck_memory_free(packed.data, packed.bytes);
  ck_runtime_destroy(runtime);
  return worst <= allowed ? 0 : 1;
}
