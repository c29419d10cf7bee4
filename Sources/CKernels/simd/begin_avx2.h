// Opens the target region of AVX2 with FMA and F16C. Closed by end.h. Include C headers before it: only kernels belong inside.
#include "kernels/generic/names.h"
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#include "simd/vec_avx2.h"
