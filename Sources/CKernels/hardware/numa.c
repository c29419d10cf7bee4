// Memory policy and placement through the kernel's own calls, and the processors of the calling thread.
#include "hardware/numa.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MOST_NODES = 1024, BITS = 8 * sizeof(unsigned long), BIND = 2, MOST_PAGES = 512, PAGE = 4096 };

ck_status ck_numa_bind(void *memory, size_t bytes, uint32_t node) {
  if (memory == NULL || node >= MOST_NODES) return CK_INVALID_ARGUMENT;
  unsigned long mask[MOST_NODES / BITS] = {0};
  mask[node / BITS] = 1UL << (node % BITS);
  // The kernel takes one bit less than it is told.
  if (syscall(SYS_mbind, memory, bytes, BIND, mask, (unsigned long)MOST_NODES + 1, 0) == 0) return CK_OK;
  return errno == ENOMEM ? CK_OUT_OF_MEMORY : CK_UNSUPPORTED;
}

ck_status ck_numa_share(const void *memory, size_t bytes, uint32_t node, double *share) {
  if (memory == NULL || share == NULL || bytes < PAGE) return CK_INVALID_ARGUMENT;
  void *pages[MOST_PAGES];
  int where[MOST_PAGES];
  const size_t all = bytes / PAGE, count = all < MOST_PAGES ? all : MOST_PAGES;
  for (size_t i = 0; i < count; i++) pages[i] = (char *)memory + i * (all / count) * PAGE;
  // With no nodes to move to, move_pages only tells where each page is.
  if (syscall(SYS_move_pages, 0, (unsigned long)count, pages, NULL, where, 0) != 0) return CK_UNSUPPORTED;
  size_t there = 0, known = 0;
  for (size_t i = 0; i < count; i++) {
    known += where[i] >= 0;
    there += where[i] == (int)node;
  }
  if (known == 0) return CK_UNSUPPORTED;
  *share = (double)there / (double)known;
  return CK_OK;
}

// A set of the kernel's own size: CPU_SETSIZE is too small for the largest machines.
static cpu_set_t *new_set(size_t *bytes) {
  enum { MOST_PROCESSORS = 1 << 16 };
  *bytes = CPU_ALLOC_SIZE(MOST_PROCESSORS);
  cpu_set_t *set = CPU_ALLOC(MOST_PROCESSORS);
  if (set != NULL) CPU_ZERO_S(*bytes, set);
  return set;
}

ck_status ck_thread_processors(uint32_t *processors, size_t capacity, size_t *count) {
  if ((processors == NULL && capacity > 0) || count == NULL) return CK_INVALID_ARGUMENT;
  size_t bytes;
  cpu_set_t *set = new_set(&bytes);
  if (set == NULL) return CK_OUT_OF_MEMORY;
  ck_status status = CK_SYSTEM;
  if (sched_getaffinity(0, bytes, set) == 0) {
    size_t found = 0;
    for (uint32_t i = 0; i < 8 * bytes; i++)
      if (CPU_ISSET_S(i, bytes, set)) {
        if (found < capacity) processors[found] = i;
        found++;
      }
    *count = found;
    status = CK_OK;
  }
  CPU_FREE(set);
  return status;
}

ck_status ck_thread_bind(const uint32_t *processors, size_t count) {
  if (processors == NULL || count == 0) return CK_INVALID_ARGUMENT;
  size_t bytes;
  cpu_set_t *set = new_set(&bytes);
  if (set == NULL) return CK_OUT_OF_MEMORY;
  ck_status status = CK_OK;
  for (size_t i = 0; i < count; i++) {
    if (processors[i] >= 8 * bytes) status = CK_INVALID_ARGUMENT;
    else CPU_SET_S(processors[i], bytes, set);
  }
  if (status == CK_OK && sched_setaffinity(0, bytes, set) != 0) status = CK_SYSTEM;
  CPU_FREE(set);
  return status;
}
