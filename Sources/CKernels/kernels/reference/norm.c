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
