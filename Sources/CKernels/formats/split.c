// Takes blocks of each integer format apart and puts them together. Byte offsets are those of the GGUF specification.
#include "formats/split.h"

#include <string.h>

static uint16_t load16(const uint8_t *p) { return (uint16_t)(p[0] | p[1] << 8); }
static void store16(uint8_t *p, uint16_t x) {
  p[0] = (uint8_t)x;
  p[1] = (uint8_t)(x >> 8);
}

// `count` codes of `bits` bits lie `width` = 8 / bits parts to a byte: byte i of a run of `run` bytes holds codes
// i, run + i, 2 * run + i ... from its low bits up. Every GGUF format of 4, 2 and 1 bits is such a run, repeated.
static void spread(const uint8_t *bytes, size_t run, int bits, size_t count, int shift, uint8_t *codes) {
  const uint8_t mask = (uint8_t)((1 << bits) - 1);
  const size_t parts = 8 / (size_t)bits;
  for (size_t i = 0; i < count; i++) {
    size_t byte = i / (run * parts) * run + i % run, part = i / run % parts;
    codes[i] |= (uint8_t)((bytes[byte] >> (part * (size_t)bits) & mask) << shift);
  }
}

static void gather(uint8_t *bytes, size_t run, int bits, size_t count, int shift, const uint8_t *codes) {
  const uint8_t mask = (uint8_t)((1 << bits) - 1);
  const size_t parts = 8 / (size_t)bits;
  for (size_t i = 0; i < count; i++) {
    size_t byte = i / (run * parts) * run + i % run, part = i / run % parts;
    bytes[byte] |= (uint8_t)((codes[i] >> shift & mask) << (part * (size_t)bits));
  }
}

// Q5_0 and Q5_1 keep bit i of a little-endian 32-bit word for code i.
static void spread_word(const uint8_t *word, uint8_t *codes) {
  for (int i = 0; i < 32; i++) codes[i] |= (uint8_t)((word[i / 8] >> i % 8 & 1) << 4);
}
static void gather_word(uint8_t *word, const uint8_t *codes) {
  for (int i = 0; i < 32; i++) word[i / 8] |= (uint8_t)((codes[i] >> 4 & 1) << i % 8);
}

// Eight 6-bit scales and eight 6-bit minima in 12 bytes.
static void spread_k4(const uint8_t *p, ck_split *s) {
  for (int j = 0; j < 4; j++) {
    s->scales[j] = p[j] & 63;
    s->minima[j] = p[j + 4] & 63;
    s->scales[j + 4] = (uint8_t)((p[j + 8] & 15) | p[j] >> 6 << 4);
    s->minima[j + 4] = (uint8_t)(p[j + 8] >> 4 | p[j + 4] >> 6 << 4);
  }
}
static void gather_k4(uint8_t *p, const ck_split *s) {
  for (int j = 0; j < 4; j++) {
    p[j] = (uint8_t)(s->scales[j] | s->scales[j + 4] >> 4 << 6);
    p[j + 4] = (uint8_t)(s->minima[j] | s->minima[j + 4] >> 4 << 6);
    p[j + 8] = (uint8_t)((s->scales[j + 4] & 15) | (s->minima[j + 4] & 15) << 4);
  }
}

// Sixteen 6-bit scales in 12 bytes: low nibbles in 8, the high pairs in 4.
static void spread_k3(const uint8_t *p, ck_split *s) {
  for (int j = 0; j < 16; j++)
    s->scales[j] = (uint8_t)((p[j % 8] >> j / 8 * 4 & 15) | (p[8 + j % 4] >> j / 4 * 2 & 3) << 4);
}
static void gather_k3(uint8_t *p, const ck_split *s) {
  for (int j = 0; j < 16; j++) {
    p[j % 8] |= (uint8_t)((s->scales[j] & 15) << j / 8 * 4);
    p[8 + j % 4] |= (uint8_t)(s->scales[j] >> 4 << j / 4 * 2);
  }
}

// Eight 6-bit scales: pairs of high bits in a 16-bit word, low nibbles in 4 bytes.
static void spread_xs(const uint8_t *p, ck_split *s) {
  for (int j = 0; j < 8; j++)
    s->scales[j] = (uint8_t)((p[2 + j / 2] >> j % 2 * 4 & 15) | (load16(p) >> j * 2 & 3) << 4);
}
static void gather_xs(uint8_t *p, const ck_split *s) {
  uint16_t high = 0;
  for (int j = 0; j < 8; j++) {
    p[2 + j / 2] |= (uint8_t)((s->scales[j] & 15) << j % 2 * 4);
    high = (uint16_t)(high | s->scales[j] >> 4 << j * 2);
  }
  store16(p, high);
}

