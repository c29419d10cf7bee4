// Every weight format through ck_decode and ck_encode: argument checks, what each property of a codec must be whatever
// the format, and the 16-bit scalars against an oracle of ldexp. Bit-exact decoding is the golden files' matter.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "conformance.h"

#define LARGEST_BLOCK 256
#define POISON 0xA5

/// Blocks of the largest format, and values around them, poisoned.
typedef struct ck_codec_case {
  ck_format format;
  const ck_format_info *info;
  float x[LARGEST_BLOCK], y[LARGEST_BLOCK];
  uint8_t blocks[LARGEST_BLOCK * 4 + 2];
} ck_codec_case;

typedef void (*fill)(ck_random *random, float *x);

static bool keeps_special_values(const ck_format_info *info) { return info->values_per_block == 1; }

static size_t bytes_of(const ck_format_info *info, size_t values) {
  return values / info->values_per_block * info->bytes_per_block;
}

static void round_trip(ck_codec_case *c, const float *importance) {
  ck_encode(c->format, c->x, LARGEST_BLOCK, importance, c->blocks + 1);
  for (size_t i = 0; i < LARGEST_BLOCK; ++i) c->y[i] = NAN;
  ck_decode(c->format, c->blocks + 1, LARGEST_BLOCK, c->y);
}

static double squared_error(const float *x, const float *y, const float *weights) {
  double sum = 0;
  for (int i = 0; i < LARGEST_BLOCK; ++i)
    sum += (weights ? weights[i] : 1) * ((double)x[i] - y[i]) * ((double)x[i] - y[i]);
  return sum;
}

// ------------------------------------------------------------------------------------------------- arguments

static void check_arguments(ck_codec_case *c, ck_report *report) {
  const char *name = c->info->name;
  const size_t n = c->info->values_per_block;
  ck_check(report, ck_decode(c->format, NULL, n, c->y) == CK_INVALID_ARGUMENT, "%s: decode of NULL", name);
  ck_check(report, ck_decode(c->format, c->blocks, n, NULL) == CK_INVALID_ARGUMENT, "%s: decode to NULL", name);
  ck_check(report, ck_encode(c->format, NULL, n, NULL, c->blocks) == CK_INVALID_ARGUMENT, "%s: encode of NULL", name);
  ck_check(report, ck_encode(c->format, c->x, n, NULL, NULL) == CK_INVALID_ARGUMENT, "%s: encode to NULL", name);
  ck_check(report, ck_decode(c->format, NULL, 0, NULL) == CK_OK, "%s: decode of nothing", name);
  ck_check(report, ck_encode(c->format, NULL, 0, NULL, NULL) == CK_OK, "%s: encode of nothing", name);
  if (n == 1) return;
  ck_check(report, ck_decode(c->format, c->blocks, n + 1, c->y) == CK_INVALID_ARGUMENT, "%s: part of a block", name);
  ck_check(report, ck_encode(c->format, c->x, n - 1, NULL, c->blocks) == CK_INVALID_ARGUMENT, "%s: part of a block",
           name);
}

// -------------------------------------------------------------------------------------------------- properties

static void fill_normal(ck_random *random, float *x) {
  for (int i = 0; i < LARGEST_BLOCK; ++i) x[i] = 3 * ck_random_normal(random);
}

static void fill_constant(ck_random *random, float *x) {
  const float value = ck_random_uniform(random, -2, 2);
  for (int i = 0; i < LARGEST_BLOCK; ++i) x[i] = value;
}

static void fill_positive(ck_random *random, float *x) {
  for (int i = 0; i < LARGEST_BLOCK; ++i) x[i] = ck_random_uniform(random, 5, 6);
}

static void fill_outlier(ck_random *random, float *x) {
  for (int i = 0; i < LARGEST_BLOCK; ++i) x[i] = ck_random_uniform(random, -0.1f, 0.1f);
  x[ck_random_next(random) % LARGEST_BLOCK] = 50;
}

static void fill_any_bits(ck_random *random, float *x) {
  for (int i = 0; i < LARGEST_BLOCK; ++i) {
    const uint32_t bits = (uint32_t)ck_random_next(random);
    memcpy(&x[i], &bits, sizeof bits);
  }
}

static void fill_extremes(ck_random *random, float *x) {
  static const float extremes[] = {INFINITY, -INFINITY, NAN, 0, -0.0f, 3.4e38f, -3.4e38f, 1e-45f, -1e-39f, 65504, 1};
  for (int i = 0; i < LARGEST_BLOCK; ++i) x[i] = extremes[ck_random_next(random) % (sizeof extremes / sizeof(float))];
}

