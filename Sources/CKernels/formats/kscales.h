// The twelve bytes in which Q4_K and Q5_K keep eight scales and eight minimums of six bits.
#ifndef CK_FORMATS_KSCALES_H
#define CK_FORMATS_KSCALES_H

#include <stdint.h>

/// Bytes 0 to 3 hold scales 0 to 3, bytes 4 to 7 minimums 0 to 3, in their lower six bits. Bytes 8 to 11 hold the lower
/// nibbles of scales (low) and minimums (high) 4 to 7, whose upper two bits are at the top of bytes 0 to 3 and 4 to 7.
static inline void ck_scales_k(const uint8_t packed[12], uint8_t scales[8], uint8_t mins[8]) {
  for (int i = 0; i < 4; ++i) {
    scales[i] = packed[i] & 63;
    mins[i] = packed[i + 4] & 63;
    scales[i + 4] = (uint8_t)((packed[i + 8] & 15) | packed[i] >> 6 << 4);
    mins[i + 4] = (uint8_t)(packed[i + 8] >> 4 | packed[i + 4] >> 6 << 4);
  }
}

/// The inverse of ck_scales_k.
static inline void ck_pack_scales_k(const uint8_t scales[8], const uint8_t mins[8], uint8_t packed[12]) {
  for (int i = 0; i < 4; ++i) {
    packed[i] = (uint8_t)(scales[i] | scales[i + 4] >> 4 << 6);
    packed[i + 4] = (uint8_t)(mins[i] | mins[i + 4] >> 4 << 6);
    packed[i + 8] = (uint8_t)((scales[i + 4] & 15) | (mins[i + 4] & 15) << 4);
  }
}

#endif
