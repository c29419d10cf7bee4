// NEON dotprod: what 8-bit dot products make better than NEON.
#include "simd/headers.h"
#if CK_ARM
#define CK_ISA_SUFFIX neon_dotprod
#define CK_ISA_HERE CK_ISA_NEON_DOTPROD
#include "simd/begin_neon_dotprod.h"
#define PEAK_S8_DOT 1
#include "simd/peak_neon.h"
#include "kernels/generic/peak_s8.h"
#include "simd/int_neon.h"
#include "simd/dot_neon_dotprod.h"
#include "kernels/generic/expand.h"
#include "kernels/generic/tile_q8.h"
#define ATTENTION_DOT 1
#include "kernels/generic/attention.h"
#include "simd/end.h"

void ck_serve_NEON_DOTPROD(ck_table *table) {
  CK_SERVE(table, peak_s8, CK_NAME(peak_s8), CK_ISA_HERE, "sdot");
  ck_serve_q8_neon_dotprod(table, "sdot");
  CK_SERVE(table, attention[CK_FORMAT_Q8_0], CK_NAME(attention_q8_0), CK_ISA_HERE,
           "scores by sdot, queries in 8 bits; values by smull");
}
#else
void ck_serve_NEON_DOTPROD(ck_table *table) { (void)table; }
#endif
