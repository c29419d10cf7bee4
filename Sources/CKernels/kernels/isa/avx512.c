// AVX-512 F, BW, VL and DQ: every generic kernel.
#include "simd/headers.h"
#if CK_X86
#define CK_ISA_SUFFIX avx512
#define CK_ISA_HERE CK_ISA_AVX512
#include "simd/begin_avx512.h"
#include "simd/int_avx512.h"
#include "simd/dot_avx512.h"
#include "kernels/generic/all.h"
#include "simd/peak_avx512.h"
#include "kernels/generic/roofs.h"
#include "kernels/generic/records.h"
#include "kernels/generic/expand.h"
#include "kernels/generic/tile_q8.h"
#include "kernels/generic/tile_f32.h"
#include "simd/end.h"

void ck_serve_AVX512(ck_table *table) {
  ck_serve_generic_avx512(table);
  ck_serve_roofs_avx512(table);
  ck_serve_f32_avx512(table);
  ck_serve_q8_avx512(table, "vpmaddubsw, vpmaddwd");
}
#else
void ck_serve_AVX512(ck_table *table) { (void)table; }
#endif
