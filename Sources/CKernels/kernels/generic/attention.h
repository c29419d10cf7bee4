// Attention of a tile of queries over a run of positions: an online softmax over blocks of the cache, each block a
// small GEMM (queries x positions), a row-wise softmax, and another GEMM (queries x dimensions). Included once an
// ISA, in its target region.
//
// Order of sums, the same for a query whoever shares its tile: a score is one chain over the dimensions; a value one
// chain over the positions of a block, on top of what precedes the block times its correction. Positions that a
// query does not see enter as 2^-inf = 0, which changes no bit but a zero's sign (ops/ clears that at the end), so a
// tile may skip what none of its queries sees.
//
// Register tile: T queries x CK_TILE_VECTORS vectors. A multiply-add takes 4 cycles and two (or one of 512 bits)
// start in each, so 8 (4) independent sums are needed; T x V = 24 on 32 registers, 12 on 16.

enum {
  CK_NAME(tile_vectors) = VW == 8 ? 2 : 4,
  CK_NAME(tile_queries) = 6,
  CK_NAME(key_steps) = CK_KV_BLOCK / VW / CK_NAME(tile_vectors),
};

CK_INLINE vf CK_NAME(kv_load)(ck_format format, const void *values, size_t at) {
  if (format == CK_FORMAT_F32) return vf_load((const float *)values + at);
  if (format == CK_FORMAT_F16) return vf_load_f16((const uint16_t *)values + at);
  return vf_load_i8((const int8_t *)values + at);
}

// One vector of keys' dimension d. `panel` is a key panel, `lane` the first of its positions.
CK_INLINE vf CK_NAME(key_load)(ck_format format, const ck_kv_layout *layout, const char *panel, size_t lane, size_t d) {
  if (format != CK_FORMAT_Q8_0) return CK_NAME(kv_load)(format, panel, d * CK_KV_LANES + lane);
  const uint16_t *scales = (const uint16_t *)(panel + ck_kv_panel_values(layout)) + d / CK_KV_GROUP * CK_KV_LANES;
  const int8_t *four = (const int8_t *)panel + d / 4 * 4 * CK_KV_LANES + lane * 4;
  return vf_mul(vf_load_i8_of_4(four, d % 4), vf_load_f16(scales + lane));
}

CK_INLINE size_t CK_NAME(kv_bytes)(ck_format format) {
  return format == CK_FORMAT_F32 ? 4 : format == CK_FORMAT_F16 ? 2 : 1;
}

// Asks for `bytes` from `at` on, if there is an `at`. The blocks of a sequence lie apart, so that the hardware's
// prefetchers start anew in each: without this, decode at depth 4,096 runs at half the speed (Zen 4, F16: 10 against
// 20 to 24 GB/s a core). Into the second level: the first holds what is being used (asking for it there: 15 GB/s).
CK_INLINE void CK_NAME(prefetch)(const char *at, size_t bytes) {
  if (at == NULL) return;
#pragma clang loop unroll(full)
  for (size_t i = 0; i < bytes; i += CK_CACHE_LINE) __builtin_prefetch(at + i, 0, 2);
}

// scores (T, CK_KV_BLOCK) of the block's positions [first, first + V * VW). `next` is where the part of the next block
// lies, or NULL.
CK_INLINE void CK_NAME(scores_tile)(ck_format format, size_t T, const ck_attention_call *call, const float *q,
                                    const char *part, const char *next, size_t first, float *scores) {
  enum { V = CK_NAME(tile_vectors), STEP = 4 * V * VW };
  const size_t dim = call->layout->head_dim, panel_bytes = ck_kv_panel_bytes(call->layout);
  vf acc[CK_NAME(tile_queries)][V];
#pragma clang loop unroll(full)
  for (size_t t = 0; t < T; t++) {
#pragma clang loop unroll(full)
    for (size_t v = 0; v < V; v++) acc[t][v] = vf_zero();
  }
  if (next) next += first / CK_KV_LANES * panel_bytes;
  for (size_t d4 = 0; d4 < dim; d4 += 4) {
    CK_NAME(prefetch)(next, STEP * CK_NAME(kv_bytes)(format));
    if (next) next += STEP * CK_NAME(kv_bytes)(format);
#pragma clang loop unroll(full)
    for (size_t d = 0; d < 4; d++) {
      vf key[V];
#pragma clang loop unroll(full)
      for (size_t v = 0; v < V; v++) {
        size_t at = first + v * VW;
        const char *panel = part + at / CK_KV_LANES * panel_bytes;
        key[v] = CK_NAME(key_load)(format, call->layout, panel, at % CK_KV_LANES, d4 + d);
      }
#pragma clang loop unroll(full)
      for (size_t t = 0; t < T; t++) {
        vf x = vf_set(q[t * dim + d4 + d]);
#pragma clang loop unroll(full)
        for (size_t v = 0; v < V; v++) acc[t][v] = vf_fma(x, key[v], acc[t][v]);
      }
    }
  }
#pragma clang loop unroll(full)
  for (size_t t = 0; t < T; t++) {
#pragma clang loop unroll(full)
    for (size_t v = 0; v < V; v++) vf_store(scores + t * CK_KV_BLOCK + first + v * VW, acc[t][v]);
  }
}

