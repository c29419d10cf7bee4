// The roof kernels as obvious loops: what the baseline compiler makes of them is the roof of the scalar ISA.
#include "dispatch/table.h"
#include "kernels/reference/reference.h"

enum { CHAINS = 8 };

// Makes the compiler forget what it knows of the operands in `x`, so that products stay in the loop.
#define OPAQUE(x) __asm__ volatile("" : "+m"(x))

void ck_peak_f64_scalar(ck_peak_call *call) {
  double left = ck_peak_left(0), right = ck_peak_right(0);
  int64_t sum = 0;
  for (uint64_t block = 0; block < call->blocks; block++) {
    double acc[CHAINS] = {0};
    for (int step = 0; step < CK_PEAK_BLOCK; step++) {
      OPAQUE(left);
      for (int j = 0; j < CHAINS; j++) acc[j] += left * right;
    }
    for (int j = 0; j < CHAINS; j++) sum += (int64_t)acc[j];
  }
  *call = (ck_peak_call){.blocks = call->blocks, .lanes = 1, .chains = CHAINS, .sum = sum};
}

void ck_peak_f32_scalar(ck_peak_call *call) {
  float left = (float)ck_peak_left(0), right = (float)ck_peak_right(0);
  int64_t sum = 0;
  for (uint64_t block = 0; block < call->blocks; block++) {
    float acc[CHAINS] = {0};
    for (int step = 0; step < CK_PEAK_BLOCK; step++) {
      OPAQUE(left);
      for (int j = 0; j < CHAINS; j++) acc[j] += left * right;
    }
    for (int j = 0; j < CHAINS; j++) sum += (int64_t)acc[j];
  }
  *call = (ck_peak_call){.blocks = call->blocks, .lanes = 1, .chains = CHAINS, .sum = sum};
}

void ck_peak_s8_scalar(ck_peak_call *call) {
  int8_t left = (int8_t)ck_peak_left(0), right = (int8_t)ck_peak_right(0);
  int64_t sum = 0;
  for (uint64_t block = 0; block < call->blocks; block++) {
    int32_t acc[CHAINS] = {0};
    for (int step = 0; step < CK_PEAK_BLOCK; step++) {
      for (int j = 0; j < CHAINS; j++) {
        OPAQUE(left);
        acc[j] += left * right;
      }
    }
    for (int j = 0; j < CHAINS; j++) sum += acc[j];
  }
  *call = (ck_peak_call){.blocks = call->blocks, .lanes = 1, .chains = CHAINS, .sum = sum};
}

void ck_memory_read_scalar(ck_memory_call *call) {
  uint64_t sum = 0;
  for (size_t pass = 0; pass < call->passes; pass++) {
    for (size_t i = 0; i < call->words; i++) sum += call->a[i];
    __asm__ volatile("" ::: "memory");
  }
  call->sum = sum;
}

void ck_memory_write_scalar(ck_memory_call *call) {
  for (size_t pass = 0; pass < call->passes; pass++) {
    for (size_t i = 0; i < call->words; i++) call->c[i] = call->value;
    __asm__ volatile("" ::: "memory");
  }
}

void ck_memory_copy_scalar(ck_memory_call *call) {
  for (size_t pass = 0; pass < call->passes; pass++) {
    for (size_t i = 0; i < call->words; i++) call->c[i] = call->a[i];
    __asm__ volatile("" ::: "memory");
  }
}

void ck_memory_triad_scalar(ck_memory_call *call) {
  const double *a = (const double *)call->a, *b = (const double *)call->b;
  double *c = (double *)call->c;
  for (size_t pass = 0; pass < call->passes; pass++) {
    for (size_t i = 0; i < call->words; i++) c[i] = a[i] + 3.0 * b[i];
    __asm__ volatile("" ::: "memory");
  }
}
