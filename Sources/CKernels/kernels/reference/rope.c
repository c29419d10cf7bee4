// RoPE of one row as obvious loops.
#include "kernels/reference/reference.h"

void ck_rope_scalar(const ck_rope_call *call) {
  for (size_t h = 0; h < call->heads; h++) {
    for (size_t i = 0; i < call->pairs; i++) {
      float *x = call->x + h * call->head_dim;
      float *first = call->pairing == CK_ROPE_HALVES ? x + i : x + 2 * i;
      float *second = call->pairing == CK_ROPE_HALVES ? x + call->pairs + i : x + 2 * i + 1;
      double a = *first, b = *second, c = call->cosines[i], s = call->sines[i];
      *first = (float)(a * c - b * s);
      *second = (float)(a * s + b * c);
    }
  }
}
