// Opens the target region of avx512bf16. Closed by end.h; C headers come before it: only kernels belong inside.
#include "kernels/generic/names.h"
#pragma clang attribute push( \
    __attribute__((target("avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx512bf16"))), \
    apply_to = function)
#include "simd/vec_avx512.h"