void ck_split_block(ck_format format, const uint8_t *b, ck_split *s) {
  memset(s, 0, sizeof *s);
  switch (format) {
    case CK_FORMAT_Q8_0: s->d = load16(b); memcpy(s->codes, b + 2, 32); break;
    case CK_FORMAT_Q4_0:
    case CK_FORMAT_IQ4_NL: s->d = load16(b); spread(b + 2, 16, 4, 32, 0, s->codes); break;
    case CK_FORMAT_Q4_1:
      s->d = load16(b), s->m = load16(b + 2);
      spread(b + 4, 16, 4, 32, 0, s->codes);
      break;
    case CK_FORMAT_Q5_0:
      s->d = load16(b);
      spread(b + 6, 16, 4, 32, 0, s->codes);
      spread_word(b + 2, s->codes);
      break;
    case CK_FORMAT_Q5_1:
      s->d = load16(b), s->m = load16(b + 2);
      spread(b + 8, 16, 4, 32, 0, s->codes);
      spread_word(b + 4, s->codes);
      break;
    case CK_FORMAT_MXFP4: s->d = b[0]; spread(b + 1, 16, 4, 32, 0, s->codes); break;
    case CK_FORMAT_Q2_K:
      for (int j = 0; j < 16; j++) s->scales[j] = b[j] & 15, s->minima[j] = b[j] >> 4;
      spread(b + 16, 32, 2, 256, 0, s->codes);
      s->d = load16(b + 80), s->m = load16(b + 82);
      break;
    case CK_FORMAT_Q3_K:
      spread(b + 32, 32, 2, 256, 0, s->codes);
      spread(b, 32, 1, 256, 2, s->codes);
      spread_k3(b + 96, s);
      s->d = load16(b + 108);
      break;
    case CK_FORMAT_Q4_K:
      s->d = load16(b), s->m = load16(b + 2);
      spread_k4(b + 4, s);
      spread(b + 16, 32, 4, 256, 0, s->codes);
      break;
    case CK_FORMAT_Q5_K:
      s->d = load16(b), s->m = load16(b + 2);
      spread_k4(b + 4, s);
      spread(b + 48, 32, 4, 256, 0, s->codes);
      spread(b + 16, 32, 1, 256, 4, s->codes);
      break;
    case CK_FORMAT_Q6_K:
      spread(b, 64, 4, 256, 0, s->codes);
      spread(b + 128, 32, 2, 256, 4, s->codes);
      memcpy(s->scales, b + 192, 16);
      s->d = load16(b + 208);
      break;
    case CK_FORMAT_IQ4_XS:
      s->d = load16(b);
      spread_xs(b + 2, s);
      for (size_t j = 0; j < 8; j++) spread(b + 8 + 16 * j, 16, 4, 32, 0, s->codes + 32 * j);
      break;
    default: break;  // not an integer format: the packer does not ask
  }
}

void ck_join_block(ck_format format, const ck_split *s, uint8_t *b) {
  memset(b, 0, ck_format_describe(format)->bytes_per_block);
  switch (format) {
    case CK_FORMAT_Q8_0: store16(b, s->d); memcpy(b + 2, s->codes, 32); break;
    case CK_FORMAT_Q4_0:
    case CK_FORMAT_IQ4_NL: store16(b, s->d); gather(b + 2, 16, 4, 32, 0, s->codes); break;
    case CK_FORMAT_Q4_1:
      store16(b, s->d), store16(b + 2, s->m);
      gather(b + 4, 16, 4, 32, 0, s->codes);
      break;
    case CK_FORMAT_Q5_0:
      store16(b, s->d);
      gather(b + 6, 16, 4, 32, 0, s->codes);
      gather_word(b + 2, s->codes);
      break;
    case CK_FORMAT_Q5_1:
      store16(b, s->d), store16(b + 2, s->m);
      gather(b + 8, 16, 4, 32, 0, s->codes);
      gather_word(b + 4, s->codes);
      break;
    case CK_FORMAT_MXFP4: b[0] = (uint8_t)s->d; gather(b + 1, 16, 4, 32, 0, s->codes); break;
    case CK_FORMAT_Q2_K:
      for (int j = 0; j < 16; j++) b[j] = (uint8_t)(s->scales[j] | s->minima[j] << 4);
      gather(b + 16, 32, 2, 256, 0, s->codes);
      store16(b + 80, s->d), store16(b + 82, s->m);
      break;
    case CK_FORMAT_Q3_K:
      gather(b + 32, 32, 2, 256, 0, s->codes);
      gather(b, 32, 1, 256, 2, s->codes);
      gather_k3(b + 96, s);
      store16(b + 108, s->d);
      break;
    case CK_FORMAT_Q4_K:
      store16(b, s->d), store16(b + 2, s->m);
      gather_k4(b + 4, s);
      gather(b + 16, 32, 4, 256, 0, s->codes);
      break;
    case CK_FORMAT_Q5_K:
      store16(b, s->d), store16(b + 2, s->m);
      gather_k4(b + 4, s);
      gather(b + 48, 32, 4, 256, 0, s->codes);
      gather(b + 16, 32, 1, 256, 4, s->codes);
      break;
    case CK_FORMAT_Q6_K:
      gather(b, 64, 4, 256, 0, s->codes);
      gather(b + 128, 32, 2, 256, 4, s->codes);
      memcpy(b + 192, s->scales, 16);
      store16(b + 208, s->d);
      break;
    case CK_FORMAT_IQ4_XS:
      store16(b, s->d);
      gather_xs(b + 2, s);
      for (size_t j = 0; j < 8; j++) gather(b + 8 + 16 * j, 16, 4, 32, 0, s->codes + 32 * j);
      break;
    default: break;
  }
}
