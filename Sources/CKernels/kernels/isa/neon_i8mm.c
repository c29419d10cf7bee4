// NEON i8mm: what 8-bit matrix products make better than dotprod.
#include "simd/headers.h"
#if CK_ARM
#define CK_ISA_SUFFIX neon_i8mm
#define CK_ISA_HERE CK_ISA_NEON_I8MM
#include "simd/begin_neon_i8mm.h"
#define PEAK_S8_MATRIX 1
#include "simd/peak_neon.h"
#include "kernels/generic/peak_s8.h"
#include "simd/int_neon.h"
#include "simd/dot_neon_dotprod.h"
#include "simd/dot_neon_i8mm.h"
#include "kernels/generic/expand.h"
#include "kernels/generic/tile_q8.h"
#include "simd/end.h"

void ck_serve_NEON_I8MM(ck_table *table) {
  CK_SERVE(table, peak_s8, CK_NAME(peak_s8), CK_ISA_HERE, "smmla");
  ck_serve_q8_neon_i8mm(table, "smmla; sdot for single columns");
}
#else
void ck_serve_NEON_I8MM(ck_table *table) { (void)table; }
#endif
