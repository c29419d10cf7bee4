// Anonymous memory for weights, activations and KV blocks, on huge pages where the kernel grants them.
#include <sys/mman.h>

#include "ckernels.h"

enum { HUGE_PAGE = 2 << 20 };

static size_t rounded(size_t bytes) {
  size_t page = bytes >= HUGE_PAGE ? HUGE_PAGE : 4096;
  return (bytes + page - 1) & ~(page - 1);
}

ck_status ck_memory_allocate(size_t bytes, void **memory) {
  if (memory == NULL || bytes == 0 || bytes > SIZE_MAX / 2) return CK_INVALID_ARGUMENT;
  size_t size = rounded(bytes);
  size_t slack = size >= HUGE_PAGE ? HUGE_PAGE : 0;
  char *start = mmap(NULL, size + slack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (start == MAP_FAILED) return CK_OUT_OF_MEMORY;
  char *aligned = start;
  if (slack) {  // mmap aligns to 4 KiB: cut what lies before and after the huge pages
    aligned = (char *)(((uintptr_t)start + HUGE_PAGE - 1) & ~(uintptr_t)(HUGE_PAGE - 1));
    if (aligned > start) munmap(start, (size_t)(aligned - start));
    if (aligned + size < start + size + slack) munmap(aligned + size, (size_t)(start + slack - aligned));
    madvise(aligned, size, MADV_HUGEPAGE);
  }
  *memory = aligned;
  return CK_OK;
}

void ck_memory_free(void *memory, size_t bytes) {
  if (memory != NULL) munmap(memory, rounded(bytes));
}
