// Plans panels, packs rows of file blocks into them and reads rows back. The layout is in kernels/panel.h.
#include "ops/pack.h"

#include <string.h>

#include "kernels/lanes.h"
#include "runtime/runtime.h"

ck_panel_layout ck_panel_layout_of(ck_format format) {
  static const ck_panel_layout layouts[CK_FORMAT_COUNT] = {
#define PANEL(id, slab, map, scale) [CK_FORMAT_##id] = {true, CK_##slab, CK_MAP_##map, CK_SCALE_##scale},
#include "kernels/panels.def"
#undef PANEL
  };
  return layouts[format];
}

size_t ck_panel_bytes(ck_format format, size_t k) {
  ck_panel_layout layout = ck_panel_layout_of(format);
  if (!layout.integer) {
    size_t width = ck_format_describe(format)->bytes_per_block;
    return ((k + k % 2) * width * CK_ROWS + 63) / 64 * 64;  // bfloat16 comes in pairs
  }
  return ck_layout_bytes(layout, k);
}

// k * 16 rows * 4 bytes, and n times that, must not overflow.
static bool valid_shape(ck_format format, size_t n, size_t k) {
  const ck_format_info *info = ck_format_describe(format);
  if (info == NULL || n == 0 || k == 0 || k % info->values_per_block != 0) return false;
  size_t bytes;
  return k < SIZE_MAX / 256 && n < SIZE_MAX - CK_ROWS &&
         !__builtin_mul_overflow((n + CK_ROWS - 1) / CK_ROWS, ck_panel_bytes(format, k), &bytes) &&
         bytes < SIZE_MAX / 2;
}

ck_status ck_packed_plan(const ck_runtime *runtime, ck_format format, size_t n, size_t k, ck_packed *packed) {
  if (runtime == NULL || packed == NULL || !valid_shape(format, n, k)) return CK_INVALID_ARGUMENT;
  *packed = (ck_packed){.format = format,
                        .layout = CK_LAYOUT,
                        .panel_rows = CK_ROWS,
                        .n = n,
                        .k = k,
                        .bytes = (n + CK_ROWS - 1) / CK_ROWS * ck_panel_bytes(format, k)};
  return CK_OK;
}

bool ck_packed_valid(const ck_packed *p) {
  return p != NULL && p->data != NULL && (uintptr_t)p->data % 64 == 0 && p->layout == CK_LAYOUT &&
         p->panel_rows == CK_ROWS && valid_shape(p->format, p->n, p->k) &&
         p->bytes >= (p->n + CK_ROWS - 1) / CK_ROWS * ck_panel_bytes(p->format, p->k);
}

// ------------------------------------------------------------------------------------------------ rows in, rows out

typedef struct block_walk {
  ck_format format;
  ck_panel_layout layout;
  size_t blocks, values, bytes;  // of a row; of a block
} block_walk;

static block_walk walk_of(const ck_packed *packed) {
  const ck_format_info *info = ck_format_describe(packed->format);
  return (block_walk){packed->format, ck_panel_layout_of(packed->format), packed->k / info->values_per_block,
                      info->values_per_block, info->bytes_per_block};
}

static uint8_t *panel_of(const ck_packed *packed, size_t row) {
  return (uint8_t *)packed->data + row / CK_ROWS * ck_panel_bytes(packed->format, packed->k);
}

// Where value k of a lane lies in a panel of the formats without codes.
static size_t plain_offset(ck_format format, size_t width, size_t k, size_t lane) {
  if (ck_format_describe(format)->activation == CK_ACTIVATION_BF16) return (k / 2 * CK_ROWS + lane) * 4 + k % 2 * 2;
  return (k * CK_ROWS + lane) * width;
}

static void pack_row(const ck_packed *packed, size_t row, const uint8_t *source) {
  const block_walk w = walk_of(packed);
  const size_t lane = row % CK_ROWS;
  uint8_t *panel = panel_of(packed, row);
  if (!w.layout.integer) {
    for (size_t k = 0; k < packed->k; k++)
      memcpy(panel + plain_offset(packed->format, w.bytes, k, lane), source + k * w.bytes, w.bytes);
    return;
  }
  const size_t slab = ck_slab_bytes(w.layout.slab);
  for (size_t b = 0; b < w.blocks; b++) {
    ck_split split;
    ck_split_block(w.format, source + b * w.bytes, &split);
    const ck_block_place place = ck_place_of(w.layout, packed->k, b);
    for (size_t k = 0; k < w.values; k += 32)
      ck_lane_store_slab(w.layout.slab, panel + place.slabs + k / 32 * slab, lane, split.codes + k);
    ck_lane_store_scales(w.layout.scale, panel + place.scales, lane, &split);
  }
}

