// Values of an 8-bit cache by products of 16-bit integers: the weights of a block, times the values' scales, rounded to
// int16 for each query and group of 32 dimensions. Included by attention.h, after int_*.h and dot_*.h.
//
// Weights are relative to the block's own largest score, and the unit of the int16 is the largest scale that the query
// meets over 32,767: so a value is off by at most 64 * 2^-16 of the group's largest value in the block, whatever the
// weight of the block, and a block's sum of 64 * 127 * 32,767 fits in 32 bits. Against multiplying converted values in
// float, a step is one conversion and one multiply-add for two positions.

// In the workspace, of one tile of queries but for the first two.
typedef struct CK_NAME(words) {
  float *scales;   // (groups, CK_KV_BLOCK): the block's scales in units of `steps`
  float *steps;    // (groups): the block's largest scale over 32,767
  float *factors;  // (T, groups): what a sum is to be multiplied by
  int16_t *codes;  // (T, groups, CK_KV_BLOCK)
} CK_NAME(words);

CK_INLINE CK_NAME(words) CK_NAME(words_at)(const ck_attention_call *call) {
  float *scales = (float *)((char *)call->workspace + CK_ATTENTION_WORDS_AT), *steps = scales + CK_KV_BLOCK * 16;
  float *factors = steps + 16;
  return (CK_NAME(words)){scales, steps, factors, (int16_t *)(factors + CK_NAME(tile_queries) * 16)};
}

CK_INLINE const uint16_t *CK_NAME(stored_scales)(const ck_attention_call *call, size_t block) {
  return (const uint16_t *)((const char *)call->blocks[block] + call->offset + ck_kv_value_scales_at(call->layout));
}

// The unit of a largest scale, and its inverse.
typedef struct CK_NAME(unit) {
  float step, inverse;
} CK_NAME(unit);
CK_INLINE CK_NAME(unit) CK_NAME(unit_of)(float largest) {
  return (CK_NAME(unit)){largest / 32767, largest > 0 ? 32767 / largest : 0};
}

// The scales of a block for the queries that see all of it.
static void CK_NAME(load_scales)(const ck_attention_call *call, size_t block) {
  const CK_NAME(words) to = CK_NAME(words_at)(call);
  const uint16_t *from = CK_NAME(stored_scales)(call, block);
  for (size_t g = 0; g < ck_kv_groups(call->layout); g++, from += CK_KV_BLOCK) {
    vf scale[CK_KV_BLOCK / VW], top = vf_zero();
#pragma clang loop unroll(full)
    for (size_t v = 0; v < CK_KV_BLOCK / VW; v++) top = vf_max(top, scale[v] = vf_load_f16(from + v * VW));
    const CK_NAME(unit) unit = CK_NAME(unit_of)(vf_largest(top));
    to.steps[g] = unit.step;
#pragma clang loop unroll(full)
    for (size_t v = 0; v < CK_KV_BLOCK / VW; v++)
      vf_store(to.scales + g * CK_KV_BLOCK + v * VW, vf_mul(scale[v], vf_set(unit.inverse)));
  }
}

CK_INLINE void CK_NAME(pack_words)(const float *weights, const float *scales, int16_t *out) {
#pragma clang loop unroll(full)
  for (size_t v = 0; v < CK_KV_BLOCK; v += 2 * VW) {
    vf low = vf_mul(vf_load(weights + v), vf_load(scales + v));
    vf high = vf_mul(vf_load(weights + v + VW), vf_load(scales + v + VW));
    vi_store(out + v, vi_pack16(low, high));
  }
}

// A query that sees a part of the block has units of its own: of the scales that it gives weight to. Returns the step.
static float CK_NAME(own_scales)(const uint16_t *stored, const float *weights, float *scales) {
  vf top = vf_zero();
  for (size_t v = 0; v < CK_KV_BLOCK; v += VW)
    top = vf_max(top, vf_select(vf_lt(vf_zero(), vf_load(weights + v)), vf_load_f16(stored + v), vf_zero()));
  const CK_NAME(unit) unit = CK_NAME(unit_of)(vf_largest(top));
  for (size_t v = 0; v < CK_KV_BLOCK; v += VW)
    vf_store(scales + v, vf_mul(vf_load_f16(stored + v), vf_set(unit.inverse)));
  return unit.step;
}