static void fill_tiny(ck_random *random, float *x) {
  for (int i = 0; i < LARGEST_BLOCK; ++i) x[i] = 1e-7f * ck_random_normal(random);
}

/// Whatever goes in, what comes out is finite, and nothing is written beside the blocks.
static void check_finite(ck_codec_case *c, const float *importance, ck_report *report) {
  memset(c->blocks, POISON, sizeof c->blocks);
  round_trip(c, importance);
  const size_t bytes = bytes_of(c->info, LARGEST_BLOCK);
  ck_check(report, c->blocks[0] == POISON && c->blocks[1 + bytes] == POISON, "%s: wrote outside", c->info->name);
  int wrong = 0;
  for (int i = 0; i < LARGEST_BLOCK; ++i) wrong += !isfinite(c->y[i]);
  ck_check(report, wrong == 0, "%s: %d values are not finite", c->info->name, wrong);
}

/// NaN is encoded as 0 is; zeros decode to zeros.
static void check_nan_and_zero(ck_codec_case *c, ck_random *random, ck_report *report) {
  const size_t bytes = bytes_of(c->info, LARGEST_BLOCK);
  uint8_t expected[LARGEST_BLOCK * 4];
  fill_normal(random, c->x);
  for (int i = 0; i < LARGEST_BLOCK; i += 5) c->x[i] = 0;
  ck_encode(c->format, c->x, LARGEST_BLOCK, NULL, expected);
  for (int i = 0; i < LARGEST_BLOCK; i += 5) c->x[i] = NAN;
  round_trip(c, NULL);
  ck_check(report, memcmp(expected, c->blocks + 1, bytes) == 0, "%s: NaN is not encoded as 0", c->info->name);
  memset(c->x, 0, sizeof c->x);
  round_trip(c, NULL);
  int wrong = 0;
  for (int i = 0; i < LARGEST_BLOCK; ++i) wrong += c->y[i] != 0;
  ck_check(report, wrong == 0, "%s: %d zeros came back as something else", c->info->name, wrong);
}

/// A power of two passes through: every step of a codec is a float operation that it commutes with.
static void check_powers_of_two(ck_codec_case *c, ck_random *random, ck_report *report) {
  float unscaled[LARGEST_BLOCK], decoded[LARGEST_BLOCK];
  for (int i = 0; i < LARGEST_BLOCK; ++i) unscaled[i] = c->x[i] = 40 * ck_random_normal(random);
  round_trip(c, NULL);
  memcpy(decoded, c->y, sizeof decoded);
  for (int exponent = -3; exponent <= 4; ++exponent) {
    for (int i = 0; i < LARGEST_BLOCK; ++i) c->x[i] = ldexpf(unscaled[i], exponent);
    round_trip(c, NULL);
    int wrong = 0;
    for (int i = 0; i < LARGEST_BLOCK; ++i) wrong += c->y[i] != ldexpf(decoded[i], exponent);
    ck_check(report, wrong == 0, "%s: times 2^%d changes %d values", c->info->name, exponent, wrong);
  }
}

/// Blocks know nothing of each other, and alignment does not matter.
static void check_independence(ck_codec_case *c, ck_random *random, ck_report *report) {
  const size_t n = c->info->values_per_block, bytes = c->info->bytes_per_block;
  fill_normal(random, c->x);
  round_trip(c, NULL);
  for (size_t block = 0; block < LARGEST_BLOCK / n; ++block) {
    uint8_t alone[LARGEST_BLOCK * 4];
    float values[LARGEST_BLOCK];
    ck_encode(c->format, c->x + block * n, n, NULL, alone);
    ck_decode(c->format, alone, n, values);
    ck_check(report, memcmp(alone, c->blocks + 1 + block * bytes, bytes) == 0,
             "%s: block %zu alone is encoded otherwise", c->info->name, block);
    ck_check(report, memcmp(values, c->y + block * n, n * sizeof(float)) == 0, "%s: block %zu alone decodes otherwise",
             c->info->name, block);
  }
}

/// What a format can represent survives: encoding it again loses no more than the first time did.
static void check_second_trip(ck_codec_case *c, ck_random *random, ck_report *report) {
  fill_normal(random, c->x);
  round_trip(c, NULL);
  const double first = squared_error(c->x, c->y, NULL);
  memcpy(c->x, c->y, sizeof c->x);
  round_trip(c, NULL);
  const double second = squared_error(c->x, c->y, NULL);
  ck_check(report, second <= first, "%s: error %g, and %g for what was decoded", c->info->name, first, second);
}

