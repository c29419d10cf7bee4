// Opens the target region of avx2. Closed by end.h; C headers come before it: only kernels belong inside.
#include "kernels/generic/names.h"
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#include "simd/vec_avx2.h"
