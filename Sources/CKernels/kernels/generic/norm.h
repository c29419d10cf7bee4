// Norms over the vector vocabulary: RMSNorm and LayerNorm of one vector. Included once an ISA, in its target region.
// Two accumulators hide the latency of the multiply-add; they are summed in one fixed order.

CK_INLINE vf CK_NAME(norm_weight)(const ck_norm_call *call, size_t i, size_t part) {
  return vf_add(vf_load_part(call->weight + i, part), vf_set(call->offset));
}

// y = (x - mean) * scale * weight + bias.
CK_INLINE void CK_NAME(norm_apply)(const ck_norm_call *call, float mean, float scale) {
  vf center = vf_set(mean), factor = vf_set(scale), offset = vf_set(call->offset);
  size_t i = 0;
  for (; i + VW <= call->n; i += VW) {
    vf y = vf_mul(vf_sub(vf_load(call->x + i), center), factor);
    if (call->weight) y = vf_mul(y, vf_add(vf_load(call->weight + i), offset));
    if (call->bias) y = vf_add(y, vf_load(call->bias + i));
    vf_store(call->y + i, y);
  }
  if (i == call->n) return;
  size_t part = call->n - i;
  vf y = vf_mul(vf_sub(vf_load_part(call->x + i, part), center), factor);
  if (call->weight) y = vf_mul(y, CK_NAME(norm_weight)(call, i, part));
  if (call->bias) y = vf_add(y, vf_load_part(call->bias + i, part));
  vf_store_part(call->y + i, part, y);
}

// Sum of (x - mean)²; lanes past the end must not count, so the part is squared and not shifted by the mean.
CK_INLINE float CK_NAME(norm_squares)(const float *x, size_t n, float mean) {
  vf center = vf_set(mean), even = vf_zero(), odd = vf_zero();
  size_t i = 0;
  for (; i + 2 * VW <= n; i += 2 * VW) {
    vf a = vf_sub(vf_load(x + i), center), b = vf_sub(vf_load(x + i + VW), center);
    even = vf_fma(a, a, even);
    odd = vf_fma(b, b, odd);
  }
  for (; i < n; i += VW) {
    size_t part = n - i < VW ? n - i : VW;
    vf a = vf_sub(vf_load_part(x + i, part), center);
    a = vf_select(vf_lt(vf_iota(), vf_set((float)part)), a, vf_zero());
    even = vf_fma(a, a, even);
  }
  return vf_sum(vf_add(even, odd));
}

CK_INLINE float CK_NAME(norm_mean)(const float *x, size_t n) {
  vf even = vf_zero(), odd = vf_zero();
  size_t i = 0;
  for (; i + 2 * VW <= n; i += 2 * VW) {
    even = vf_add(even, vf_load(x + i));
    odd = vf_add(odd, vf_load(x + i + VW));
  }
  for (; i < n; i += VW) even = vf_add(even, vf_load_part(x + i, n - i < VW ? n - i : VW));
  return vf_sum(vf_add(even, odd)) / (float)n;
}

static void CK_NAME(rms_norm)(const ck_norm_call *call) {
  float squares = CK_NAME(norm_squares)(call->x, call->n, 0.0f);
  CK_NAME(norm_apply)(call, 0.0f, 1.0f / sqrtf(squares / (float)call->n + call->epsilon));
}

static void CK_NAME(layer_norm)(const ck_norm_call *call) {
  float mean = CK_NAME(norm_mean)(call->x, call->n);
  float squares = CK_NAME(norm_squares)(call->x, call->n, mean);
  CK_NAME(norm_apply)(call, mean, 1.0f / sqrtf(squares / (float)call->n + call->epsilon));
}