// The words of T queries from query i on; weights (T, CK_KV_BLOCK) relative to the block's largest score, shares (T):
// what a weight of 1 there is beside all that precedes.
static void CK_NAME(make_words)(size_t T, const ck_attention_call *call, size_t i, size_t block, const float *weights,
                                const float *shares) {
  const CK_NAME(words) to = CK_NAME(words_at)(call);
  const uint16_t *stored = CK_NAME(stored_scales)(call, block);
  const size_t groups = ck_kv_groups(call->layout), base = block * CK_KV_BLOCK;
  float own[CK_KV_BLOCK];
  for (size_t t = 0; t < T; t++, weights += CK_KV_BLOCK) {
    const bool whole = call->from[i + t] <= base && call->to[i + t] >= base + CK_KV_BLOCK;
    for (size_t g = 0; g < groups; g++) {
      const float *scales = to.scales + g * CK_KV_BLOCK;
      float step = to.steps[g];
      if (!whole) step = CK_NAME(own_scales)(stored + g * CK_KV_BLOCK, weights, own), scales = own;
      to.factors[t * groups + g] = step * shares[t];
      CK_NAME(pack_words)(weights, scales, to.codes + (t * groups + g) * CK_KV_BLOCK);
    }
  }
}

// acc (T, stride), vectors [column, column + V * VW) of one group: times the corrections, plus weights · values of
// pairs of positions [first, last).
CK_INLINE void CK_NAME(word_tile)(size_t T, size_t V, const ck_attention_call *call, const int8_t *values,
                                  const char *next, size_t first, size_t last, size_t column,
                                  const float *corrections, float *out) {
  const CK_NAME(words) words = CK_NAME(words_at)(call);
  const size_t stride = ck_kv_stride(call->layout), groups = ck_kv_groups(call->layout), g = column / CK_KV_GROUP;
  const int16_t *codes = words.codes + g * CK_KV_BLOCK;
  vi acc[CK_NAME(tile_queries)][2];
#pragma clang loop unroll(full)
  for (size_t t = 0; t < T; t++) acc[t][0] = acc[t][1] = vi_zero();
  for (size_t j = first; j < last; j++) {
    vi value[2];
    const size_t at = (j * stride + column) * 2;
    if (next) __builtin_prefetch(next + at, 0, 2);
#pragma clang loop unroll(full)
    for (size_t v = 0; v < V; v++) value[v] = vi_load_i8_as_16(values + at + v * 2 * VW);
#pragma clang loop unroll(full)
    for (size_t t = 0; t < T; t++) {
      const vi two = vi_spread(codes + t * groups * CK_KV_BLOCK + 2 * j);
#pragma clang loop unroll(full)
      for (size_t v = 0; v < V; v++) acc[t][v] = vi_dot16(acc[t][v], value[v], two);
    }
  }
#pragma clang loop unroll(full)
  for (size_t t = 0; t < T; t++) {
    const vf factor = vf_set(words.factors[t * groups + g]), correction = vf_set(corrections[t]);
#pragma clang loop unroll(full)
    for (size_t v = 0; v < V; v++) {
      float *at = out + t * stride + column + v * VW;
      vf_store(at, vf_fma(vi_float(acc[t][v]), factor, vf_mul(vf_load(at), correction)));
    }
  }
}

// Of positions [first, last) of the block; weights of the others are zero.
CK_INLINE void CK_NAME(word_values)(size_t T, const ck_attention_call *call, const char *values, const char *next,
                                    size_t first, size_t last, const float *corrections, float *out) {
  const size_t stride = ck_kv_stride(call->layout), from = first / 2, to = (last + 1) / 2;
  size_t column = 0;
  for (; column + 2 * VW <= stride; column += 2 * VW)
    CK_NAME(word_tile)(T, 2, call, (const int8_t *)values, next, from, to, column, corrections, out);
  for (; column < stride; column += VW)
    CK_NAME(word_tile)(T, 1, call, (const int8_t *)values, next, from, to, column, corrections, out);
}
