// Scores over an 8-bit cache by integer dot products: queries are rounded to 8 bits in groups of 32 as the keys are,
// which moves a score by at most half a 127th of each group's largest query value times the keys there. Included by
// attention.h where the region defines ATTENTION_DOT: where a dot product beats conversion to float.
//
// Per group and query: 8 dot products of 4 dimensions, then one conversion and one multiply-add. Integer sums and
// float sums both stay in registers: T x 2 of each.
// Where a tile's queries of 8 bits, their scales and the accumulators' starting values lie in the workspace.
typedef struct CK_NAME(rounded) {
  int8_t *codes;   // (count, 512)
  float *scales;   // (count, 16)
  int32_t *start;  // (count, 16): what takes the codes' bias back
} CK_NAME(rounded);

CK_INLINE CK_NAME(rounded) CK_NAME(rounded_at)(const ck_attention_call *call) {
  float *scales = (float *)((char *)call->workspace + CK_ATTENTION_QUERIES_AT);
  int32_t *start = (int32_t *)(scales + CK_ATTENTION_TILE * 16);
  return (CK_NAME(rounded)){(int8_t *)(start + CK_ATTENTION_TILE * 16), scales, start};
}

static void CK_NAME(round_queries)(const ck_attention_call *call) {
  const size_t dim = call->layout->head_dim, groups = ck_kv_groups(call->layout);
  const CK_NAME(rounded) to = CK_NAME(rounded_at)(call);
  for (size_t i = 0; i < call->count; i++) {
    for (size_t g = 0; g < groups; g++) {
      const float *q = call->q + i * dim + g * CK_KV_GROUP;
      size_t n = dim - g * CK_KV_GROUP < CK_KV_GROUP ? dim - g * CK_KV_GROUP : CK_KV_GROUP;
      int8_t *codes = to.codes + i * CK_KV_MAX_DIM + g * CK_KV_GROUP;
      vf top = vf_zero(), poison = vf_zero();
      for (size_t d = 0; d < n; d += VW) {
        vf x = vf_load_part(q + d, n - d < VW ? n - d : VW);
        top = vf_max(top, vf_abs(x));
        poison = vf_fma(x, vf_zero(), poison);  // NaN if a value is NaN or infinite
      }
      float largest = vf_largest(top);
      vf inverse = vf_set(largest > 0 ? 127 / largest : 0);
      for (size_t d = 0; d < n; d += VW)
        vf_store_i8(codes + d, vf_round(vf_mul(vf_load_part(q + d, n - d < VW ? n - d : VW), inverse)));
      int32_t sum = 0;
      for (size_t d = 0; d < n; d++) sum += codes[d];
      to.scales[i * 16 + g] = largest / 127 + vf_sum(poison);
      to.start[i * 16 + g] = -CODE_BIAS * sum;
    }
  }
}

// scores (T, CK_KV_BLOCK) of positions [first, first + 2 * VW), for T queries from query i on.
CK_INLINE void CK_NAME(dot_tile)(size_t T, const ck_attention_call *call, size_t i, const char *part, const char *next,
                                 size_t first, float *scores) {
  enum { V = 2, MAX_T = 6 };
  const size_t dim = call->layout->head_dim, panel_bytes = ck_kv_panel_bytes(call->layout);
  const size_t values = ck_kv_panel_values(call->layout);
  const CK_NAME(rounded) q = CK_NAME(rounded_at)(call);
  vf acc[MAX_T][V];
#pragma clang loop unroll(full)
  for (size_t t = 0; t < T; t++) acc[t][0] = acc[t][1] = vf_zero();
  if (next) next += first / CK_KV_LANES * panel_bytes;
  for (size_t g = 0; g * CK_KV_GROUP < dim; g++) {
    vi sum[MAX_T][V];
    size_t left = dim - g * CK_KV_GROUP, quads = left < CK_KV_GROUP ? left / 4 : CK_KV_GROUP / 4;
#pragma clang loop unroll(full)
    for (size_t t = 0; t < T; t++) sum[t][0] = sum[t][1] = vi_spread(q.start + (i + t) * 16 + g);
    for (size_t four = 0; four < quads; four++) {
      const size_t d = g * CK_KV_GROUP + four * 4;
      vi code[V];
      if (next) {  // what this step reads there: a part of one panel, or a line of each of two
        __builtin_prefetch(next + d * CK_KV_LANES, 0, 2);
        if (VW == CK_KV_LANES) __builtin_prefetch(next + panel_bytes + d * CK_KV_LANES, 0, 2);
      }
#pragma clang loop unroll(full)
      for (size_t v = 0; v < V; v++) {
        size_t at = first + v * VW;
        const char *panel = part + at / CK_KV_LANES * panel_bytes;
        code[v] = vi_load(panel + d * CK_KV_LANES + at % CK_KV_LANES * 4);
        if (CODE_BIAS != 0) code[v] = vi_add8(code[v], vi_set8(CODE_BIAS));
      }
#pragma clang loop unroll(full)
      for (size_t t = 0; t < T; t++) {
        vi x = vi_spread(q.codes + (i + t) * CK_KV_MAX_DIM + d);
        sum[t][0] = vi_dot_signed(sum[t][0], code[0], x);
        sum[t][1] = vi_dot_signed(sum[t][1], code[1], x);
      }
    }
#pragma clang loop unroll(full)
    for (size_t v = 0; v < V; v++) {
      size_t at = first + v * VW;
      const uint16_t *scales = (const uint16_t *)(part + at / CK_KV_LANES * panel_bytes + values);
      vf scale = vf_load_f16(scales + g * CK_KV_LANES + at % CK_KV_LANES);
#pragma clang loop unroll(full)
      for (size_t t = 0; t < T; t++)
        acc[t][v] = vf_fma(vi_float(sum[t][v]), vf_mul(scale, vf_set(q.scales[(i + t) * 16 + g])), acc[t][v]);
    }
  }
#pragma clang loop unroll(full)
  for (size_t t = 0; t < T; t++) {
    vf_store(scores + t * CK_KV_BLOCK + first, acc[t][0]);
    vf_store(scores + t * CK_KV_BLOCK + first + VW, acc[t][1]);
  }
}
