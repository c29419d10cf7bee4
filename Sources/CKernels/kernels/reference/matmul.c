// Matrix products as obvious loops: the oracle's shape and the fallback. Tiles, vectors and prefetch are generic/'s.
#include <math.h>
#include <string.h>

#include "dispatch/table.h"
#include "formats/formats.h"
#include "kernels/lanes.h"
#include "kernels/reference/reference.h"

#define CK_ISA_SUFFIX scalar
#include "kernels/generic/names.h"
#include "kernels/generic/records.h"

static int value_of(ck_map map, uint8_t code) {
  switch (map) {
    case CK_MAP_SIGNED: return (int8_t)code;
    case CK_MAP_TABLE_NL: return ck_iq4_table[code];
    case CK_MAP_TABLE_E2M1: return ck_mxfp4_table[code];
    default: return code - ck_map_offset(map);
  }
}

static int scale_of(ck_scale scale, uint8_t code) {
  if (scale == CK_SCALE_I8_16) return (int8_t)code;
  return scale == CK_SCALE_U6_16 || scale == CK_SCALE_U6_32 ? code - 32 : code;
}

static void expand_scales(ck_scale scale, const uint8_t *scales, size_t block, ck_plain *plain) {
  for (size_t row = 0; row < CK_ROWS; row++) {
    ck_split s;
    ck_lane_load_scales(scale, scales, row, &s);
    const float d = scale == CK_SCALE_E8 ? ck_half_f32_from_e8m0((uint8_t)s.d) : ck_f32_from_f16(s.d);
    if (ck_scale_has_min(scale)) plain->minima[block][row] = ck_f32_from_f16(s.m);
    if (ck_scale_values(scale) == 32) {
      plain->scales[block][row] = d;
      continue;
    }
    const size_t groups = 256 / ck_scale_group(scale);
    if (ck_scale_folds(scale)) plain->scales[block][row] = ck_scale_has_min(scale) ? d : -d;
    for (size_t j = 0; j < groups; j++) {
      if (!ck_scale_folds(scale)) plain->scales[block * groups + j][row] = d * (float)scale_of(scale, s.scales[j]);
      if (ck_scale_has_min(scale)) plain->pairs[(block * groups + j) / 2][row][j % 2] = s.minima[j];
    }
  }
}

// Multiplies the codes of one block by the scales of their groups.
static void fold_scales(ck_scale scale, const uint8_t *scales, uint8_t *codes) {
  for (size_t row = 0; row < CK_ROWS; row++) {
    ck_split s;
    ck_lane_load_scales(scale, scales, row, &s);
    for (size_t k = 0; k < 256; k++) {
      uint8_t *code = codes + k / 4 * CK_STEP + row * 4 + k % 4;
      const int value = ck_scale_has_min(scale) ? *code : -(int8_t)*code;
      *code = (uint8_t)(value * scale_of(scale, s.scales[k / 16]));
    }
  }
}

static void expand_codes(ck_panel_layout layout, const uint8_t *slabs, size_t values, uint8_t *codes) {
  for (size_t b = 0; b < values / 32; b++)
    for (size_t row = 0; row < CK_ROWS; row++) {
      uint8_t lane[32];
      ck_lane_load_slab(layout.slab, slabs + b * ck_slab_bytes(layout.slab), row, lane);
      for (size_t k = 0; k < 32; k++)
        codes[b * 512 + k / 4 * CK_STEP + row * 4 + k % 4] = (uint8_t)value_of(layout.map, lane[k]);
    }
}

CK_INLINE void expand(ck_panel_layout layout, const uint8_t *units, size_t values, ck_plain *plain) {
  const size_t block = ck_scale_values(layout.scale);
  for (size_t b = 0; b < values / block; b++) {
    const ck_block_place place = ck_place_of(layout, values, b);
    expand_codes(layout, units + place.slabs, block, plain->codes + b * block * CK_ROWS);
    expand_scales(layout.scale, units + place.scales, b, plain);
    if (ck_scale_folds(layout.scale)) fold_scales(layout.scale, units + place.scales, plain->codes + b * 4096);
  }
}

/// sums[row] += 2^shift * sum of q * code over `count` values.
CK_INLINE void dot(const uint8_t *codes, const int8_t *q, size_t count, bool is_signed, int shift, int32_t *sums) {
  for (size_t s = 0; s < count / 4; s++)
    for (size_t row = 0; row < CK_ROWS; row++)
      for (size_t t = 0; t < 4; t++) {
        uint8_t code = codes[s * CK_STEP + row * 4 + t];
        sums[row] += (is_signed ? (int8_t)code : code) * q[s * 4 + t] * (1 << shift);
      }
}

