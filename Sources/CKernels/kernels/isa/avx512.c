// AVX-512 F, BW, VL and DQ: every generic kernel.
#include "runtime/platform.h"
#if CK_X86
#include <immintrin.h>
#include <math.h>

#include "dispatch/table.h"
#define CK_ISA_SUFFIX avx512
#define CK_ISA_HERE CK_ISA_AVX512
#include "kernels/generic/names.h"
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,f16c"))), \
                             apply_to = function)
#include "simd/vec_avx512.h"

#include "kernels/generic/norm.h"
#include "kernels/generic/serve.h"
#pragma clang attribute pop

void ck_serve_AVX512(ck_table *table) { ck_serve_generic_avx512(table); }
#else
#include "dispatch/table.h"
void ck_serve_AVX512(ck_table *table) { (void)table; }
#endif
