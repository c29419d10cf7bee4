// NEON i8mm: what 8-bit matrix products make better than dotprod.
#include "simd/headers.h"
#if CK_ARM
#define CK_ISA_SUFFIX neon_i8mm
#define CK_ISA_HERE CK_ISA_NEON_I8MM
#include "simd/begin_neon_i8mm.h"

#include "simd/end.h"

void ck_serve_NEON_I8MM(ck_table *table) { (void)table; }
#else
void ck_serve_NEON_I8MM(ck_table *table) { (void)table; }
#endif
