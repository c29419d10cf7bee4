// Softmax of one row over the vector vocabulary, in three passes: largest, exponentials and their sum, division.
// Included once an ISA, in its target region. Lanes past the end are -inf, and so exactly 0.

CK_INLINE vf CK_NAME(softmax_load)(const ck_softmax_call *call, size_t i) {
  size_t part = call->n - i < VW ? call->n - i : VW;
  vf x = vf_mul(vf_load_part(call->x + i, part), vf_set(call->scale));
  return vf_select(vf_lt(vf_iota(), vf_set((float)part)), x, vf_set(-INFINITY));
}

static void CK_NAME(softmax)(const ck_softmax_call *call) {
  const size_t n = call->n;
  vf top = vf_set(-INFINITY);
  for (size_t i = 0; i < n; i += VW) top = vf_max(top, CK_NAME(softmax_load)(call, i));
  float largest = vf_largest(top);
  // All -inf: nothing is chosen, every weight is 0. Shifting by 0 gives that, and NaN for a NaN among them.
  vf shift = vf_set(largest == -INFINITY ? 0.0f : largest), sum = vf_zero();
  for (size_t i = 0; i < n; i += VW) {
    vf p = vf_exp(vf_sub(CK_NAME(softmax_load)(call, i), shift));
    sum = vf_add(sum, p);
    vf_store_part(call->y + i, n - i < VW ? n - i : VW, p);
  }
  float total = vf_sum(sum);
  vf inverse = vf_set(total == 0.0f ? 0.0f : 1.0f / total);
  for (size_t i = 0; i < n; i += VW) {
    size_t part = n - i < VW ? n - i : VW;
    vf_store_part(call->y + i, part, vf_mul(vf_load_part(call->y + i, part), inverse));
  }
}