CK_INLINE void tile_32(ck_scale scale, const ck_tile_call *call, size_t panel) {
  const ck_plain *plain = (const ck_plain *)call->codes + panel;
  for (size_t c = 0; c < call->columns; c++) {
    float *acc = call->acc + (panel * call->columns + c) * CK_ROWS;
    for (size_t b = 0; b < call->values / 32; b++) {
      const ck_q8_32 *x = (const ck_q8_32 *)((const char *)call->x + b * call->stride) + c;
      int32_t sums[CK_ROWS] = {0};
      dot(plain->codes + b * 512, x->q, 32, !ck_scale_has_min(scale), 0, sums);
      for (size_t row = 0; row < CK_ROWS; row++) {
        acc[row] = fmaf((float)(sums[row] * x->multiple), plain->scales[b][row], acc[row]);
        if (ck_scale_has_min(scale)) acc[row] = fmaf(plain->minima[b][row], x->sum, acc[row]);
      }
    }
  }
}

CK_INLINE void tile_256(ck_scale scale, const ck_tile_call *call, size_t panel) {
  const ck_plain *plain = (const ck_plain *)call->codes + panel;
  const size_t group = ck_scale_group(scale), groups = 256 / group;
  const size_t sum = ck_scale_folds(scale) ? 256 : group;  // values that meet one scale
  const bool has_min = ck_scale_has_min(scale);
  for (size_t c = 0; c < call->columns; c++) {
    float *acc = call->acc + (panel * call->columns + c) * CK_ROWS;
    for (size_t b = 0; b < call->values / 256; b++) {
      const ck_q8_256 *x = (const ck_q8_256 *)((const char *)call->x + b * call->stride) + c;
      float block[CK_ROWS] = {0};
      for (size_t j = 0; j < 256 / sum; j++) {
        int32_t sums[CK_ROWS] = {0};
        for (size_t k = j * sum; k < (j + 1) * sum; k += group)
          dot(plain->codes + b * 4096 + k * CK_ROWS, x->q + k, group, !has_min, x->shift[k / 32], sums);
        for (size_t row = 0; row < CK_ROWS; row++)
          block[row] = fmaf((float)sums[row], plain->scales[b * 256 / sum + j][row], block[row]);
      }
      for (size_t row = 0; row < CK_ROWS; row++) {
        int32_t minima = 0;
        for (size_t j = 0; has_min && j < groups; j++)
          minima += plain->pairs[(b * groups + j) / 2][row][j % 2] * (group == 16 ? x->sum16[j] : x->sum32[j]);
        if (has_min) block[row] = fmaf(-plain->minima[b][row], (float)minima, block[row]);
        acc[row] = fmaf(block[row], x->scale, acc[row]);
      }
    }
  }
}

typedef float (*element)(const void *panel, size_t k, size_t row);
static float f32_element(const void *panel, size_t k, size_t row) { return ((const float *)panel)[k * CK_ROWS + row]; }
static float f16_element(const void *panel, size_t k, size_t row) {
  return ck_f32_from_f16(((const uint16_t *)panel)[k * CK_ROWS + row]);
}
static float bf16_element(const void *panel, size_t k, size_t row) {
  return ck_f32_from_bf16(((const uint16_t *)panel)[(k / 2 * CK_ROWS + row) * 2 + k % 2]);
}

CK_INLINE void tile_floats(const ck_tile_call *call, element at) {
  for (size_t p = 0; p < call->panels; p++)
    for (size_t c = 0; c < call->columns; c++) {
      const char *panel = (const char *)call->codes + p * call->panel_stride;
      float *acc = call->acc + (p * call->columns + c) * CK_ROWS;
      for (size_t k = 0; k < call->values; k++) {
        const float *x = ((const ck_f32_16 *)((const char *)call->x + k / 16 * call->stride) + c)->x;
        for (size_t row = 0; row < CK_ROWS; row++) acc[row] = fmaf(at(panel, k, row), x[k % 16], acc[row]);
      }
    }
}

static void ck_matmul_f32_scalar(const ck_tile_call *call) { tile_floats(call, f32_element); }
static void ck_matmul_f16_scalar(const ck_tile_call *call) { tile_floats(call, f16_element); }
static void ck_matmul_bf16_wide_scalar(const ck_tile_call *call) { tile_floats(call, bf16_element); }

