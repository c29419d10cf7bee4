// Opens the target region of neon_dotprod. Closed by end.h; C headers come before it: only kernels belong inside.
#include "kernels/generic/names.h"
#pragma clang attribute push(__attribute__((target("neon,dotprod"))), apply_to = function)
#include "simd/vec_neon.h"
