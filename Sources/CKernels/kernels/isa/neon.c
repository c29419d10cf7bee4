// NEON: every generic kernel.
#include "simd/headers.h"
#if CK_ARM
#define CK_ISA_SUFFIX neon
#define CK_ISA_HERE CK_ISA_NEON
#include "simd/begin_neon.h"
#include "kernels/generic/all.h"
#include "simd/peak_neon.h"
#include "kernels/generic/roofs.h"
#include "kernels/generic/peak_s8.h"
#include "simd/end.h"

void ck_serve_NEON(ck_table *table) {
  ck_serve_generic_neon(table);
  ck_serve_roofs_neon(table);
  CK_SERVE(table, peak_s8, CK_NAME(peak_s8), CK_ISA_HERE, "smull, smlal2, sadalp");
}
#else
void ck_serve_NEON(ck_table *table) { (void)table; }
#endif