// What a tile sees of a block, as positions in it: a hull of what each query sees.
typedef struct CK_NAME(hull) {
  size_t first, last;  // [first, last)
} CK_NAME(hull);

CK_INLINE void CK_NAME(scores)(ck_format format, size_t T, const ck_attention_call *call, size_t i, const char *part,
                               const char *next, CK_NAME(hull) hull, float *scores) {
#ifdef ATTENTION_DOT
  if (format == CK_FORMAT_Q8_0) {
    for (size_t first = hull.first / (2 * VW) * (2 * VW); first < hull.last; first += 2 * VW)
      CK_NAME(dot_tile)(T, call, i, part, next, first, scores);
    return;
  }
#endif
  enum { WIDTH = CK_NAME(tile_vectors) * VW };
  const float *q = call->q + i * call->layout->head_dim;
  for (size_t first = hull.first / WIDTH * WIDTH; first < hull.last; first += WIDTH)
    CK_NAME(scores_tile)(format, T, call, q, part, next, first, scores);
}

// Turns the scores of query i into weights, updates its largest and sum, and returns the correction of what it had.
CK_INLINE float CK_NAME(weigh)(const ck_attention_call *call, size_t i, size_t block, float *scores) {
  const size_t base = block * CK_KV_BLOCK, from = call->from[i], to = call->to[i];
  const size_t low = from > base ? from - base : 0, high = to > base ? to - base : 0;
  vf top = vf_set(-FLT_MAX), x[CK_KV_BLOCK / VW];
#pragma clang loop unroll(full)
  for (size_t v = 0; v < CK_KV_BLOCK / VW; v++) x[v] = vf_load(scores + v * VW);
  if (call->cap != 0) {
#pragma clang loop unroll(full)
    for (size_t v = 0; v < CK_KV_BLOCK / VW; v++) x[v] = vf_mul(vf_set(call->cap), vf_tanh(x[v]));
  }
  if (low > 0 || high < CK_KV_BLOCK) {
    vf begin = vf_set(low < CK_KV_BLOCK ? (float)low : CK_KV_BLOCK);
    vf end = vf_set(high < CK_KV_BLOCK ? (float)high : CK_KV_BLOCK);
#pragma clang loop unroll(full)
    for (size_t v = 0; v < CK_KV_BLOCK / VW; v++) {
      vf at = vf_add(vf_iota(), vf_set((float)(v * VW)));
      x[v] = vf_select(vf_lt(at, end), x[v], vf_set(-INFINITY));
      x[v] = vf_select(vf_lt(at, begin), vf_set(-INFINITY), x[v]);
    }
  }
#pragma clang loop unroll(full)
  for (size_t v = 0; v < CK_KV_BLOCK / VW; v++) top = vf_max(top, x[v]);
  float before = call->state.largest[i], largest = vf_largest(top);
  if (!(largest > before)) largest = before;
  vf shift = vf_set(largest), sum = vf_zero();
#pragma clang loop unroll(full)
  for (size_t v = 0; v < CK_KV_BLOCK / VW; v++) {
    vf p = vf_exp2(vf_sub(x[v], shift));
    sum = vf_add(sum, p);
    vf_store(scores + v * VW, p);
  }
  float correction = vf_first(vf_exp2(vf_set(before - largest)));
  call->state.largest[i] = largest;
  call->state.sum[i] = __builtin_fmaf(call->state.sum[i], correction, vf_sum(sum));
  return correction;
}

