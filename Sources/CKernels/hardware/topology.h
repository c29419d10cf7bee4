// What the machine is made of and how much of it this process may use. Reads /proc and /sys; keeps nothing.
#ifndef CK_TOPOLOGY_H
#define CK_TOPOLOGY_H

#include "ckernels.h"

enum { CK_MAX_THREADS = 1024 };

/// min(physical cores of the affinity mask, cgroup quota rounded up), at least 1.
uint32_t ck_default_threads(void);

/// Counts processors, cores, sockets, nodes, caches and the quota, below `root`.
void ck_topology_read(const char *root, ck_hardware *hardware);

#endif
