// How many threads are worth starting.
#include "hardware/topology.h"

#include <sched.h>
#include <unistd.h>

uint32_t ck_default_threads(void) {
  cpu_set_t set;
  int count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : (int)sysconf(_SC_NPROCESSORS_ONLN);
  if (count < 1) count = 1;
  return count > CK_MAX_THREADS ? CK_MAX_THREADS : (uint32_t)count;
}
