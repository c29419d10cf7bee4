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
  CK_NAME(tile_most) = (CK_NAME(tile_queries) + VW - 1) / VW * VW,  // of queries, in whole vectors
};

CK_INLINE vf CK_NAME(kv_load)(ck_format format, const void *values, size_t at) {
  return format == CK_FORMAT_F32 ? vf_load((const float *)values + at) : vf_load_f16((const uint16_t *)values + at);
}

// One vector of position j's value, from dimension `column` on.
CK_INLINE vf CK_NAME(value_load)(ck_format format, const void *values, size_t stride, size_t j, size_t column) {
  if (format != CK_FORMAT_BF16) return CK_NAME(kv_load)(format, values, j * stride + column);
  return vf_load_bf16_of_2((const uint16_t *)values + (j / 2 * stride + column) * 2, j % 2);
}

// One vector of keys' dimension d. `panel` is a key panel, `lane` the first of its positions.
CK_INLINE vf CK_NAME(key_load)(ck_format format, const ck_kv_layout *layout, const char *panel, size_t lane, size_t d) {
  if (format == CK_FORMAT_BF16)
    return vf_load_bf16_of_2((const uint16_t *)panel + (d / 2 * CK_KV_LANES + lane) * 2, d % 2);
  if (format != CK_FORMAT_Q8_0) return CK_NAME(kv_load)(format, panel, d * CK_KV_LANES + lane);
  const uint16_t *scales = (const uint16_t *)(panel + ck_kv_panel_values(layout)) + d / CK_KV_GROUP * CK_KV_LANES;
  const int8_t *four = (const int8_t *)panel + d / 4 * 4 * CK_KV_LANES + lane * 4;
  return vf_mul(vf_load_i8_of_4(four, d % 4), vf_load_f16(scales + lane));
}

CK_INLINE size_t CK_NAME(kv_bytes)(ck_format format) {
  return format == CK_FORMAT_F32 ? 4 : format == CK_FORMAT_Q8_0 ? 1 : 2;
}

// Asks for `bytes` from `at` on, if there is an `at`. The blocks of a sequence lie apart, so that the hardware's
// prefetchers start anew in each: without this, decode at depth 4,096 runs at half the speed (Zen 4, F16: 10 against
// 20 to 24 GB/s a core). Into the second level: the first holds what is being used (asking for it there: 15 GB/s).
CK_INLINE void CK_NAME(prefetch)(const char *at, size_t bytes) {
  if (at == NULL) return;
#pragma clang loop unroll(full)
  for (size_t i = 0; i < bytes; i += CK_CACHE_LINE) __builtin_prefetch(at + i, 0, 2);
}

// What is asked for ahead. Mostly it is what a product will read at the same place of the next part. For
// products of bfloat16 pairs, which are as fast as memory, it is lines in order of address: memory should be busy all
// the time, also while a tile is at its softmax; but not more than a few lines at once, or the core waits for them. So the softmax
// takes `spare` eighths of the lines, and the products leave as many out. Zen 4, 64 dimensions, depth 4,096, one core of
// 31 to 33 GB/s: 19 to 21 GB/s with all lines in the products, 23 to 26 with a quarter of them in the softmax, 16 to 17
// with a half.
#ifdef ATTENTION_PAIRS
enum { CK_NAME(in_order) = true };
#else
enum { CK_NAME(in_order) = false };
#endif

typedef struct CK_NAME(ahead_lines) {
  const char *at;  // or NULL
  size_t spare;
} CK_NAME(ahead_lines);

CK_INLINE CK_NAME(ahead_lines) CK_NAME(ahead_from)(const char *next, size_t T, size_t dim) {
  // A single query or two are nearly all memory.
  return (CK_NAME(ahead_lines)){next, T < 3 || dim >= 256 ? 0 : dim >= 128 ? 1 : 2};
}

CK_INLINE void CK_NAME(ask)(CK_NAME(ahead_lines) *ahead, size_t lines) {
  if (ahead->at == NULL) return;
  for (size_t i = 0; i < lines; i++, ahead->at += CK_CACHE_LINE) __builtin_prefetch(ahead->at, 0, 2);
}

