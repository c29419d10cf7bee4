// Softmax of one row and the k largest of one row as obvious loops.
#include <math.h>

#include "kernels/heap.h"
#include "kernels/reference/reference.h"

void ck_softmax_scalar(const ck_softmax_call *call) {
  double largest = -INFINITY, sum = 0;
  for (size_t i = 0; i < call->n; i++) {
    double x = (double)call->scale * call->x[i];
    if (x > largest) largest = x;
  }
  if (largest == -INFINITY) largest = 0;
  for (size_t i = 0; i < call->n; i++) sum += exp((double)call->scale * call->x[i] - largest);
  double inverse = sum == 0 ? 0 : 1 / sum;
  for (size_t i = 0; i < call->n; i++)
    call->y[i] = (float)(exp((double)call->scale * call->x[i] - largest) * inverse);
}

void ck_topk_scalar(const ck_topk_call *call) {
  ck_heap heap = {call->values, call->indices, call->k};
  ck_heap_fill(&heap, call->x);
  for (size_t i = call->k; i < call->n; i++) ck_heap_offer(&heap, call->x[i], (int32_t)i);
  ck_heap_sort(&heap);
}
