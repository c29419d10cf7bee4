// Rows of x to records: plain loops that the compiler vectorises, compiled once an ISA. Every ISA rounds alike: the
// products are not contracted, and rounding is the addition of 1.5 * 2^23, which is to nearest even everywhere.
// Needs string.h, math.h, formats/scalars.h and kernels/panel.h, included before the target region.

/// The largest |x| as bits, which order as the values do; above those of infinity if there is a NaN.
CK_INLINE uint32_t CK_NAME(largest_bits)(const float *x, size_t n) {
  uint32_t largest = 0;
  for (size_t i = 0; i < n; i++) {
    uint32_t bits;
    memcpy(&bits, x + i, sizeof bits);
    bits &= 0x7fffffffu;
    largest = bits > largest ? bits : largest;
  }
  return largest;
}

// Below 2^-100 a row counts as zero: its scale's reciprocal would overflow.
#define CK_TINY_BITS ((127u - 100u) << 23)
#define CK_INFINITE_BITS 0x7f800000u

/// q[i] = x[i] * factor, rounded; returns their sum. |x * factor| is at most 127.01.
CK_INLINE int32_t CK_NAME(round_values)(const float *restrict x, float factor, size_t n, int8_t *restrict q) {
  CK_NO_CONTRACTION
  int32_t sum = 0;
  for (size_t i = 0; i < n; i++) {
    float shifted = x[i] * factor + 12582912.0f;
    int32_t bits;
    memcpy(&bits, &shifted, sizeof bits);
    bits -= 0x4b400000;
    q[i] = (int8_t)bits;
    sum += bits;
  }
  return sum;
}

static float CK_NAME(record_q8_32)(const float *x, size_t k, void *records, size_t stride) {
  CK_NO_CONTRACTION
  const uint32_t row = CK_NAME(largest_bits)(x, k);
  const bool usable = row >= CK_TINY_BITS && row < CK_INFINITE_BITS;
  const float largest = ck_f32_from_bits(row);
  for (size_t b = 0; b < k / 32; b++) {
    ck_q8_32 *record = (ck_q8_32 *)((char *)records + b * stride);
    if (!usable) {
      *record = (ck_q8_32){.multiple = 1};
      continue;
    }
    // The smallest multiple that holds the block's largest value. The quotient is at most 1, so that the multiple is at
    // most CK_MULTIPLES; a rounding of the quotient can cost q its last hundredth, which is why |q| may be 127.07.
    const float share = ck_f32_from_bits(CK_NAME(largest_bits)(x + b * 32, 32)) / largest * (float)CK_MULTIPLES;
    int32_t multiple = (int32_t)share;
    multiple += (float)multiple < share;
    multiple = multiple < 1 ? 1 : multiple;
    const float factor = 127.0f * (float)CK_MULTIPLES / ((float)multiple * largest);
    int32_t sum = CK_NAME(round_values)(x + b * 32, factor, 32, record->q);
    record->multiple = multiple;
    record->bias = -128 * sum;
    record->sum = (float)(sum * multiple);
  }
  if (row >= CK_INFINITE_BITS) return NAN;
  return usable ? largest / (127.0f * (float)CK_MULTIPLES) : 0.0f;
}

/// How often `top` can be halved, CK_SHIFTS times at most, and still hold `largest`; both positive and finite.
CK_INLINE int32_t CK_NAME(halvings)(float top, float largest) {
  int32_t count = 0;
  for (int i = 0; i < CK_SHIFTS; i++) {
    top *= 0.5f;
    count += top >= largest;
  }
  return count;
}

static float CK_NAME(record_q8_256)(const float *x, size_t k, void *records, size_t stride) {
  CK_NO_CONTRACTION
  for (size_t b = 0; b < k / 256; b++) {
    ck_q8_256 *record = (ck_q8_256 *)((char *)records + b * stride);
    float groups[8];
    uint32_t bits = 0;
    for (size_t j = 0; j < 8; j++) {
      const uint32_t group = CK_NAME(largest_bits)(x + b * 256 + j * 32, 32);
      groups[j] = ck_f32_from_bits(group);
      bits = group > bits ? group : bits;
    }
    if (bits < CK_TINY_BITS || bits >= CK_INFINITE_BITS) {
      memset(record, 0, sizeof *record);
      record->scale = bits < CK_TINY_BITS ? 0.0f : NAN;
      continue;
    }
    const float largest = ck_f32_from_bits(bits);
    record->scale = largest / (127.0f * (float)(1 << CK_SHIFTS));
    for (size_t j = 0; j < 8; j++) {
      const int32_t shift = CK_SHIFTS - CK_NAME(halvings)(largest, groups[j]);
      const float factor = 127.0f / largest * (float)(1 << (CK_SHIFTS - shift));
      int32_t sum = 0;
      for (size_t i = 2 * j; i < 2 * j + 2; i++) {
        const int32_t part = CK_NAME(round_values)(x + b * 256 + i * 16, factor, 16, record->q + i * 16);
        record->sum16[i] = (int16_t)(part * (1 << shift));
        record->bias16[i] = -128 * part;
        sum += part;
      }
      record->sum32[j] = (int16_t)(sum * (1 << shift));
      record->bias32[j] = -128 * sum;
      record->shift[j] = shift;
    }
  }
  return 1.0f;
}

static float CK_NAME(record_f32)(const float *x, size_t k, void *records, size_t stride) {
  for (size_t b = 0; b * 16 < k; b++) {
    ck_f32_16 *record = (ck_f32_16 *)((char *)records + b * stride);
    size_t count = k - b * 16 < 16 ? k - b * 16 : 16;
    *record = (ck_f32_16){{0}};
    memcpy(record->x, x + b * 16, count * sizeof *x);
  }
  return 1.0f;
}

static float CK_NAME(record_bf16)(const float *x, size_t k, void *records, size_t stride) {
  for (size_t b = 0; b * 32 < k; b++) {
    ck_bf16_32 *record = (ck_bf16_32 *)((char *)records + b * stride);
    size_t count = k - b * 32 < 32 ? k - b * 32 : 32;
    if (count < 32) *record = (ck_bf16_32){{0}};
    for (size_t i = 0; i < count; i++) record->x[i] = ck_bf16_from_f32(x[b * 32 + i]);
  }
  return 1.0f;
}

/// bfloat16 values as float32: for ISAs without bfloat16 products.
static float CK_NAME(record_bf16_wide)(const float *x, size_t k, void *records, size_t stride) {
  for (size_t b = 0; b * 16 < k; b++) {
    ck_f32_16 *record = (ck_f32_16 *)((char *)records + b * stride);
    size_t count = k - b * 16 < 16 ? k - b * 16 : 16;
    if (count < 16) *record = (ck_f32_16){{0}};
    for (size_t i = 0; i < count; i++) record->x[i] = ck_f32_from_bf16(ck_bf16_from_f32(x[b * 16 + i]));
  }
  return 1.0f;
}
