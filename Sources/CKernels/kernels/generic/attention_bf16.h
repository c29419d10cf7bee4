// Attention over a bfloat16 cache by dot products of pairs: queries, and the weights of values, are rounded to bfloat16
// as keys and values are. A score moves by at most 2^-8 of the sum of its products' magnitudes; weights are summed as
// rounded, so that they still make 1. Included by attention.h where the
// region defines ATTENTION_PAIRS.
//
// One chain an element in order of k, as in attention.h. The instruction flushes subnormals, of its sum as well: so no
// sum is one after a block, and a block that a query does not see still changes no bit of it.
enum { CK_NAME(pair_vectors) = 4, CK_NAME(pair_most) = 6 };

CK_INLINE uint16_t *CK_NAME(pair_queries_at)(const ck_attention_call *call) {
  return (uint16_t *)((char *)call->workspace + CK_ATTENTION_QUERIES_AT);
}

static void CK_NAME(pair_queries)(const ck_attention_call *call) {
  const size_t dim = call->layout->head_dim;
  for (size_t i = 0; i < call->count; i++)
    for (size_t d = 0; d < dim; d += VW) {
      vf x = vf_load_part(call->q + i * dim + d, dim - d < VW ? dim - d : VW);
      vi_store_bf16(CK_NAME(pair_queries_at)(call) + i * CK_KV_MAX_DIM + d, x);
    }
}

// scores (T, CK_KV_BLOCK) of T queries from query i on.
CK_INLINE void CK_NAME(pair_scores)(size_t T, const ck_attention_call *call, size_t i, const char *part,
                                    CK_NAME(ahead_lines) *ahead, float *scores) {
  enum { V = CK_NAME(pair_vectors) };
  const size_t pairs = call->layout->head_dim / 2, panel_bytes = ck_kv_panel_bytes(call->layout);
  const uint16_t *q = CK_NAME(pair_queries_at)(call) + i * CK_KV_MAX_DIM;
  vf acc[CK_NAME(pair_most)][V];
#pragma clang loop unroll(full)
  for (size_t t = 0; t < T; t++) {
#pragma clang loop unroll(full)
    for (size_t v = 0; v < V; v++) acc[t][v] = vf_zero();
  }
#pragma clang loop unroll_count(2)
  for (size_t d = 0; d < pairs; d++) {
    vi key[V];
    CK_NAME(ask_step)(ahead, d);
#pragma clang loop unroll(full)
    for (size_t v = 0; v < V; v++) key[v] = vi_load(part + v * panel_bytes + d * CK_CACHE_LINE);
#pragma clang loop unroll(full)
    for (size_t t = 0; t < T; t++) {
      const vi two = vi_spread(q + t * CK_KV_MAX_DIM + 2 * d);
#pragma clang loop unroll(full)
      for (size_t v = 0; v < V; v++) acc[t][v] = vi_dot_bf16(acc[t][v], key[v], two);
    }
  }
#pragma clang loop unroll(full)
  for (size_t t = 0; t < T; t++) {
#pragma clang loop unroll(full)
    for (size_t v = 0; v < V; v++) vf_store(scores + t * CK_KV_BLOCK + v * VW, acc[t][v]);
  }
}

// 2^x within 2^-13 for x <= 0: what is left of more when it is rounded to bfloat16. 0 below -150, 1 at 0.
CK_INLINE vf CK_NAME(pair_exp2)(vf x) {
  x = vf_max(vf_set(-151.0f), x);
  vf n = vf_round(x), r = vf_sub(x, n);
  vf p = vf_fma(vf_set(5.500893e-2f), r, vf_set(0.24221096f));
  p = vf_fma(p, r, vf_set(0.69328293f));
  return vf_scale2(vf_fma(p, r, vf_set(1.0f)), n);
}

// A block's weights as bfloat16; returns their sum by lanes. out may be x.
CK_INLINE vf CK_NAME(pair_weights)(vf shift, const float *x, float *out) {
  vf sum = vf_zero();
#pragma clang loop unroll(full)
  for (size_t v = 0; v < CK_KV_BLOCK; v += 2 * VW) {
    vf low = CK_NAME(pair_exp2)(vf_sub(vf_load(x + v), shift));
    vf high = CK_NAME(pair_exp2)(vf_sub(vf_load(x + v + VW), shift));
    vi two = vi_pack_bf16(low, high);
    sum = vi_dot_bf16(sum, two, vi_set32(0x3F803F80));
    vi_store(out + v / 2, two);
  }
  return sum;
}

// acc (T, stride), vectors [column, column + V * VW): times the corrections, plus weights · values of pairs of
// positions [first, last).
CK_INLINE void CK_NAME(pair_values_tile)(size_t T, size_t V, size_t stride, const char *values,
                                         CK_NAME(ahead_lines) *ahead, size_t first, size_t last, size_t column, const float *weights,
                                         const float *corrections, float *out) {
  vf acc[CK_NAME(pair_most)][CK_NAME(pair_vectors)];
#pragma clang loop unroll(full)
  for (size_t t = 0; t < T; t++) {
#pragma clang loop unroll(full)
    for (size_t v = 0; v < V; v++)
      acc[t][v] = vf_mul(vf_load(out + t * stride + column + v * VW), vf_set(corrections[t]));
  }
#pragma clang loop unroll_count(2)
  for (size_t j = first; j < last; j++) {
    const size_t at = (j * stride + column) * 4;
    vi value[CK_NAME(pair_vectors)];
    if (V == CK_NAME(pair_vectors))
      CK_NAME(ask_step)(ahead, j);
    else
      CK_NAME(ask)(ahead, V);
#pragma clang loop unroll(full)
    for (size_t v = 0; v < V; v++) value[v] = vi_load(values + at + v * CK_CACHE_LINE);
#pragma clang loop unroll(full)
    for (size_t t = 0; t < T; t++) {
      const vi two = vi_spread(weights + t * CK_KV_BLOCK + j);
#pragma clang loop unroll(full)
      for (size_t v = 0; v < V; v++) acc[t][v] = vi_dot_bf16(acc[t][v], value[v], two);
    }
  }
#pragma clang loop unroll(full)
  for (size_t t = 0; t < T; t++) {
#pragma clang loop unroll(full)
    for (size_t v = 0; v < V; v++) vf_store(out + t * stride + column + v * VW, acc[t][v]);
  }
}

// Of positions [first, last) of the block; weights of the others are zero.
CK_INLINE void CK_NAME(pair_values)(size_t T, const ck_kv_layout *layout, const char *values,
                                    CK_NAME(ahead_lines) *ahead, size_t first, size_t last, const float *weights, const float *corrections,
                                    float *out) {
  enum { V = CK_NAME(pair_vectors) };
  const size_t stride = ck_kv_stride(layout), from = first / 2, to = (last + 1) / 2;
  size_t column = 0;
  for (; column + V * VW <= stride; column += V * VW)
    CK_NAME(pair_values_tile)(T, V, stride, values, ahead, from, to, column, weights, corrections, out);
  if (column + 2 * VW <= stride) {
    CK_NAME(pair_values_tile)(T, 2, stride, values, ahead, from, to, column, weights, corrections, out);
    column += 2 * VW;
  }
  for (; column < stride; column += VW)
    CK_NAME(pair_values_tile)(T, 1, stride, values, ahead, from, to, column, weights, corrections, out);
}
