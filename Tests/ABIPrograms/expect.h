// What the programs share: a call's status and message held against what was documented, from any thread.
#ifndef EXPECT_H
#define EXPECT_H

#include <gobi.h>
#include <stdatomic.h>
#include <stdio.h>

static atomic_int failures;

static inline int expect_failures(void) { return atomic_load(&failures); }

static void expect(int line, gobi_status found, gobi_status wanted, gobi_error *error) {
  const int has_message = gobi_error_message(error)[0] != 0;
  if (found != wanted || gobi_error_code(error) != wanted || has_message != (wanted != GOBI_OK)) {
    printf("line %d: %s, expected %s: %s\n", line, gobi_status_name(found), gobi_status_name(wanted),
           gobi_error_message(error));
    ++failures;
  }
  gobi_error_free(error);
}

static void require(int line, int holds, const char *what) {
  if (!holds) {
    printf("line %d: %s\n", line, what);
    ++failures;
  }
}

#define EXPECT(wanted, call) \
  do { \
    gobi_error *error = NULL; \
    gobi_status status = call; \
    expect(__LINE__, status, wanted, error); \
  } while (0)
#define REQUIRE(condition) require(__LINE__, condition, #condition)

#endif
