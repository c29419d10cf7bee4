// Checks that operations share. Packing itself is in pack.c.
#ifndef CK_PACK_H
#define CK_PACK_H

#include "ckernels.h"

/// True if `packed` has been planned, its data is there and aligned, and no size in it can overflow.
bool ck_packed_valid(const ck_packed *packed);

#endif
