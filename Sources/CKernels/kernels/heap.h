// A heap of the k best (value, index) pairs with the worst at its root, and its sort. A larger value is better;
// of equal ones the lower index. NaN counts as -inf. Used by the reference and the generic top-k.
#ifndef CK_HEAP_H
#define CK_HEAP_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/platform.h"

typedef struct ck_heap {
  float *values;
  int32_t *indices;
  size_t count;
} ck_heap;

CK_INLINE bool ck_heap_worse(const ck_heap *heap, size_t a, size_t b) {
  if (heap->values[a] != heap->values[b]) return heap->values[a] < heap->values[b];
  return heap->indices[a] > heap->indices[b];
}

CK_INLINE void ck_heap_swap(ck_heap *heap, size_t a, size_t b) {
  float value = heap->values[a];
  int32_t index = heap->indices[a];
  heap->values[a] = heap->values[b];
  heap->indices[a] = heap->indices[b];
  heap->values[b] = value;
  heap->indices[b] = index;
}

/// Restores the order below `at` among the first `count`.
CK_INLINE void ck_heap_sift(ck_heap *heap, size_t at, size_t count) {
  for (;;) {
    size_t worst = at, left = 2 * at + 1;
    if (left < count && ck_heap_worse(heap, left, worst)) worst = left;
    if (left + 1 < count && ck_heap_worse(heap, left + 1, worst)) worst = left + 1;
    if (worst == at) return;
    ck_heap_swap(heap, at, worst);
    at = worst;
  }
}

CK_INLINE float ck_heap_key(float value) { return isnan(value) ? -INFINITY : value; }

/// Starts with the first `count` values of x.
CK_INLINE void ck_heap_fill(ck_heap *heap, const float *x) {
  for (size_t i = 0; i < heap->count; i++) {
    heap->values[i] = ck_heap_key(x[i]);
    heap->indices[i] = (int32_t)i;
  }
  for (size_t i = heap->count / 2; i-- > 0;) ck_heap_sift(heap, i, heap->count);
}

/// Takes a value whose index is higher than all before: it must beat the worst, not tie with it.
CK_INLINE void ck_heap_offer(ck_heap *heap, float value, int32_t index) {
  if (!(value > heap->values[0])) return;
  heap->values[0] = value;
  heap->indices[0] = index;
  ck_heap_sift(heap, 0, heap->count);
}

/// Best first: the worst of those left goes to the end each time.
CK_INLINE void ck_heap_sort(ck_heap *heap) {
  for (size_t end = heap->count; end-- > 1;) {
    ck_heap_swap(heap, 0, end);
    ck_heap_sift(heap, 0, end);
  }
}

#endif
