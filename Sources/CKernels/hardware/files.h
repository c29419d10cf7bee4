// Small files of /proc and /sys below a root, and the numbers in them. No meaning here.
#ifndef CK_HARDWARE_FILES_H
#define CK_HARDWARE_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CK_MAX_PROCESSORS = 8192 };

/// A set of processors, by number.
typedef struct ck_processors {
  uint64_t words[CK_MAX_PROCESSORS / 64];
} ck_processors;

/// Reads at most size - 1 bytes of the file named by root and a printf format, and ends them with a 0. False if there
/// is no such file.
bool ck_file_read(char *text, size_t size, const char *root, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/// A whole number at the start of `text`; false if there is none or it does not fit.
bool ck_number(const char *text, uint64_t *number);

/// A list as the kernel writes it: "0-3,8". What is not a list adds nothing; numbers past the maximum are left out.
void ck_processors_parse(const char *list, ck_processors *set);
bool ck_processors_has(const ck_processors *set, size_t processor);
void ck_processors_add(ck_processors *set, size_t processor);
uint32_t ck_processors_count(const ck_processors *set);

/// The value of a "key : value" or "key:\tvalue" line, copied to `value` without what surrounds it; false if none.
bool ck_file_value(const char *text, const char *key, char *value, size_t size);

#endif
