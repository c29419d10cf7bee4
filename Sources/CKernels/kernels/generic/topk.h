// The k largest of a row: a vector pass compares with the worst kept, and only what beats it touches the heap of k,
// which lies in the outputs. Expected cost for n values in random order: one pass and k ln(n / k) insertions; at
// worst n log k. Included once an ISA, in its target region.

static void CK_NAME(topk)(const ck_topk_call *call) {
  const size_t n = call->n, k = call->k;
  ck_heap heap = {call->values, call->indices, k};
  ck_heap_fill(&heap, call->x);
  size_t i = k;
  for (; i + VW <= n; i += VW) {
    uint32_t better = vm_bits(vf_lt(vf_set(heap.values[0]), vf_load(call->x + i)));
    while (better) {
      size_t at = i + (size_t)__builtin_ctz(better);
      better &= better - 1;
      ck_heap_offer(&heap, call->x[at], (int32_t)at);
    }
  }
  for (; i < n; i++) ck_heap_offer(&heap, call->x[i], (int32_t)i);
  ck_heap_sort(&heap);
}