/// Weighing the errors lowers the weighed error, over many blocks.
static void check_importance(ck_codec_case *c, ck_random *random, size_t rounds, ck_report *report) {
  double plain = 0, weighted = 0;
  for (size_t i = 0; i < rounds; ++i) {
    float importance[LARGEST_BLOCK];
    fill_normal(random, c->x);
    for (int k = 0; k < LARGEST_BLOCK; ++k) importance[k] = expf(2 * ck_random_normal(random));
    round_trip(c, NULL);
    plain += squared_error(c->x, c->y, importance);
    round_trip(c, importance);
    weighted += squared_error(c->x, c->y, importance);
  }
  const bool lower = keeps_special_values(c->info) ? weighted == plain : weighted < plain;
  ck_check(report, lower, "%s: weighted error %g without, %g with importance", c->info->name, plain, weighted);
}

// ------------------------------------------------------------------------------------------------ nearest codes

/// Which bytes of a block hold codes: over several blocks and every bit, those that move at most eight values. The
/// others hold scales.
static void find_code_bytes(ck_codec_case *c, ck_random *random, bool *holds_codes) {
  const size_t n = c->info->values_per_block;
  bool moved[LARGEST_BLOCK * 4][LARGEST_BLOCK] = {{false}};
  for (int round = 0; round < 8; ++round) {
    fill_normal(random, c->x);
    round_trip(c, NULL);
    for (size_t bit = 0; bit < 8 * c->info->bytes_per_block; ++bit) {
      float other[LARGEST_BLOCK];
      c->blocks[1 + bit / 8] ^= (uint8_t)(1 << bit % 8);
      ck_decode(c->format, c->blocks + 1, n, other);
      c->blocks[1 + bit / 8] ^= (uint8_t)(1 << bit % 8);
      for (size_t i = 0; i < n; ++i) moved[bit / 8][i] |= other[i] != c->y[i];
    }
  }
  for (size_t byte = 0; byte < c->info->bytes_per_block; ++byte) {
    size_t count = 0;
    for (size_t i = 0; i < n; ++i) count += moved[byte][i];
    holds_codes[byte] = count <= 8;
  }
}

/// With the block's scales as they are, no other code is nearer to a value than the one chosen. Tolerance: plain rules
/// choose codes before the scale, and the minimum, are rounded to halves, each by at most 2^-11 of itself.
static void check_nearest_codes(ck_codec_case *c, const bool *holds_codes, ck_report *report) {
  const size_t n = c->info->values_per_block;
  round_trip(c, NULL);
  float largest = 0;
  for (size_t i = 0; i < n; ++i) largest = fmaxf(largest, fabsf(c->x[i]));
  const double tolerance = 6 * ldexp(largest, -11);
  size_t tried = 0, wrong = 0;
  for (size_t byte = 0; byte < c->info->bytes_per_block; ++byte) {
    uint8_t changed[LARGEST_BLOCK * 4];
    memcpy(changed, c->blocks + 1, c->info->bytes_per_block);
    for (int step = 1; holds_codes[byte] && step < 256; ++step) {
      float other[LARGEST_BLOCK];
      changed[byte] = (uint8_t)(c->blocks[1 + byte] + step);
      ck_decode(c->format, changed, n, other);
      for (size_t i = 0; i < n; ++i) {
        tried += other[i] != c->y[i];
        wrong += fabs((double)c->x[i] - other[i]) + tolerance < fabs((double)c->x[i] - c->y[i]);
      }
    }
  }
  ck_check(report, tried >= n, "%s: only %zu other codes found", c->info->name, tried);
  ck_check(report, wrong == 0, "%s: %zu of %zu other codes are nearer", c->info->name, wrong, tried);
}

// ------------------------------------------------------------------------------------------------------ scalars

/// The value of a float of `exponent_bits` and `mantissa_bits`, from its definition.
static double small_float(uint32_t bits, int exponent_bits, int mantissa_bits) {
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const int exponent = (int)(bits >> mantissa_bits) & ((1 << exponent_bits) - 1);
  const double mantissa = bits & ((1u << mantissa_bits) - 1);
  const double sign = bits >> (exponent_bits + mantissa_bits) ? -1 : 1;
  if (exponent == (1 << exponent_bits) - 1) return mantissa != 0 ? NAN : sign * INFINITY;
  const double whole = exponent ? mantissa + (double)(1u << mantissa_bits) : mantissa;
  return sign * ldexp(whole, (exponent ? exponent : 1) - bias - mantissa_bits);
}

