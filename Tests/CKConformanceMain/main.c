// The conformance suites as a program, for machines and modes without Swift.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conformance.h"

static const char usage[] =
    "usage: conformance [--quick | --long] [--isa NAME] [--threads N] [SUITE...]\n"
    "Runs the suites (default: all) on every available instruction set, or on one; NAME may be best.\n";

static ck_isa best(void) {
  for (int isa = 0; isa < CK_ISA_COUNT; isa++)
    if (ck_isa_available((ck_isa)isa)) return (ck_isa)isa;
  return CK_ISA_SCALAR;
}

static size_t run_suite(const ck_suite *suite, ck_isa isa, uint32_t threads, ck_effort effort) {
  ck_runtime_options options = {.struct_size = sizeof options, .threads = threads, .isa = isa};
  ck_runtime *runtime = NULL;
  ck_status status = ck_runtime_create(&options, &runtime);
  if (status != CK_OK) {
    printf("FAILED %s on %s: no runtime: %s\n", suite->name, ck_isa_name(isa), ck_status_name(status));
    return 1;
  }
  static ck_report report;
  report = (ck_report){0};
  suite->run(runtime, effort, &report);
  ck_check(&report, report.checks > 0, "nothing was checked");
  printf("%s %s on %s: %zu checks, %zu failures\n%s", report.failures ? "FAILED" : "ok", suite->name,
         ck_isa_name(isa), report.checks, report.failures, report.message);
  fflush(stdout);
  ck_runtime_destroy(runtime);
  return report.failures;
}

int main(int count, char **arguments) {
  ck_effort effort = CK_EFFORT_TEST;
  ck_isa only = CK_ISA_AUTO;
  uint32_t threads = 2;
  const char *names[64];
  int name_count = 0;
  for (int i = 1; i < count; i++) {
    if (strcmp(arguments[i], "--quick") == 0) effort = CK_EFFORT_QUICK;
    else if (strcmp(arguments[i], "--long") == 0) effort = CK_EFFORT_LONG;
    else if (strcmp(arguments[i], "--isa") == 0 && i + 1 < count) {
      i++;
      only = strcmp(arguments[i], "best") == 0 ? best() : ck_isa_named(arguments[i]);
      if (only == CK_ISA_AUTO) {
        fprintf(stderr, "conformance: no instruction set is called '%s'\n", arguments[i]);
        return 2;
      }
    } else if (strcmp(arguments[i], "--threads") == 0 && i + 1 < count) threads = (uint32_t)atoi(arguments[++i]);
    else if (arguments[i][0] != '-' && name_count < 64) names[name_count++] = arguments[i];
    else {
      fputs(usage, stderr);
      return 2;
    }
  }
  size_t failures = 0, runs = 0;
  const ck_suite *suite;
  for (size_t index = 0; (suite = ck_suite_at(index)) != NULL; index++) {
    bool asked = name_count == 0;
    for (int i = 0; i < name_count; i++) asked |= strcmp(names[i], suite->name) == 0;
    for (int isa = 0; asked && isa < CK_ISA_COUNT; isa++) {
      if (!ck_isa_available((ck_isa)isa) || (only != CK_ISA_AUTO && isa != (int)only)) continue;
      failures += run_suite(suite, (ck_isa)isa, threads, effort) > 0;
      runs++;
    }
  }
  printf("%zu passed, %zu failed\n", runs - failures, failures);
  return failures > 0 || runs == 0;
}
