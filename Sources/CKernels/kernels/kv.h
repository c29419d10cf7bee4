// Where keys and values lie in a block of the KV cache. The layout is the same on every ISA, so that a saved cache
// can be read on another machine. No conversion here.
//
// A block holds CK_KV_BLOCK positions; in it each layer has a part, in that each KV head, and that is
//   keys:   CK_KV_PANELS panels of 16 positions. F32, F16: [stride][16]. BF16: [stride / 2][16][2]. Q8_0: int8
//           [stride / 4][16][4], then F16 scales [groups][16], padded to 64 bytes. Lane = position: a query's product
//           with 16 keys has no sum over lanes.
//   values: F32, F16: [64][stride]. BF16: [32][stride][2], two positions next to each other. Q8_0: int8 in
//           the same order, then F16 scales [groups][64]. Lane = dimension.
// stride is head_dim rounded up to 16; a group is 32 dimensions, the last of a head 16 or 32.
#ifndef CK_KERNELS_KV_H
#define CK_KERNELS_KV_H

#include "ckernels.h"
#include "formats/scalars.h"
#include "runtime/platform.h"

enum { CK_KV_LANES = 16, CK_KV_PANELS = CK_KV_BLOCK / CK_KV_LANES, CK_KV_GROUP = 32, CK_KV_MAX_DIM = 512 };

CK_INLINE size_t ck_kv_stride(const ck_kv_layout *layout) { return ((size_t)layout->head_dim + 15) / 16 * 16; }
CK_INLINE size_t ck_kv_groups(const ck_kv_layout *layout) { return ((size_t)layout->head_dim + 31) / 32; }
CK_INLINE size_t ck_kv_value_bytes(const ck_kv_layout *layout) {
  return layout->format == CK_FORMAT_F32 ? 4 : layout->format == CK_FORMAT_Q8_0 ? 1 : 2;
}
/// Where dimension d of the key in `lane` lies, counted in values from its panel.
CK_INLINE size_t ck_kv_key_index(const ck_kv_layout *layout, size_t lane, size_t d) {
  size_t together = layout->format == CK_FORMAT_Q8_0 ? 4 : layout->format == CK_FORMAT_BF16 ? 2 : 1;
  return d / together * together * CK_KV_LANES + lane * together + d % together;
}
/// Where dimension d of the value at `at` (< CK_KV_BLOCK) lies, counted in values from the first.
CK_INLINE size_t ck_kv_value_index(const ck_kv_layout *layout, size_t at, size_t d) {
  size_t together = layout->format == CK_FORMAT_BF16 || layout->format == CK_FORMAT_Q8_0 ? 2 : 1;
  return at / together * together * ck_kv_stride(layout) + d * together + at % together;
}
CK_INLINE bool ck_kv_scaled(const ck_kv_layout *layout) { return layout->format == CK_FORMAT_Q8_0; }

/// A value of a BF16 cache: rounded to nearest even, saturated to the largest finite one.
CK_INLINE uint16_t ck_kv_bf16(float x) {
  const float most = 0x1.fep127f;
  return ck_bf16_from_f32(x > most ? most : x < -most ? -most : x);
}

/// Bytes of the values proper in a key panel: what precedes its scales.
CK_INLINE size_t ck_kv_panel_values(const ck_kv_layout *layout) {
  return ck_kv_stride(layout) * CK_KV_LANES * ck_kv_value_bytes(layout);
}
CK_INLINE size_t ck_kv_panel_bytes(const ck_kv_layout *layout) {
  size_t scales = ck_kv_scaled(layout) ? ck_kv_groups(layout) * CK_KV_LANES * sizeof(uint16_t) : 0;
  return ck_kv_panel_values(layout) + (scales + 63) / 64 * 64;
}
/// Where a head's values start, and where their scales.
CK_INLINE size_t ck_kv_values_at(const ck_kv_layout *layout) { return CK_KV_PANELS * ck_kv_panel_bytes(layout); }
CK_INLINE size_t ck_kv_value_scales_at(const ck_kv_layout *layout) {
  return ck_kv_values_at(layout) + CK_KV_BLOCK * ck_kv_stride(layout) * ck_kv_value_bytes(layout);
}
CK_INLINE size_t ck_kv_head_bytes(const ck_kv_layout *layout) {
  size_t scales = ck_kv_scaled(layout) ? CK_KV_BLOCK * ck_kv_groups(layout) * sizeof(uint16_t) : 0;
  return ck_kv_value_scales_at(layout) + scales;
}

#endif