static void read_codes(const ck_packed *packed, size_t row, float *out) {
  const block_walk w = walk_of(packed);
  const size_t lane = row % CK_ROWS, slab = ck_slab_bytes(w.layout.slab);
  const uint8_t *panel = panel_of(packed, row);
  for (size_t b = 0; b < w.blocks; b++) {
    uint8_t block[256];
    ck_split split;
    const ck_block_place place = ck_place_of(w.layout, packed->k, b);
    for (size_t k = 0; k < w.values; k += 32)
      ck_lane_load_slab(w.layout.slab, panel + place.slabs + k / 32 * slab, lane, split.codes + k);
    ck_lane_load_scales(w.layout.scale, panel + place.scales, lane, &split);
    ck_join_block(w.format, &split, block);
    ck_decode(w.format, block, w.values, out + b * w.values);
  }
}

static void read_values(const ck_packed *packed, size_t row, float *out) {
  const size_t width = walk_of(packed).bytes;
  const uint8_t *panel = panel_of(packed, row);
  uint8_t run[1024];
  for (size_t k = 0, count; k < packed->k; k += count) {
    count = packed->k - k < sizeof run / width ? packed->k - k : sizeof run / width;
    for (size_t i = 0; i < count; i++)
      memcpy(run + i * width, panel + plain_offset(packed->format, width, k + i, row % CK_ROWS), width);
    ck_decode(packed->format, run, count, out + k);
  }
}

static void read_row(const ck_packed *packed, size_t row, float factor, float *out) {
  if (ck_panel_layout_of(packed->format).integer) {
    read_codes(packed, row, out);
  } else {
    read_values(packed, row, out);
  }
  if (factor != 1)
    for (size_t i = 0; i < packed->k; i++) out[i] *= factor;
}

typedef struct store_context {
  const ck_packed *packed;
  size_t first_row, rows;
  const uint8_t *source;
  size_t stride;
} store_context;

static void store_task(void *context, uint32_t index, uint32_t count) {
  const store_context *c = context;
  // Shared out by panels, so that no two threads write to one cache line.
  size_t first_panel = c->first_row / CK_ROWS, panels = (c->first_row + c->rows - 1) / CK_ROWS + 1 - first_panel;
  size_t begin, end;
  ck_share(panels, index, count, &begin, &end);
  size_t row = (first_panel + begin) * CK_ROWS, last = (first_panel + end) * CK_ROWS;
  if (row < c->first_row) row = c->first_row;
  if (last > c->first_row + c->rows) last = c->first_row + c->rows;
  for (; row < last; row++) pack_row(c->packed, row, c->source + (row - c->first_row) * c->stride);
}

ck_status ck_packed_store(ck_runtime *runtime, ck_packed *packed, size_t first_row, size_t rows, const void *source,
                          size_t source_stride) {
  if (runtime == NULL || !ck_packed_valid(packed) || first_row > packed->n || rows > packed->n - first_row)
    return CK_INVALID_ARGUMENT;
  if (rows == 0) return CK_OK;
  const block_walk w = walk_of(packed);
  if (source == NULL || (rows > 1 && source_stride < w.blocks * w.bytes)) return CK_INVALID_ARGUMENT;
  store_context context = {packed, first_row, rows, source, source_stride};
  return ck_run(runtime, store_task, &context);
}

typedef struct rows_context {
  const ck_packed *packed;
  const int32_t *ids;
  size_t count;
  float factor;
  float *out;
  size_t ldo;
} rows_context;

static void rows_task(void *context, uint32_t index, uint32_t count) {
  const rows_context *c = context;
  size_t begin, end;
  ck_share(c->count, index, count, &begin, &end);
  for (size_t i = begin; i < end; i++) read_row(c->packed, (size_t)c->ids[i], c->factor, c->out + i * c->ldo);
}

ck_status ck_packed_rows(ck_runtime *runtime, const ck_packed *packed, const int32_t *ids, size_t count, float scale,
                         float *out, size_t ldo) {
  if (runtime == NULL || !ck_packed_valid(packed)) return CK_INVALID_ARGUMENT;
  if (count == 0) return CK_OK;
  if (ids == NULL || out == NULL || (count > 1 && ldo < packed->k)) return CK_INVALID_ARGUMENT;
  for (size_t i = 0; i < count; i++)
    if (ids[i] < 0 || (size_t)ids[i] >= packed->n) return CK_INVALID_ARGUMENT;
  rows_context context = {packed, ids, count, scale, out, ldo};
  return ck_run(runtime, rows_task, &context);
}
