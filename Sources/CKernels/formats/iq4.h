// The 16 unequal steps that IQ4_NL and IQ4_XS share: finer near zero, where weights are dense.
#ifndef CK_FORMATS_IQ4_H
#define CK_FORMATS_IQ4_H

#include <stdint.h>

static const int8_t ck_iq4_table[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

#endif