// acc (T, stride), vectors [column, column + V * VW): times the corrections, plus weights · values over the hull.
CK_INLINE void CK_NAME(values_tile)(ck_format format, size_t T, size_t V, const ck_kv_layout *layout,
                                    const char *values, const char *next, const float *scales, CK_NAME(hull) hull,
                                    size_t column, const float *weights, const float *corrections, float *out) {
  const size_t stride = ck_kv_stride(layout), groups = ck_kv_groups(layout), bytes = CK_NAME(kv_bytes)(format);
  vf acc[CK_NAME(tile_queries)][CK_NAME(tile_vectors)];
#pragma clang loop unroll(full)
  for (size_t t = 0; t < T; t++) {
#pragma clang loop unroll(full)
    for (size_t v = 0; v < V; v++)
      acc[t][v] = vf_mul(vf_load(out + t * stride + column + v * VW), vf_set(corrections[t]));
  }
  for (size_t j = hull.first; j < hull.last; j++) {
    vf value[CK_NAME(tile_vectors)];
    if (next) CK_NAME(prefetch)(next + (j * stride + column) * bytes, V * VW * bytes);
#pragma clang loop unroll(full)
    for (size_t v = 0; v < V; v++) {
      value[v] = CK_NAME(kv_load)(format, values, j * stride + column + v * VW);
      if (format == CK_FORMAT_Q8_0)
        value[v] = vf_mul(value[v], vf_set(scales[j * groups + (column + v * VW) / CK_KV_GROUP]));
    }
#pragma clang loop unroll(full)
    for (size_t t = 0; t < T; t++) {
      vf weight = vf_set(weights[t * CK_KV_BLOCK + j]);
#pragma clang loop unroll(full)
      for (size_t v = 0; v < V; v++) acc[t][v] = vf_fma(weight, value[v], acc[t][v]);
    }
  }
#pragma clang loop unroll(full)
  for (size_t t = 0; t < T; t++) {
#pragma clang loop unroll(full)
    for (size_t v = 0; v < V; v++) vf_store(out + t * stride + column + v * VW, acc[t][v]);
  }
}

CK_INLINE void CK_NAME(values)(ck_format format, size_t T, const ck_kv_layout *layout, const char *values,
                               const char *next, const float *scales, CK_NAME(hull) hull, const float *weights,
                               const float *corrections, float *out) {
  const size_t stride = ck_kv_stride(layout);
  size_t column = 0;
  enum { V = CK_NAME(tile_vectors) };
  for (; column + V * VW <= stride; column += V * VW)
    CK_NAME(values_tile)(format, T, V, layout, values, next, scales, hull, column, weights, corrections, out);
  if (V > 2 && column + 2 * VW <= stride) {
    CK_NAME(values_tile)(format, T, 2, layout, values, next, scales, hull, column, weights, corrections, out);
    column += 2 * VW;
  }
  for (; column < stride; column += VW)
    CK_NAME(values_tile)(format, T, 1, layout, values, next, scales, hull, column, weights, corrections, out);
}

// T queries from query i on, over one block.
CK_INLINE void CK_NAME(attend_tile)(ck_format format, size_t T, const ck_attention_call *call, size_t i, size_t block,
                                    CK_NAME(hull) hull, const char *next) {
  const ck_kv_layout *layout = call->layout;
  const char *part = (const char *)call->blocks[block] + call->offset;
  float *scores = (float *)call->workspace + i * CK_KV_BLOCK;
  const float *scales = (const float *)call->workspace + CK_ATTENTION_TILE * CK_KV_BLOCK;
  float corrections[CK_NAME(tile_queries)];
  CK_NAME(scores)(format, T, call, i, part, next, hull, scores);
  if (next) next += ck_kv_values_at(layout);
  for (size_t t = 0; t < T; t++) corrections[t] = CK_NAME(weigh)(call, i + t, block, scores + t * CK_KV_BLOCK);
  CK_NAME(values)(format, T, layout, part + ck_kv_values_at(layout), next, scales, hull, scores, corrections,
                  call->state.acc + i * ck_kv_stride(layout));
}

CK_INLINE CK_NAME(hull) CK_NAME(hull_of)(const ck_attention_call *call, size_t i, size_t count, size_t block) {
  size_t first = SIZE_MAX, last = 0, base = block * CK_KV_BLOCK;
  for (size_t t = i; t < i + count; t++) {
    if (call->from[t] >= call->to[t]) continue;
    if (call->from[t] < first) first = call->from[t];
    if (call->to[t] > last) last = call->to[t];
  }
  if (last > call->end) last = call->end;
  first = first > base ? first - base : 0;
  last = last > base ? last - base : 0;
  if (last > CK_KV_BLOCK) last = CK_KV_BLOCK;
  return (CK_NAME(hull)){first, first < last ? last : 0};
}

// Asks for the scales of the next block, which prefetching along with values leaves out.
CK_INLINE void CK_NAME(prefetch_scales)(const ck_kv_layout *layout, const char *part) {
  if (part == NULL) return;
  const size_t panel_bytes = ck_kv_panel_bytes(layout), scale_bytes = CK_KV_BLOCK * ck_kv_groups(layout) * 2;
  for (size_t p = 0; p < CK_KV_PANELS; p++)
    for (size_t at = ck_kv_panel_values(layout); at < panel_bytes; at += CK_CACHE_LINE)
      __builtin_prefetch(part + p * panel_bytes + at, 0, 2);
  for (size_t at = 0; at < scale_bytes; at += CK_CACHE_LINE)
    __builtin_prefetch(part + ck_kv_value_scales_at(layout) + at, 0, 2);
}

