// Blocks of a file taken apart into codes and scales, and put together again. The panel packer's view of a format.
// Values are not decoded here: that is ck_decode's.
#ifndef CK_SPLIT_H
#define CK_SPLIT_H

#include "ckernels.h"

/// One block. Codes are unsigned bit patterns in the order of k; what they mean is the format's map.
typedef struct ck_split {
  uint8_t codes[256];
  uint16_t d, m;       // float16 bits: scale, and minimum or scale of minima; d is the exponent of MXFP4
  uint8_t scales[16];  // of the groups of a 256-block: bit patterns
  uint8_t minima[16];
} ck_split;

/// Takes one block of an integer format apart. No alignment is asked of `block`.
void ck_split_block(ck_format format, const uint8_t *block, ck_split *split);
/// The inverse: the very bytes that ck_split_block read.
void ck_join_block(ck_format format, const ck_split *split, uint8_t *block);

#endif
