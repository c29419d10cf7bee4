// One row's part of a panel, written and read. Knows layouts, and no format.
#include "kernels/lanes.h"

#include <string.h>

// Fields of `bits` bits: vector v of `vectors` holds step v + vectors * f in its field f.
static void put(uint8_t *vectors, size_t count, int bits, int shift, size_t row, const uint8_t *codes) {
  const uint8_t mask = (uint8_t)((1 << bits) - 1);
  for (size_t v = 0; v < count; v++)
    for (size_t t = 0; t < 4; t++) {
      unsigned byte = 0;
      for (size_t f = 0; f < 8 / (size_t)bits; f++)
        byte |= (unsigned)(codes[(v + count * f) * 4 + t] >> shift & mask) << (f * (size_t)bits);
      vectors[v * CK_STEP + row * 4 + t] = (uint8_t)byte;
    }
}

static void get(const uint8_t *vectors, size_t count, int bits, int shift, size_t row, uint8_t *codes) {
  const uint8_t mask = (uint8_t)((1 << bits) - 1);
  for (size_t v = 0; v < count; v++)
    for (size_t t = 0; t < 4; t++)
      for (size_t f = 0; f < 8 / (size_t)bits; f++)
        codes[(v + count * f) * 4 + t] |=
            (uint8_t)((vectors[v * CK_STEP + row * 4 + t] >> (f * (size_t)bits) & mask) << shift);
}

// Bits a slab keeps together, and the few more that follow.
typedef struct parts {
  size_t vectors, more_vectors;
  int bits, more_bits;
} parts;
static parts parts_of(ck_slab slab) {
  static const parts all[] = {[CK_S8] = {8, 0, 8, 0},   [CK_S4] = {4, 0, 4, 0}, [CK_S4_1] = {4, 1, 4, 1},
                              [CK_S4_2] = {4, 2, 4, 2}, [CK_S2] = {2, 0, 2, 0}, [CK_S2_1] = {2, 1, 2, 1}};
  return all[slab];
}

void ck_lane_store_slab(ck_slab slab, uint8_t *panel, size_t row, const uint8_t *codes) {
  parts p = parts_of(slab);
  put(panel, p.vectors, p.bits, 0, row, codes);
  if (p.more_bits) put(panel + p.vectors * CK_STEP, p.more_vectors, p.more_bits, p.bits, row, codes);
}

void ck_lane_load_slab(ck_slab slab, const uint8_t *panel, size_t row, uint8_t *codes) {
  parts p = parts_of(slab);
  memset(codes, 0, 32);
  get(panel, p.vectors, p.bits, 0, row, codes);
  if (p.more_bits) get(panel + p.vectors * CK_STEP, p.more_vectors, p.more_bits, p.bits, row, codes);
}

// 6-bit scales: `count` low nibbles two to a byte, then the high pairs four to a byte.
static void store_u6(uint8_t *p, size_t row, size_t count, const uint8_t *scales) {
  for (size_t j = 0; j < count / 2; j++)
    p[j * CK_ROWS + row] = (uint8_t)((scales[j] & 15) | (scales[j + count / 2] & 15) << 4);
  p += count / 2 * CK_ROWS;
  for (size_t i = 0; i < count / 4; i++) {
    unsigned byte = 0;
    for (size_t f = 0; f < 4; f++) byte |= (unsigned)(scales[i + count / 4 * f] >> 4 & 3) << (2 * f);
    p[i * CK_ROWS + row] = (uint8_t)byte;
  }
}

static void load_u6(const uint8_t *p, size_t row, size_t count, uint8_t *scales) {
  const uint8_t *high = p + count / 2 * CK_ROWS;
  for (size_t j = 0; j < count; j++) {
    size_t low = j % (count / 2), part = j / (count / 2), i = j % (count / 4), f = j / (count / 4);
    scales[j] = (uint8_t)((p[low * CK_ROWS + row] >> (4 * part) & 15) | (high[i * CK_ROWS + row] >> (2 * f) & 3) << 4);
  }
}

static void store_u6_min(uint8_t *p, size_t row, const ck_split *s) {
  for (size_t j = 0; j < 8; j++) p[j * CK_ROWS + row] = (uint8_t)((s->scales[j] & 15) | (s->minima[j] & 15) << 4);
  p += 8 * CK_ROWS;
  for (size_t j = 0; j < 4; j++)
    p[j * CK_ROWS + row] = (uint8_t)(s->scales[2 * j] >> 4 | s->minima[2 * j] >> 4 << 2 |
                                     s->scales[2 * j + 1] >> 4 << 4 | s->minima[2 * j + 1] >> 4 << 6);
}

static void load_u6_min(const uint8_t *p, size_t row, ck_split *s) {
  for (size_t j = 0; j < 8; j++) {
    uint8_t low = p[j * CK_ROWS + row], high = (uint8_t)(p[(8 + j / 2) * CK_ROWS + row] >> j % 2 * 4);
    s->scales[j] = (uint8_t)((low & 15) | (high & 3) << 4);
    s->minima[j] = (uint8_t)(low >> 4 | (high >> 2 & 3) << 4);
  }
}

enum { HALVES = CK_ROWS * 2 };  // bytes of a float16 for each row

void ck_lane_store_scales(ck_scale scale, uint8_t *p, size_t row, const ck_split *s) {
  if (scale == CK_SCALE_E8) {
    p[row] = (uint8_t)s->d;
    return;
  }
  memcpy(p + row * 2, &s->d, 2);
  p += HALVES;
  if (ck_scale_has_min(scale)) {
    memcpy(p + row * 2, &s->m, 2);
    p += HALVES;
  }
  switch (scale) {
    case CK_SCALE_I8_16:
      for (size_t j = 0; j < 16; j++) p[j * CK_ROWS + row] = s->scales[j];
      break;
    case CK_SCALE_U4_MIN_16:
      for (size_t j = 0; j < 16; j++) p[j * CK_ROWS + row] = (uint8_t)(s->scales[j] | s->minima[j] << 4);
      break;
    case CK_SCALE_U6_16: store_u6(p, row, 16, s->scales); break;
    case CK_SCALE_U6_32: store_u6(p, row, 8, s->scales); break;
    case CK_SCALE_U6_MIN_32: store_u6_min(p, row, s); break;
    default: break;
  }
}

void ck_lane_load_scales(ck_scale scale, const uint8_t *p, size_t row, ck_split *s) {
  if (scale == CK_SCALE_E8) {
    s->d = p[row];
    return;
  }
  memcpy(&s->d, p + row * 2, 2);
  p += HALVES;
  if (ck_scale_has_min(scale)) {
    memcpy(&s->m, p + row * 2, 2);
    p += HALVES;
  }
  switch (scale) {
    case CK_SCALE_I8_16:
      for (size_t j = 0; j < 16; j++) s->scales[j] = p[j * CK_ROWS + row];
      break;
    case CK_SCALE_U4_MIN_16:
      for (size_t j = 0; j < 16; j++) {
        s->scales[j] = p[j * CK_ROWS + row] & 15;
        s->minima[j] = p[j * CK_ROWS + row] >> 4;
      }
      break;
    case CK_SCALE_U6_16: load_u6(p, row, 16, s->scales); break;
    case CK_SCALE_U6_32: load_u6(p, row, 8, s->scales); break;
    case CK_SCALE_U6_MIN_32: load_u6_min(p, row, s); break;
    default: break;
  }
}
