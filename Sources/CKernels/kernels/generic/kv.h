// Storing keys and values in blocks of the cache, over the vector vocabulary. Included once an ISA, in its target
// region. One position at a time: its key is converted to a row, then spread over the panel's lanes.

CK_INLINE vf CK_NAME(kv_saturated)(vf x) { return vf_min(vf_set(65504.0f), vf_max(vf_set(-65504.0f), x)); }

// The part of x beyond n is zero; out has whole vectors of room.
CK_INLINE void CK_NAME(kv_row_f16)(const float *x, size_t n, uint16_t *out) {
  for (size_t i = 0; i < n; i += VW)
    vf_store_f16(out + i, CK_NAME(kv_saturated)(vf_load_part(x + i, n - i < VW ? n - i : VW)));
}

// 8-bit values of a group of n <= 32 and the scale that they are to be multiplied by.
CK_INLINE uint16_t CK_NAME(kv_group_q8)(const float *x, size_t n, int8_t *out) {
  vf top = vf_zero();
  for (size_t i = 0; i < n; i += VW) top = vf_max(top, vf_abs(vf_load_part(x + i, n - i < VW ? n - i : VW)));
  float largest = vf_largest(top) / 127;
  uint16_t scale = ck_f16_from_f32(largest > 65504 ? 65504 : largest);
  float stored = ck_f32_from_f16(scale);  // what a reader will multiply with
  vf inverse = vf_set(stored > 0 ? 1 / stored : 0);
  for (size_t i = 0; i < n; i += VW) {
    vf y = vf_mul(vf_load_part(x + i, n - i < VW ? n - i : VW), inverse);
    vf_store_i8(out + i, vf_min(vf_set(127), vf_max(vf_set(-127), vf_round(y))));
  }
  return scale;
}

static void CK_NAME(kv_store_f32)(const ck_kv_store_call *call) {
  const size_t dim = call->layout->head_dim, stride = ck_kv_stride(call->layout);
  for (size_t i = 0; i < call->count; i++) {
    size_t at = call->position + i;
    const float *key = call->keys + i * call->ldk;
    float *panel = (float *)((char *)call->part + at / CK_KV_LANES * ck_kv_panel_bytes(call->layout));
    for (size_t d = 0; d < dim; d++) panel[d * CK_KV_LANES + at % CK_KV_LANES] = key[d];
    float *values = (float *)((char *)call->part + ck_kv_values_at(call->layout));
    memcpy(values + at * stride, call->values + i * call->ldv, dim * sizeof(float));
  }
}

static void CK_NAME(kv_store_f16)(const ck_kv_store_call *call) {
  const size_t dim = call->layout->head_dim, stride = ck_kv_stride(call->layout);
  uint16_t row[CK_KV_MAX_DIM];
  for (size_t i = 0; i < call->count; i++) {
    size_t at = call->position + i;
    CK_NAME(kv_row_f16)(call->keys + i * call->ldk, dim, row);
    uint16_t *panel = (uint16_t *)((char *)call->part + at / CK_KV_LANES * ck_kv_panel_bytes(call->layout));
    for (size_t d = 0; d < dim; d++) panel[d * CK_KV_LANES + at % CK_KV_LANES] = row[d];
    uint16_t *values = (uint16_t *)((char *)call->part + ck_kv_values_at(call->layout));
    CK_NAME(kv_row_f16)(call->values + i * call->ldv, dim, values + at * stride);
  }
}

static void CK_NAME(kv_store_bf16)(const ck_kv_store_call *call) {
  const ck_kv_layout *layout = call->layout;
  const size_t dim = layout->head_dim;
  for (size_t i = 0; i < call->count; i++) {
    size_t at = call->position + i;
    const float *key = call->keys + i * call->ldk, *value = call->values + i * call->ldv;
    uint16_t *panel = (uint16_t *)((char *)call->part + at / CK_KV_LANES * ck_kv_panel_bytes(layout));
    uint16_t *values = (uint16_t *)((char *)call->part + ck_kv_values_at(layout));
    for (size_t d = 0; d < dim; d++) panel[ck_kv_key_index(layout, at % CK_KV_LANES, d)] = ck_kv_bf16(key[d]);
    for (size_t d = 0; d < dim; d++) values[ck_kv_value_index(layout, at, d)] = ck_kv_bf16(value[d]);
  }
}

static void CK_NAME(kv_store_q8_0)(const ck_kv_store_call *call) {
  const ck_kv_layout *layout = call->layout;
  const size_t dim = layout->head_dim, groups = ck_kv_groups(layout);
  for (size_t i = 0; i < call->count; i++) {
    size_t at = call->position + i, lane = at % CK_KV_LANES;
    int8_t row[CK_KV_GROUP + VW];
    int8_t *panel = (int8_t *)call->part + at / CK_KV_LANES * ck_kv_panel_bytes(layout);
    uint16_t *key_scales = (uint16_t *)(panel + ck_kv_panel_values(layout));
    int8_t *values = (int8_t *)call->part + ck_kv_values_at(layout) + ck_kv_value_index(layout, at, 0);
    uint16_t *value_scales = (uint16_t *)((int8_t *)call->part + ck_kv_value_scales_at(layout)) + at;
    for (size_t g = 0; g < groups; g++) {
      size_t first = g * CK_KV_GROUP, n = dim - first < CK_KV_GROUP ? dim - first : CK_KV_GROUP;
      key_scales[g * CK_KV_LANES + lane] = CK_NAME(kv_group_q8)(call->keys + i * call->ldk + first, n, row);
      for (size_t d = 0; d < n; d += 4) memcpy(panel + (first + d) * CK_KV_LANES + lane * 4, row + d, 4);
      value_scales[g * CK_KV_BLOCK] = CK_NAME(kv_group_q8)(call->values + i * call->ldv + first, n, row);
      for (size_t d = 0; d < n; d++) values[(first + d) * 2] = row[d];
    }
  }
}
