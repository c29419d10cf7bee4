// Checks that the cache's two operations share.
#ifndef CK_OPS_KV_H
#define CK_OPS_KV_H

#include "kernels/kv.h"
#include "ops/ops.h"

/// True if `layout` is what ck_kv_plan gives.
bool ck_kv_layout_valid(const ck_kv_layout *layout);

/// True if the sequence's rows lie in memory that (rows, width) with leading dimension ld can have, and its positions
/// lie in its blocks, of which those from position `first` on are there.
bool ck_kv_sequence_valid(const ck_kv_sequence *sequence, size_t first, size_t width, size_t ld);

/// The offset of a KV head's part of a layer in each block. False on overflow.
CK_INLINE bool ck_kv_offset(const ck_kv_layout *layout, size_t layer, size_t *offset) {
  size_t end;
  return !__builtin_mul_overflow(layer, layout->layer_bytes, offset) &&
         !__builtin_add_overflow(*offset, layout->layer_bytes, &end) && end <= PTRDIFF_MAX;
}

#endif
