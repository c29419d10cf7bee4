// Norms over the vector vocabulary. Included once an ISA, inside its target region.
static void CK_NAME(rms_norm)(const ck_norm_call *call) {
  const size_t n = call->n, whole = n / VW * VW;
  vf sum = vf_zero();
  for (size_t i = 0; i < whole; i += VW) {
    vf x = vf_load(call->x + i);
    sum = vf_fma(x, x, sum);
  }
  if (whole < n) {
    vf x = vf_load_part(call->x + whole, n - whole);
    sum = vf_fma(x, x, sum);
  }
  vf scale = vf_set(1.0f / sqrtf(vf_sum(sum) / (float)n + call->epsilon));
  vf offset = vf_set(call->offset);
  for (size_t i = 0; i < n; i += VW) {
    size_t part = n - i < VW ? n - i : VW;
    vf y = vf_mul(vf_load_part(call->x + i, part), scale);
    if (call->weight) y = vf_mul(y, vf_add(vf_load_part(call->weight + i, part), offset));
    vf_store_part(call->y + i, part, y);
  }
}