// The scales of a block's values as floats, once for all queries. (Folding them into the weights instead of the
// values was slower on Zen 4, 0.46 against 0.35 ms at depth 4,096 with 4 queries a KV head.)
CK_INLINE void CK_NAME(load_scales)(const ck_attention_call *call, size_t block) {
  const uint16_t *from =
      (const uint16_t *)((const char *)call->blocks[block] + call->offset + ck_kv_value_scales_at(call->layout));
  float *to = (float *)call->workspace + CK_ATTENTION_TILE * CK_KV_BLOCK;
  for (size_t i = 0; i < CK_KV_BLOCK * ck_kv_groups(call->layout); i += VW) vf_store(to + i, vf_load_f16(from + i));
}

CK_INLINE void CK_NAME(attention_start)(const ck_attention_call *call) {
  for (size_t i = 0; i < call->count; i++) {
    call->state.largest[i] = -FLT_MAX;
    call->state.sum[i] = 0;
  }
  memset(call->state.acc, 0, call->count * ck_kv_stride(call->layout) * sizeof(float));
}

CK_INLINE void CK_NAME(attention_of)(ck_format format, const ck_attention_call *call) {
  // Spread evenly: 7 queries are 4 + 3, not 6 + 1.
  const size_t tiles = (call->count + CK_NAME(tile_queries) - 1) / CK_NAME(tile_queries);
  CK_NAME(attention_start)(call);
#ifdef ATTENTION_DOT
  if (format == CK_FORMAT_Q8_0) CK_NAME(round_queries)(call);
#endif
  for (size_t block = call->begin / CK_KV_BLOCK; block * CK_KV_BLOCK < call->end; block++) {
    if (CK_NAME(hull_of)(call, 0, call->count, block).last == 0) continue;
    if (format == CK_FORMAT_Q8_0) CK_NAME(load_scales)(call, block);
    const bool more = (block + 1) * CK_KV_BLOCK < call->stored;
    const char *ahead = more ? (const char *)call->blocks[block + 1] + call->offset : NULL;
    if (format == CK_FORMAT_Q8_0) CK_NAME(prefetch_scales)(call->layout, ahead);
    for (size_t tile = 0; tile < tiles; tile++) {
      size_t i = tile * call->count / tiles, count = (tile + 1) * call->count / tiles - i;
      CK_NAME(hull) hull = CK_NAME(hull_of)(call, i, count, block);
      if (hull.last == 0) continue;
      const char *next = tile == 0 ? ahead : NULL;
      switch (count) {
        case 1: CK_NAME(attend_tile)(format, 1, call, i, block, hull, next); break;
        case 2: CK_NAME(attend_tile)(format, 2, call, i, block, hull, next); break;
        case 3: CK_NAME(attend_tile)(format, 3, call, i, block, hull, next); break;
        case 4: CK_NAME(attend_tile)(format, 4, call, i, block, hull, next); break;
        case 5: CK_NAME(attend_tile)(format, 5, call, i, block, hull, next); break;
        default: CK_NAME(attend_tile)(format, 6, call, i, block, hull, next); break;
      }
    }
  }
}

static void CK_NAME(attention_q8_0)(const ck_attention_call *call) { CK_NAME(attention_of)(CK_FORMAT_Q8_0, call); }
#ifndef ATTENTION_DOT
static void CK_NAME(attention_f32)(const ck_attention_call *call) { CK_NAME(attention_of)(CK_FORMAT_F32, call); }
static void CK_NAME(attention_f16)(const ck_attention_call *call) { CK_NAME(attention_of)(CK_FORMAT_F16, call); }

static void CK_NAME(attention_merge)(const ck_attention_merge_call *call) {
  for (size_t i = 0; i < call->count; i++) {
    float mine = call->state.largest[i], other = call->part.largest[i], largest = other > mine ? other : mine;
    float keep = vf_first(vf_exp2(vf_set(mine - largest))), add = vf_first(vf_exp2(vf_set(other - largest)));
    call->state.largest[i] = largest;
    call->state.sum[i] = __builtin_fmaf(call->part.sum[i], add, call->state.sum[i] * keep);
    float *acc = call->state.acc + i * call->stride;
    const float *part = call->part.acc + i * call->stride;
    for (size_t d = 0; d < call->stride; d += VW)
      vf_store(acc + d, vf_fma(vf_load(part + d), vf_set(add), vf_mul(vf_load(acc + d), vf_set(keep))));
  }
}
#endif
