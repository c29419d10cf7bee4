// What this file is compiled for. The only place where architecture macros are named; no ISA features here.
#ifndef CK_PLATFORM_H
#define CK_PLATFORM_H

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

#endif
