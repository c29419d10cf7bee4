// Which BLAS integers are: sizes are checked against them before a call. The calls are in ckernels.h.
#ifndef CK_BLAS_H
#define CK_BLAS_H

#include "ckernels.h"

/// True if `value` fits BLAS's integer, which is 32 bits wide in the usual build.
bool ck_blas_fits(size_t value);

#endif
