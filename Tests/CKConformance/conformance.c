// What the suites share: their list, the report and test data.
#include "conformance.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

static const ck_suite suites[] = {
#define SUITE(name) {#name, ck_conform_##name},
#include "suites.def"
#undef SUITE
};

const ck_suite *ck_suite_at(size_t index) {
  return index < sizeof suites / sizeof *suites ? &suites[index] : NULL;
}

bool ck_check(ck_report *report, bool condition, const char *format, ...) {
  report->checks++;
  if (condition) return true;
  report->failures++;
  size_t room = sizeof report->message - report->message_length;
  if (room <= 2) return false;
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(report->message + report->message_length, room - 1, format, arguments);
  va_end(arguments);
  if (length < 0) return false;
  report->message_length += (size_t)length < room - 1 ? (size_t)length : room - 2;
  report->message[report->message_length++] = '\n';
  report->message[report->message_length] = 0;
  return false;
}

uint64_t ck_random_next(ck_random *random) {
  uint64_t x = random->state += 0x9E3779B97F4A7C15u;
  x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
  x = (x ^ x >> 27) * 0x94D049BB133111EBu;
  return x ^ x >> 31;
}

float ck_random_uniform(ck_random *random, float low, float high) {
  return low + (high - low) * (float)(ck_random_next(random) >> 40) * 0x1p-24f;
}

float ck_random_normal(ck_random *random) {
  double u = ((double)(ck_random_next(random) >> 11) + 1) * 0x1p-53, v = (double)(ck_random_next(random) >> 11) * 0x1p-53;
  return (float)(sqrt(-2 * log(u)) * cos(6.283185307179586 * v));
}
