// Gating, scaled sums and softcap as obvious loops.
#include <float.h>
#include <math.h>

#include "kernels/reference/reference.h"

double ck_act_scalar(ck_gate act, double x) {
  if (x == -INFINITY && act != CK_GATE_NONE) return -0.0;
  switch (act) {
    case CK_GATE_SILU: return x / (1 + exp(-x));
    case CK_GATE_GELU_TANH: return 0.5 * x * (1 + tanh(0.7978845608028654 * x * (1 + 0.044715 * x * x)));
    case CK_GATE_GELU_ERF: return 0.5 * x * (1 + erf(x * 0.7071067811865476));
    default: return x;
  }
}

void ck_gated_scalar(const ck_gated_call *call) {
  for (size_t i = 0; i < call->n; i++) {
    double y = ck_act_scalar(call->act, call->gate[i]);
    call->y[i] = (float)(call->up ? y * call->up[i] : y);
  }
}

void ck_add_scaled_scalar(const ck_add_scaled_call *call) {
  for (size_t i = 0; i < call->n; i++) call->y[i] = (float)(call->y[i] + (double)call->a * call->x[i]);
}

void ck_softcap_scalar(const ck_softcap_call *call) {
  for (size_t i = 0; i < call->n; i++) call->x[i] = (float)(call->cap * tanh((double)call->x[i] / call->cap));
}
