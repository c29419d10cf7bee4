// AVX-512 BF16: what bfloat16 dot products make better than VNNI.
#include "simd/headers.h"
#if CK_X86
#define CK_ISA_SUFFIX avx512bf16
#define CK_ISA_HERE CK_ISA_AVX512_BF16
#include "simd/begin_avx512bf16.h"
#include "simd/peak_avx512.h"
#include "kernels/generic/peak_bf16.h"
#include "simd/int_avx512.h"
#include "simd/dot_avx512vnni.h"
#include "simd/dot_avx512bf16.h"
#include "kernels/generic/tile_bf16.h"
#define ATTENTION_PAIRS 1
#include "kernels/generic/attention.h"
#include "simd/end.h"

void ck_serve_AVX512_BF16(ck_table *table) {
  CK_SERVE(table, peak_bf16, CK_NAME(peak_bf16), CK_ISA_HERE, "vdpbf16ps");
  CK_SERVE(table, attention[CK_FORMAT_BF16], CK_NAME(attention_bf16), CK_ISA_HERE,
           "queries and weights in bfloat16, vdpbf16ps");
  CK_SERVE(table, matmul_bf16, CK_NAME(matmul_bf16), CK_ISA_HERE, "vdpbf16ps");
}
#else
void ck_serve_AVX512_BF16(ck_table *table) { (void)table; }
#endif