// While step `step` of a product reads 4 lines.
CK_INLINE void CK_NAME(ask_step)(CK_NAME(ahead_lines) *ahead, size_t step) {
  CK_NAME(ask)(ahead, 3);
  if (ahead->spare == 0 || (ahead->spare == 1 && step % 2 == 0)) CK_NAME(ask)(ahead, 1);
}

// Lines for each of the two stages of each of T queries.
CK_INLINE size_t CK_NAME(spare_lines)(const ck_kv_layout *layout, const CK_NAME(ahead_lines) *ahead, size_t T) {
  return ck_kv_head_bytes(layout) / CK_CACHE_LINE * ahead->spare / 8 / (2 * T);
}

#include "kernels/generic/attention_q8_values.h"
#ifdef ATTENTION_DOT
#include "kernels/generic/attention_q8_scores.h"
#endif
#ifdef ATTENTION_PAIRS
#include "kernels/generic/attention_bf16.h"
#endif

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
                               CK_NAME(ahead_lines) *ahead, CK_NAME(hull) hull, float *scores) {
#ifdef ATTENTION_PAIRS
  if (format == CK_FORMAT_BF16) {
    CK_NAME(pair_scores)(T, call, i, part, ahead, scores);
    return;
  }
#endif
#ifdef ATTENTION_DOT
  if (format == CK_FORMAT_Q8_0) {
    for (size_t first = hull.first / (2 * VW) * (2 * VW); first < hull.last; first += 2 * VW)
      CK_NAME(dot_tile)(T, call, i, part, ahead->at, first, scores);
    return;
  }
#endif
  enum { WIDTH = CK_NAME(tile_vectors) * VW };
  const float *q = call->q + i * call->layout->head_dim;
  for (size_t first = hull.first / WIDTH * WIDTH; first < hull.last; first += WIDTH)
    CK_NAME(scores_tile)(format, T, call, q, part, ahead->at, first, scores);
}

// The weights of a block of scores x relative to `shift`, written to `out`, where the values' tile reads them. Returns
// their sum by lanes.
CK_INLINE vf CK_NAME(weights)(ck_format format, vf shift, const float *x, float *out) {
#ifdef ATTENTION_PAIRS
  if (format == CK_FORMAT_BF16) return CK_NAME(pair_weights)(shift, x, out);
#else
  (void)format;
#endif
  vf sum = vf_zero();
#pragma clang loop unroll(full)
  for (size_t v = 0; v < CK_KV_BLOCK; v += VW) {
    vf p = vf_exp2(vf_sub(vf_load(x + v), shift));
    sum = vf_add(sum, p);
    vf_store(out + v, p);
  }
  return sum;
}

// The block's scores of query i with the cap applied, and -inf for what the query does not see. Returns the largest.
CK_INLINE float CK_NAME(largest_score)(const ck_attention_call *call, size_t i, size_t block, float *scores) {
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
  for (size_t v = 0; v < CK_KV_BLOCK / VW; v++) {
    top = vf_max(top, x[v]);
    vf_store(scores + v * VW, x[v]);
  }
  return vf_largest(top);
}

// The sums of weights by lanes, of each query, while the call runs.
CK_INLINE float *CK_NAME(sums_at)(const ck_attention_call *call) {
  return (float *)((char *)call->workspace + CK_ATTENTION_SUMS_AT);
}

