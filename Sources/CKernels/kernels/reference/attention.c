// The KV cache and attention as obvious loops: one value at a time, and a softmax in two passes.
#include <float.h>
#include <math.h>
#include <string.h>

#include "formats/scalars.h"
#include "kernels/kv.h"
#include "kernels/reference/reference.h"

static void put(ck_format format, void *values, size_t index, float value, float inverse) {
  switch (format) {
    case CK_FORMAT_F32: ((float *)values)[index] = value; break;
    case CK_FORMAT_F16:
      ((uint16_t *)values)[index] = ck_f16_from_f32(value > 65504 ? 65504 : value < -65504 ? -65504 : value);
      break;
    case CK_FORMAT_BF16: ((uint16_t *)values)[index] = ck_kv_bf16(value); break;
    default: {
      float scaled = nearbyintf(value * inverse);
      ((int8_t *)values)[index] = isnan(scaled) ? -128 : (int8_t)(scaled > 127 ? 127 : scaled < -127 ? -127 : scaled);
    }
  }
}

static float get(ck_format format, const void *values, size_t index) {
  switch (format) {
    case CK_FORMAT_F32: return ((const float *)values)[index];
    case CK_FORMAT_F16: return ck_f32_from_f16(((const uint16_t *)values)[index]);
    case CK_FORMAT_BF16: return ck_f32_from_bf16(((const uint16_t *)values)[index]);
    default: return ((const int8_t *)values)[index];
  }
}

static uint16_t group_scale(const float *x, size_t n) {
  float largest = 0;
  for (size_t i = 0; i < n; i++) largest = fabsf(x[i]) > largest ? fabsf(x[i]) : largest;
  largest /= 127;
  return ck_f16_from_f32(largest > 65504 ? 65504 : largest);
}

static void store_position(const ck_kv_store_call *call, size_t i) {
  const ck_kv_layout *layout = call->layout;
  const size_t at = call->position + i, dim = layout->head_dim;
  const float *key = call->keys + i * call->ldk, *value = call->values + i * call->ldv;
  char *panel = (char *)call->part + at / CK_KV_LANES * ck_kv_panel_bytes(layout);
  char *values = (char *)call->part + ck_kv_values_at(layout);
  uint16_t *key_scales = (uint16_t *)(panel + ck_kv_panel_values(layout));
  uint16_t *value_scales = (uint16_t *)((char *)call->part + ck_kv_value_scales_at(layout));
  for (size_t g = 0; g < ck_kv_groups(layout); g++) {
    size_t first = g * CK_KV_GROUP, end = first + CK_KV_GROUP < dim ? first + CK_KV_GROUP : dim;
    float key_inverse = 1, value_inverse = 1;
    if (ck_kv_scaled(layout)) {
      uint16_t key_scale = group_scale(key + first, end - first), value_scale = group_scale(value + first, end - first);
      key_scales[g * CK_KV_LANES + at % CK_KV_LANES] = key_scale;
      value_scales[g * CK_KV_BLOCK + at] = value_scale;
      key_inverse = ck_f32_from_f16(key_scale) > 0 ? 1 / ck_f32_from_f16(key_scale) : 0;
      value_inverse = ck_f32_from_f16(value_scale) > 0 ? 1 / ck_f32_from_f16(value_scale) : 0;
    }
    for (size_t d = first; d < end; d++) {
      put(layout->format, panel, ck_kv_key_index(layout, at % CK_KV_LANES, d), key[d], key_inverse);
      put(layout->format, values, ck_kv_value_index(layout, at, d), value[d], value_inverse);
    }
  }
}

void ck_kv_store_scalar(const ck_kv_store_call *call) {
  for (size_t i = 0; i < call->count; i++) store_position(call, i);
}

static double score(const ck_attention_call *call, const float *q, size_t position) {
  const ck_kv_layout *layout = call->layout;
  const size_t at = position % CK_KV_BLOCK;
  const char *panel = (const char *)call->blocks[position / CK_KV_BLOCK] + call->offset +
                      at / CK_KV_LANES * ck_kv_panel_bytes(layout);
  const uint16_t *scales = (const uint16_t *)(panel + ck_kv_panel_values(layout));
  double sum = 0;
  for (size_t d = 0; d < layout->head_dim; d++) {
    double key = get(layout->format, panel, ck_kv_key_index(layout, at % CK_KV_LANES, d));
    if (ck_kv_scaled(layout)) key *= ck_f32_from_f16(scales[d / CK_KV_GROUP * CK_KV_LANES + at % CK_KV_LANES]);
    sum += q[d] * key;
  }
  return call->cap != 0 ? call->cap * tanh(sum) : sum;
}

static double value_at(const ck_attention_call *call, size_t position, size_t d) {
  const ck_kv_layout *layout = call->layout;
  const size_t at = position % CK_KV_BLOCK;
  const char *part = (const char *)call->blocks[position / CK_KV_BLOCK] + call->offset;
  double value = get(layout->format, part + ck_kv_values_at(layout), ck_kv_value_index(layout, at, d));
  if (!ck_kv_scaled(layout)) return value;
  const uint16_t *scales = (const uint16_t *)(part + ck_kv_value_scales_at(layout));
  return value * ck_f32_from_f16(scales[d / CK_KV_GROUP * CK_KV_BLOCK + at]);
}

// The largest score first, then the sums relative to it: scores are computed twice rather than kept.
static void attend(const ck_attention_call *call, size_t i) {
  const size_t dim = call->layout->head_dim, stride = ck_kv_stride(call->layout);
  const float *q = call->q + i * dim;
  size_t from = call->from[i] > call->begin ? call->from[i] : call->begin;
  size_t to = call->to[i] < call->end ? call->to[i] : call->end;
  double largest = -FLT_MAX, sum = 0, acc[CK_KV_MAX_DIM] = {0};
  for (size_t p = from; p < to; p++) largest = fmax(largest, score(call, q, p));
  largest = (float)largest;  // what is kept, and so what the sums are relative to
  for (size_t p = from; p < to; p++) {
    double weight = exp2(score(call, q, p) - largest);
    sum += weight;
    for (size_t d = 0; d < dim; d++) acc[d] += weight * value_at(call, p, d);
  }
  call->state.largest[i] = (float)largest;
  call->state.sum[i] = (float)sum;
  for (size_t d = 0; d < stride; d++) call->state.acc[i * stride + d] = (float)acc[d];
}

void ck_attention_scalar(const ck_attention_call *call) {
  const size_t queries = call->count / call->kv_heads;
  ck_attention_call one = *call;
  for (size_t i = 0; i < call->count; i++) {
    one.offset = call->offset + i / queries * ck_kv_head_bytes(call->layout);
    attend(&one, i);
  }
}

void ck_attention_merge_scalar(const ck_attention_merge_call *call) {
  for (size_t i = 0; i < call->count; i++) {
    double mine = call->state.largest[i], other = call->part.largest[i], largest = mine > other ? mine : other;
    double keep = exp2(mine - largest), add = exp2(other - largest);
    call->state.largest[i] = (float)largest;
    call->state.sum[i] = (float)(call->state.sum[i] * keep + call->part.sum[i] * add);
    for (size_t d = i * call->stride; d < (i + 1) * call->stride; d++)
      call->state.acc[d] = (float)(call->state.acc[d] * keep + call->part.acc[d] * add);
  }
}
