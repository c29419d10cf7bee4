// AVX-512 VNNI: what 8-bit dot products make better than AVX-512.
#include "simd/headers.h"
#if CK_X86
#define CK_ISA_SUFFIX avx512vnni
#define CK_ISA_HERE CK_ISA_AVX512_VNNI
#include "simd/begin_avx512vnni.h"
#include "simd/peak_avx512.h"
#include "kernels/generic/peak_s8.h"
#include "simd/int_avx512.h"
#include "simd/dot_avx512vnni.h"
#include "kernels/generic/expand.h"
#include "kernels/generic/tile_q8.h"
#define ATTENTION_DOT 1
#include "kernels/generic/attention.h"
#include "simd/end.h"

void ck_serve_AVX512_VNNI(ck_table *table) {
  CK_SERVE(table, peak_s8, CK_NAME(peak_s8), CK_ISA_HERE, "vpdpbusd");
  ck_serve_q8_avx512vnni(table, "vpdpbusd");
  CK_SERVE(table, attention[CK_FORMAT_Q8_0], CK_NAME(attention_q8_0), CK_ISA_HERE,
           "scores by vpdpbusd, queries in 8 bits; values by vpdpwssd");
}
#else
void ck_serve_AVX512_VNNI(ck_table *table) { (void)table; }
#endif
