// The contracts of the kernels: what one call computes, who pads, who handles edges. No algorithm here.
// Kernels run on one thread, allocate nothing and check nothing: ops/ has checked and partitioned.
#ifndef CK_KERNELS_H
#define CK_KERNELS_H

#include "ckernels.h"
#include "runtime/platform.h"

/// One vector of a norm: y (n) from x (n). weight and bias may be NULL. Any n >= 1; no padding is read or written.
typedef struct ck_norm_call {
  const float *x;
  float *y;
  size_t n;
  const float *weight, *bias;
  float offset, epsilon;
} ck_norm_call;
typedef void (*ck_norm_kernel)(const ck_norm_call *call);

#endif