// Turns the scores of T queries from query i on into weights, updates their largest and sums, and gives the correction
// of what they had. Weights of an 8-bit cache are relative to the block's largest score, and shares says what that is
// worth; others are relative to the largest of all so far.
//
// In stages over all queries, since each stage of one waits for the one before (Zen 4, BF16, 64 dimensions at depth
// 8,192: 57 % of the roof query by query, 73 % in stages).
static void CK_NAME(weigh)(ck_format format, size_t T, const ck_attention_call *call, size_t i, size_t block,
                           float *scores, float *corrections, float *shares, CK_NAME(ahead_lines) *ahead) {
  const size_t lines = CK_NAME(in_order) ? CK_NAME(spare_lines)(call->layout, ahead, T) : 0;
  enum { MOST = CK_NAME(tile_most) };
  float *sums = CK_NAME(sums_at)(call) + i * VW, *largest = call->state.largest + i, shifts[MOST];
  for (size_t t = 0; t < MOST; t++) corrections[t] = shares[t] = 0;
  for (size_t t = 0; t < T; t++) {
    CK_NAME(ask)(ahead, lines);
    float top = CK_NAME(largest_score)(call, i + t, block, scores + t * CK_KV_BLOCK), before = largest[t];
    largest[t] = top > before ? top : before;
    corrections[t] = before - largest[t];
    shares[t] = top - largest[t];
    shifts[t] = format == CK_FORMAT_Q8_0 ? top : largest[t];
  }
  for (size_t t = 0; t < T; t += VW) {
    vf_store(corrections + t, vf_exp2(vf_load(corrections + t)));
    vf_store(shares + t, format == CK_FORMAT_Q8_0 ? vf_exp2(vf_load(shares + t)) : vf_set(1));
  }
  for (size_t t = 0; t < T; t++) {
    CK_NAME(ask)(ahead, lines);
    vf sum = CK_NAME(weights)(format, vf_set(shifts[t]), scores + t * CK_KV_BLOCK, scores + t * CK_KV_BLOCK);
    vf kept = vf_mul(vf_load(sums + t * VW), vf_set(corrections[t]));
    vf_store(sums + t * VW, vf_fma(sum, vf_set(shares[t]), kept));
  }
}

