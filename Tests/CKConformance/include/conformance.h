// Conformance of the kernels: each suite checks one kind of operation of a runtime against an oracle in double
// precision. Called by the Swift tests, and by a program of its own where there is no Swift (other architectures,
// sanitizers). Suites never stop at the first failure.
#ifndef CK_CONFORMANCE_H
#define CK_CONFORMANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ckernels.h"

typedef enum ck_effort {
  CK_EFFORT_QUICK = 0,  // seconds under an emulator or sanitizer
  CK_EFFORT_TEST = 1,   // what make test runs
  CK_EFFORT_LONG = 2,   // make test-long
} ck_effort;

/// What a suite found. `checks` proves that something was checked; `message` keeps the first failures.
typedef struct ck_report {
  size_t checks, failures;
  size_t message_length;
  char message[4096];
} ck_report;

/// Counts a check; on failure adds a formatted line to the message. Returns `condition`.
bool ck_check(ck_report *report, bool condition, const char *format, ...) __attribute__((format(printf, 3, 4)));

/// A seeded generator for test data (SplitMix64).
typedef struct ck_random {
  uint64_t state;
} ck_random;
uint64_t ck_random_next(ck_random *random);
float ck_random_uniform(ck_random *random, float low, float high);
float ck_random_normal(ck_random *random);

typedef void (*ck_suite_run)(ck_runtime *runtime, ck_effort effort, ck_report *report);
typedef struct ck_suite {
  const char *name;
  ck_suite_run run;
} ck_suite;

/// Suite `index`, or NULL past the end of the list.
const ck_suite *ck_suite_at(size_t index);

#define SUITE(name) void ck_conform_##name(ck_runtime *runtime, ck_effort effort, ck_report *report);
#include "suites.def"
#undef SUITE

#endif