static bool same(double a, double b) { return isnan(a) ? isnan(b) : a == b && signbit(a) == signbit(b); }

/// All 65,536 values of a 16-bit format, and for each the float32s around the middle between it and the next.
static void check_half(ck_format format, int exponent_bits, int mantissa_bits, ck_report *report) {
  const char *name = ck_format_describe(format)->name;
  size_t decoded = 0, kept = 0, rounded = 0;
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const uint16_t half = (uint16_t)bits;
    const double value = small_float(bits, exponent_bits, mantissa_bits);
    float got = 1;
    uint16_t back = 0;
    ck_decode(format, &half, 1, &got);
    decoded += !same(got, value);
    ck_encode(format, &got, 1, NULL, &back);
    kept += isnan(value) ? !isnan(small_float(back, exponent_bits, mantissa_bits)) : back != half;
    if (!isfinite(value) || bits == 0x7fff || bits == 0xffff) continue;
    // The next in magnitude; after the largest, the power of two that would follow it stands for infinity.
    const double next_value = small_float(bits + 1, exponent_bits, mantissa_bits);
    const double step =
        isinf(next_value) ? value - small_float(bits - 1, exponent_bits, mantissa_bits) : next_value - value;
    const float middle = (float)(value + step / 2);
    const float around[3] = {nextafterf(middle, (float)value), middle, nextafterf(middle, copysignf(INFINITY, middle))};
    const uint16_t expected[3] = {half, (uint16_t)(bits + (bits & 1)), (uint16_t)(bits + 1)};
    for (int i = 0; i < 3; ++i) {
      ck_encode(format, &around[i], 1, NULL, &back);
      rounded += back != expected[i];
    }
  }
  ck_check(report, decoded == 0, "%s: %zu of 65,536 decode wrong", name, decoded);
  ck_check(report, kept == 0, "%s: %zu of 65,536 do not come back", name, kept);
  ck_check(report, rounded == 0, "%s: %zu roundings are not to the nearest, ties to even", name, rounded);
}

// -------------------------------------------------------------------------------------------------------- suite

static void check_format(ck_format format, ck_effort effort, ck_report *report) {
  ck_codec_case c = {.format = format, .info = ck_format_describe(format)};
  ck_random random = {.state = 51 + (uint64_t)format};
  const size_t rounds = effort == CK_EFFORT_QUICK ? 4 : effort == CK_EFFORT_TEST ? 40 : 1000;
  check_arguments(&c, report);
  check_independence(&c, &random, report);
  check_powers_of_two(&c, &random, report);
  check_importance(&c, &random, rounds, report);
  for (size_t i = 0; i < rounds; ++i) check_second_trip(&c, &random, report);
  if (keeps_special_values(c.info)) return;
  check_nan_and_zero(&c, &random, report);
  bool holds_codes[LARGEST_BLOCK * 4];
  find_code_bytes(&c, &random, holds_codes);
  // The first three have more than one value and scales that are normal halves: there the tolerance of codes holds.
  const fill fills[] = {fill_normal, fill_positive, fill_outlier, fill_constant,
                        fill_tiny,   fill_extremes, fill_any_bits};
  enum { FILLS = sizeof fills / sizeof *fills };
  for (size_t i = 0; i < FILLS; ++i) {
    for (size_t k = 0; k < rounds; ++k) {
      float importance[LARGEST_BLOCK];
      fills[i](&random, c.x);
      fills[ck_random_next(&random) % FILLS](&random, importance);
      check_finite(&c, k % 2 ? importance : NULL, report);
    }
    if (i > 2) continue;
    fills[i](&random, c.x);
    check_nearest_codes(&c, holds_codes, report);
  }
}

void ck_conform_formats(ck_runtime *runtime, ck_effort effort, ck_report *report) {
  if (ck_runtime_isa(runtime) != CK_ISA_SCALAR) {  // codecs are the same for all: one run is enough
    ck_check(report, ck_format_describe(CK_FORMAT_COUNT) == NULL, "a format past the end of the list");
    return;
  }
  float value = 0;
  ck_check(report, ck_decode(CK_FORMAT_COUNT, &value, 1, &value) == CK_INVALID_ARGUMENT, "decode of an unknown format");
  ck_check(report, ck_encode((ck_format)-1, &value, 1, NULL, &value) == CK_INVALID_ARGUMENT,
           "encode to an unknown one");
  check_half(CK_FORMAT_F16, 5, 10, report);
  check_half(CK_FORMAT_BF16, 8, 7, report);
  for (int format = 0; format < CK_FORMAT_COUNT; ++format) check_format((ck_format)format, effort, report);
}
