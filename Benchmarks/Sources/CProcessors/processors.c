// Linux has the calls; elsewhere a thread runs where the scheduler puts it.
#include "processors.h"

#if defined(__linux__)
#include <sched.h>

size_t processors_allowed(int *numbers, size_t capacity) {
  cpu_set_t set;
  size_t count = 0;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 0;
  for (int i = 0; i < CPU_SETSIZE && count < capacity; i++)
    if (CPU_ISSET(i, &set)) numbers[count++] = i;
  return count;
}

int processors_keep_to(const int *numbers, size_t count) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (size_t i = 0; i < count; i++)
    if (numbers[i] >= 0 && numbers[i] < CPU_SETSIZE) CPU_SET(numbers[i], &set);
  return sched_setaffinity(0, sizeof set, &set);
}
#else
size_t processors_allowed(int *numbers, size_t capacity) {
  (void)numbers, (void)capacity;
  return 0;
}

int processors_keep_to(const int *numbers, size_t count) {
  (void)numbers, (void)count;
  return -1;
}
#endif
