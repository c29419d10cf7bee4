// One row's part of a panel: where a block's codes and scales go, and how they are read back. Scalar, since packing
// waits for the disk and row look-ups read few rows; the layouts are in kernels/panel.h.
#ifndef CK_LANES_H
#define CK_LANES_H

#include "formats/split.h"
#include "kernels/panel.h"

/// Writes 32 codes into lane `row` of a slab.
void ck_lane_store_slab(ck_slab slab, uint8_t *panel, size_t row, const uint8_t *codes);
/// Reads them back.
void ck_lane_load_slab(ck_slab slab, const uint8_t *panel, size_t row, uint8_t *codes);
/// Writes d, m, scales and minima of one block into lane `row` of the block's scales.
void ck_lane_store_scales(ck_scale scale, uint8_t *scales, size_t row, const ck_split *split);
/// Reads them back.
void ck_lane_load_scales(ck_scale scale, const uint8_t *scales, size_t row, ck_split *split);

#endif
