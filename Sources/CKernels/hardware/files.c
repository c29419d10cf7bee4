// Small files of /proc and /sys below a root, and the numbers in them.
#include "hardware/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool ck_file_read(char *text, size_t size, const char *root, const char *format, ...) {
  char path[4096];
  size_t length = strlen(root);
  text[0] = 0;
  if (length >= sizeof path) return false;
  memcpy(path, root, length);
  va_list arguments;
  va_start(arguments, format);
  int written = vsnprintf(path + length, sizeof path - length, format, arguments);
  va_end(arguments);
  if (written < 0 || (size_t)written >= sizeof path - length) return false;
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  size_t done = 0;
  while (done < size - 1) {
    ssize_t count = read(file, text + done, size - 1 - done);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    done += (size_t)count;
  }
  close(file);
  text[done] = 0;
  return true;
}

static bool digit(char c) { return c >= '0' && c <= '9'; }

static const char *scan(const char *text, uint64_t *number) {
  uint64_t value = 0;
  if (!digit(*text)) return NULL;
  for (; digit(*text); text++)
    if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, (uint64_t)(*text - '0'), &value))
      return NULL;
  *number = value;
  return text;
}

bool ck_number(const char *text, uint64_t *number) { return scan(text, number) != NULL; }

void ck_processors_add(ck_processors *set, size_t processor) {
  if (processor < CK_MAX_PROCESSORS) set->words[processor / 64] |= (uint64_t)1 << processor % 64;
}

bool ck_processors_has(const ck_processors *set, size_t processor) {
  return processor < CK_MAX_PROCESSORS && (set->words[processor / 64] >> processor % 64 & 1) != 0;
}

uint32_t ck_processors_count(const ck_processors *set) {
  uint32_t count = 0;
  for (size_t i = 0; i < CK_MAX_PROCESSORS / 64; i++) count += (uint32_t)__builtin_popcountll(set->words[i]);
  return count;
}

void ck_processors_parse(const char *list, ck_processors *set) {
  *set = (ck_processors){0};
  while (list != NULL && digit(*list)) {
    uint64_t first, last;
    list = scan(list, &first);
    if (list == NULL) return;
    last = first;
    if (*list == '-' && (list = scan(list + 1, &last)) == NULL) return;
    for (uint64_t i = first; i <= last && i < CK_MAX_PROCESSORS; i++) ck_processors_add(set, i);
    if (*list == ',') list++;
  }
}

bool ck_file_value(const char *text, const char *key, char *value, size_t size) {
  const size_t length = strlen(key);
  value[0] = 0;
  for (const char *line = text; line != NULL && *line != 0; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
    if (strncmp(line, key, length) != 0) continue;
    const char *start = line + length;
    while (*start == ' ' || *start == '\t') start++;
    if (*start++ != ':') continue;
    while (*start == ' ' || *start == '\t') start++;
    size_t count = strcspn(start, "\n");
    while (count > 0 && start[count - 1] == ' ') count--;
    if (count > size - 1) count = size - 1;
    memcpy(value, start, count);
    value[count] = 0;
    return true;
  }
  return false;
}
