// The reference kernels, which are the scalar ISA: declared here so that tests can call them as the oracle.
#ifndef CK_REFERENCE_H
#define CK_REFERENCE_H

#include "kernels/kernels.h"

void ck_rms_norm_scalar(const ck_norm_call *call);

#endif