CK_INLINE void decode(ck_format format, ck_panel_layout layout, const uint8_t *units, size_t values, float *out) {
  const size_t block_values = ck_scale_values(layout.scale), slab = ck_slab_bytes(layout.slab);
  for (size_t b = 0; b < values / block_values; b++) {
    const ck_block_place place = ck_place_of(layout, values, b);
    for (size_t row = 0; row < CK_ROWS; row++) {
      ck_split split;
      uint8_t block[256];
      float decoded[256];
      for (size_t k = 0; k < block_values; k += 32)
        ck_lane_load_slab(layout.slab, units + place.slabs + k / 32 * slab, row, split.codes + k);
      ck_lane_load_scales(layout.scale, units + place.scales, row, &split);
      ck_join_block(format, &split, block);
      ck_decode(format, block, block_values, decoded);
      for (size_t k = 0; k < block_values; k++) out[(b * block_values + k) * CK_ROWS + row] = decoded[k];
    }
  }
}

static void ck_matmul_finish_scalar(const ck_finish_call *call) {
  for (size_t c = 0; c < call->columns; c++) {
    const float scale = call->row_scales ? call->row_scales[c] : 1;
    for (size_t r = 0; r < call->rows; r++) {
      float y = call->acc[c * CK_ROWS + r] * scale + (call->bias ? call->bias[r] : 0);
      if (call->gate) {
        const float gate = call->gate[c * CK_ROWS + r] * scale;
        y = (float)(ck_act_scalar(call->act, gate) * y);
      } else {
        y = (float)ck_act_scalar(call->act, y);
      }
      call->y[c * call->ldy + r] = call->accumulate ? call->y[c * call->ldy + r] + y : y;
    }
  }
}

#define PANEL(id, slab, map, scale)                                                                             \
  static const ck_panel_layout layout_##id = {true, CK_##slab, CK_MAP_##map, CK_SCALE_##scale};                 \
  static void ck_panel_expand_##id##_scalar(const void *units, size_t values, ck_plain *p) {                    \
    expand(layout_##id, units, values, p);                                                                      \
  }                                                                                                             \
  static void ck_panel_decode_##id##_scalar(const void *units, size_t values, float *out) {                     \
    decode(CK_FORMAT_##id, layout_##id, units, values, out);                                                    \
  }                                                                                                             \
  static void ck_matmul_##id##_scalar(const ck_tile_call *call) {                                               \
    for (size_t panel = 0; panel < call->panels; panel++)                                                       \
      if (ck_scale_values(CK_SCALE_##scale) == 32)                                                              \
        tile_32(CK_SCALE_##scale, call, panel);                                                                 \
      else                                                                                                      \
        tile_256(CK_SCALE_##scale, call, panel);                                                                \
  }
#include "kernels/panels.def"
#undef PANEL

void ck_serve_matmul_scalar(ck_table *table) {
#define PANEL(id, slab, map, scale)                                                                                \
  CK_SERVE(table, matmul[CK_FORMAT_##id], ck_matmul_##id##_scalar, CK_ISA_SCALAR, "reference");                    \
  CK_SERVE(table, panel_expand[CK_FORMAT_##id], ck_panel_expand_##id##_scalar, CK_ISA_SCALAR, "reference");        \
  CK_SERVE(table, panel_decode[CK_FORMAT_##id], ck_panel_decode_##id##_scalar, CK_ISA_SCALAR, "reference");
#include "kernels/panels.def"
#undef PANEL
  CK_SERVE(table, matmul_exact, ck_matmul_f32_scalar, CK_ISA_SCALAR, "reference");
  CK_SERVE(table, matmul[CK_FORMAT_F32], ck_matmul_f32_scalar, CK_ISA_SCALAR, "reference");
  CK_SERVE(table, matmul[CK_FORMAT_F16], ck_matmul_f16_scalar, CK_ISA_SCALAR, "reference");
  CK_SERVE(table, matmul[CK_FORMAT_BF16], ck_matmul_bf16_wide_scalar, CK_ISA_SCALAR, "reference");
  CK_SERVE(table, matmul_finish, ck_matmul_finish_scalar, CK_ISA_SCALAR, "reference");
  CK_SERVE(table, record_f32, ck_record_f32_scalar, CK_ISA_SCALAR, "plain loop");
  CK_SERVE(table, record_bf16, ck_record_bf16_scalar, CK_ISA_SCALAR, "plain loop");
  CK_SERVE(table, record_bf16_wide, ck_record_bf16_wide_scalar, CK_ISA_SCALAR, "plain loop");
  CK_SERVE(table, record_q8_32, ck_record_q8_32_scalar, CK_ISA_SCALAR, "plain loop");
  CK_SERVE(table, record_q8_256, ck_record_q8_256_scalar, CK_ISA_SCALAR, "plain loop");
}
