// Which NUMA node memory lies on. By system calls alone: no library.
#ifndef CK_NUMA_H
#define CK_NUMA_H

#include "ckernels.h"

/// Pages of [memory, memory + bytes) that are touched from now on come from `node` alone.
ck_status ck_numa_bind(void *memory, size_t bytes, uint32_t node);
/// The share of the pages, of at most 512 spread evenly, that lie on `node`.
ck_status ck_numa_share(const void *memory, size_t bytes, uint32_t node, double *share);

#endif
