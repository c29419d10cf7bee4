// NEON: every generic kernel.
#include "simd/headers.h"
#if CK_ARM
#define CK_ISA_SUFFIX neon
#define CK_ISA_HERE CK_ISA_NEON
#include "simd/begin_neon.h"
#include "simd/int_neon.h"
#include "simd/dot_neon.h"
#include "kernels/generic/all.h"
#include "simd/peak_neon.h"
#include "kernels/generic/roofs.h"
#include "kernels/generic/peak_s8.h"
#include "kernels/generic/records.h"
#include "kernels/generic/expand.h"
#include "kernels/generic/tile_q8.h"
#include "kernels/generic/tile_f32.h"
#include "simd/end.h"

void ck_serve_NEON(ck_table *table) {
  ck_serve_generic_neon(table);
  ck_serve_roofs_neon(table);
  CK_SERVE(table, peak_s8, CK_NAME(peak_s8), CK_ISA_HERE, "smull, smlal2, sadalp");
  ck_serve_f32_neon(table);
  ck_serve_q8_neon(table, "smull, saddlp");
}
#else
void ck_serve_NEON(ck_table *table) { (void)table; }
#endif
