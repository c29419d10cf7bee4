// What this file is compiled for. The only place where architecture macros are named; no ISA features here.
#ifndef CK_PLATFORM_H
#define CK_PLATFORM_H

#include <stddef.h>
#include <stdint.h>

#if defined(__x86_64__)
#define CK_X86 1
#else
#define CK_X86 0
#endif

#if defined(__aarch64__)
#define CK_ARM 1
#else
#define CK_ARM 0
#endif

#define CK_INLINE static inline __attribute__((always_inline))
#define CK_CACHE_LINE 64

/// The share [*begin, *end) of `items` for thread index of count: contiguous, sizes differing by one at most.
CK_INLINE void ck_share(size_t items, uint32_t index, uint32_t count, size_t *begin, size_t *end) {
  size_t each = items / count, rest = items % count;
  *begin = each * index + (index < rest ? index : rest);
  *end = *begin + each + (index < rest ? 1 : 0);
}

#endif