// acc (T, stride), vectors [column, column + V * VW): times the corrections, plus weights · values over the hull.
CK_INLINE void CK_NAME(values_tile)(ck_format format, size_t T, size_t V, const ck_kv_layout *layout,
                                    const char *values, const char *next, CK_NAME(hull) hull, size_t column,
                                    const float *weights, const float *corrections, float *out) {
  const size_t stride = ck_kv_stride(layout), bytes = CK_NAME(kv_bytes)(format);
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
    for (size_t v = 0; v < V; v++) value[v] = CK_NAME(value_load)(format, values, stride, j, column + v * VW);
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

// acc (T, stride) of a block's weights (T, CK_KV_BLOCK).
CK_INLINE void CK_NAME(values)(ck_format format, size_t T, const ck_attention_call *call, const char *values,
                               CK_NAME(ahead_lines) *ahead, CK_NAME(hull) hull, const float *weights, const float *corrections,
                               float *out) {
  const ck_kv_layout *layout = call->layout;
  const size_t stride = ck_kv_stride(layout);
  size_t column = 0;
  enum { V = CK_NAME(tile_vectors) };
  if (format == CK_FORMAT_Q8_0) {
    CK_NAME(word_values)(T, call, values, ahead->at, hull.first, hull.last, corrections, out);
    return;
  }
#ifdef ATTENTION_PAIRS
  if (format == CK_FORMAT_BF16) {
    CK_NAME(pair_values)(T, layout, values, ahead, hull.first, hull.last, weights, corrections, out);
    return;
  }
#endif
  for (; column + V * VW <= stride; column += V * VW)
    CK_NAME(values_tile)(format, T, V, layout, values, ahead->at, hull, column, weights, corrections, out);
  if (V > 2 && column + 2 * VW <= stride) {
    CK_NAME(values_tile)(format, T, 2, layout, values, ahead->at, hull, column, weights, corrections, out);
    column += 2 * VW;
  }
  for (; column < stride; column += VW)
    CK_NAME(values_tile)(format, T, 1, layout, values, ahead->at, hull, column, weights, corrections, out);
}

// T queries from query i on, over one block.
CK_INLINE void CK_NAME(attend_tile)(ck_format format, size_t T, const ck_attention_call *call, size_t i, size_t block,
                                    CK_NAME(hull) hull, const char *next) {
  const ck_kv_layout *layout = call->layout;
  const char *part = (const char *)call->blocks[block] + call->offset;
  float *scores = (float *)call->workspace + i * CK_KV_BLOCK;
  float corrections[CK_NAME(tile_most)], shares[CK_NAME(tile_most)];
  CK_NAME(ahead_lines) ahead = CK_NAME(ahead_from)(next, T, layout->head_dim);
  CK_NAME(scores)(format, T, call, i, part, &ahead, hull, scores);
  if (next && !CK_NAME(in_order)) ahead.at = next + ck_kv_values_at(layout);
  CK_NAME(weigh)(format, T, call, i, block, scores, corrections, shares, &ahead);
  if (format == CK_FORMAT_Q8_0) CK_NAME(make_words)(T, call, i, block, scores, shares);
  CK_NAME(values)(format, T, call, part + ck_kv_values_at(layout), &ahead, hull, scores, corrections,
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

CK_INLINE void CK_NAME(attention_start)(const ck_attention_call *call) {
  for (size_t i = 0; i < call->count; i++) {
    call->state.largest[i] = -FLT_MAX;
    vf_store(CK_NAME(sums_at)(call) + i * VW, vf_zero());
  }
  memset(call->state.acc, 0, call->count * ck_kv_stride(call->layout) * sizeof(float));
}

// Queries [first, first + count) of one KV head, whose part `call` says, over one block. `next` is where what follows
// that part lies, or NULL.
CK_INLINE void CK_NAME(attend_block)(ck_format format, const ck_attention_call *call, size_t first, size_t count,
                                     size_t block, const char *next) {
  // Spread evenly: 7 queries are 4 + 3, not 6 + 1.
  const size_t tiles = (count + CK_NAME(tile_queries) - 1) / CK_NAME(tile_queries);
  if (format == CK_FORMAT_Q8_0) {
    CK_NAME(load_scales)(call, block);
    CK_NAME(prefetch_scales)(call->layout, next);
  }
  for (size_t tile = 0; tile < tiles; tile++) {
    const size_t i = first + tile * count / tiles, T = first + (tile + 1) * count / tiles - i;
    CK_NAME(hull) hull = CK_NAME(hull_of)(call, i, T, block);
    if (hull.last == 0) continue;
    const char *ahead = tile == 0 ? next : NULL;
    switch (T) {
      case 1: CK_NAME(attend_tile)(format, 1, call, i, block, hull, ahead); break;
      case 2: CK_NAME(attend_tile)(format, 2, call, i, block, hull, ahead); break;
      case 3: CK_NAME(attend_tile)(format, 3, call, i, block, hull, ahead); break;
      case 4: CK_NAME(attend_tile)(format, 4, call, i, block, hull, ahead); break;
      case 5: CK_NAME(attend_tile)(format, 5, call, i, block, hull, ahead); break;
      default: CK_NAME(attend_tile)(format, 6, call, i, block, hull, ahead); break;
    }
  }
}

CK_INLINE void CK_NAME(attention_of)(ck_format format, const ck_attention_call *call) {
  const size_t queries = call->count / call->kv_heads, head_bytes = ck_kv_head_bytes(call->layout);
  ck_attention_call head = *call;
  CK_NAME(attention_start)(call);
#ifdef ATTENTION_DOT
  if (format == CK_FORMAT_Q8_0) CK_NAME(round_queries)(call);
#endif
#ifdef ATTENTION_PAIRS
  if (format == CK_FORMAT_BF16) CK_NAME(pair_queries)(call);
#endif
  for (size_t block = call->begin / CK_KV_BLOCK; block * CK_KV_BLOCK < call->end; block++) {
    if (CK_NAME(hull_of)(call, 0, call->count, block).last == 0) continue;
    const bool more = (block + 1) * CK_KV_BLOCK < call->stored;
    for (size_t h = 0; h < call->kv_heads; h++) {
      head.offset = call->offset + h * head_bytes;
      const char *next = h + 1 < call->kv_heads ? (const char *)call->blocks[block] + head.offset + head_bytes
                         : more ? (const char *)call->blocks[block + 1] + call->offset : NULL;
      CK_NAME(attend_block)(format, &head, h * queries, queries, block, next);
    }
  }
  for (size_t i = 0; i < call->count; i++) call->state.sum[i] = vf_sum(vf_load(CK_NAME(sums_at)(call) + i * VW));
}

// A region that defines one of the two serves its format only; the others come from the ISA below.
#ifndef ATTENTION_PAIRS
static void CK_NAME(attention_q8_0)(const ck_attention_call *call) { CK_NAME(attention_of)(CK_FORMAT_Q8_0, call); }
#endif
#ifndef ATTENTION_DOT
static void CK_NAME(attention_bf16)(const ck_attention_call *call) { CK_NAME(attention_of)(CK_FORMAT_BF16, call); }
#endif
#if !defined ATTENTION_DOT && !defined ATTENTION_PAIRS
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
