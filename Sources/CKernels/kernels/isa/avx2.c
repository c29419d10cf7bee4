// AVX2, FMA and F16C: every generic kernel.
#include "simd/headers.h"
#if CK_X86
#define CK_ISA_SUFFIX avx2
#define CK_ISA_HERE CK_ISA_AVX2
#include "simd/begin_avx2.h"
#include "simd/int_avx2.h"
#include "kernels/generic/all.h"
#include "simd/peak_avx2.h"
#include "kernels/generic/roofs.h"
#include "kernels/generic/peak_s8.h"
#include "kernels/generic/records.h"
#include "kernels/generic/expand.h"
#include "kernels/generic/tile_q8.h"
#include "kernels/generic/tile_f32.h"
#include "simd/end.h"

void ck_serve_AVX2(ck_table *table) {
  ck_serve_generic_avx2(table);
  ck_serve_roofs_avx2(table);
  CK_SERVE(table, peak_s8, CK_NAME(peak_s8), CK_ISA_HERE, "vpmaddubsw, vpmaddwd");
  ck_serve_f32_avx2(table);
  ck_serve_q8_avx2(table, "vpmaddubsw, vpmaddwd");
}
#else
void ck_serve_AVX2(ck_table *table) { (void)table; }
#endif
