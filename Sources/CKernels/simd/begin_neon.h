// Opens the target region of NEON (the baseline of aarch64). Closed by end.h. Include C headers before it: only kernels belong inside.
#include "kernels/generic/names.h"
#pragma clang attribute push(__attribute__((target("neon"))), apply_to = function)
#include "simd/vec_neon.h"
