// How many threads are worth starting. Reads /proc, /sys and the affinity mask; keeps nothing.
#ifndef CK_TOPOLOGY_H
#define CK_TOPOLOGY_H

#include <stdint.h>

enum { CK_MAX_THREADS = 1024 };

/// min(affinity mask, cgroup quota rounded up, physical cores), at least 1.
uint32_t ck_default_threads(void);

#endif
