// Norms as obvious loops: the oracle and the fallback.
#include <math.h>

#include "dispatch/table.h"
#include "kernels/reference/reference.h"

void ck_rms_norm_scalar(const ck_norm_call *call) {
  double sum = 0;
  for (size_t i = 0; i < call->n; i++) sum += (double)call->x[i] * call->x[i];
  double scale = 1 / sqrt(sum / (double)call->n + call->epsilon);
  for (size_t i = 0; i < call->n; i++) {
    double weight = call->weight ? (double)call->weight[i] + call->offset : 1;
    call->y[i] = (float)(call->x[i] * scale * weight);
  }
}

void ck_layer_norm_scalar(const ck_norm_call *call) {
  double sum = 0, squares = 0;
  for (size_t i = 0; i < call->n; i++) sum += call->x[i];
  double mean = sum / (double)call->n;
  for (size_t i = 0; i < call->n; i++) squares += (call->x[i] - mean) * (call->x[i] - mean);
  double scale = 1 / sqrt(squares / (double)call->n + call->epsilon);
  for (size_t i = 0; i < call->n; i++) {
    double weight = call->weight ? (double)call->weight[i] + call->offset : 1;
    double bias = call->bias ? call->bias[i] : 0;
    call->y[i] = (float)((call->x[i] - mean) * scale * weight + bias);
  }
}
