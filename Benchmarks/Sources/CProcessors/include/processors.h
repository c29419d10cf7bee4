// Which processors a thread may run on. Beside Swift because the calls exist only with GNU's extensions switched on.
#ifndef BENCHMARKS_PROCESSORS_H
#define BENCHMARKS_PROCESSORS_H

#include <stddef.h>

/// Writes the numbers of the processors that the calling thread may use, ascending, at most `capacity` of them, and
/// returns how many were written; 0 where the system does not tell.
size_t processors_allowed(int *numbers, size_t capacity);
/// Keeps the calling thread to `count` processors. 0, or -1 where the system refuses: the thread then runs where it did.
int processors_keep_to(const int *numbers, size_t count);

#endif
