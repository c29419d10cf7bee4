// Every format's header, once. A row of ck_formats.def whose header is missing here does not compile.
// CK_LOWER_<id> spells an id of the list as it stands in the names: ck_block_q4_0, ck_decode_block_q4_0.
#ifndef CK_FORMATS_H
#define CK_FORMATS_H

#include "formats/bf16.h"
#include "formats/f16.h"
#include "formats/f32.h"
#include "formats/iq4_nl.h"
#include "formats/iq4_xs.h"
#include "formats/mxfp4.h"
#include "formats/q2_k.h"
#include "formats/q3_k.h"
#include "formats/q4_0.h"
#include "formats/q4_1.h"
#include "formats/q4_k.h"
#include "formats/q5_0.h"
#include "formats/q5_1.h"
#include "formats/q5_k.h"
#include "formats/q6_k.h"
#include "formats/q8_0.h"

#define CK_FORMATS_JOIN_(a, b) a##b
#define CK_FORMATS_JOIN(a, b) CK_FORMATS_JOIN_(a, b)
#define CK_BLOCK(id) CK_FORMATS_JOIN(ck_block_, CK_LOWER_##id)
#define CK_DECODE_BLOCK(id) CK_FORMATS_JOIN(ck_decode_block_, CK_LOWER_##id)
#define CK_ENCODE_BLOCK(id) CK_FORMATS_JOIN(ck_encode_block_, CK_LOWER_##id)

#endif
