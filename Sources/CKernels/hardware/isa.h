// Which instruction sets this processor runs, and which one contains which.
#ifndef CK_HARDWARE_ISA_H
#define CK_HARDWARE_ISA_H

#include "ckernels.h"

/// True if a processor chosen for `isa` may also run the kernels of `part`.
bool ck_isa_extends(ck_isa isa, ck_isa part);
/// The best available ISA.
ck_isa ck_isa_best(void);

#endif
