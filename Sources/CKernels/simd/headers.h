// What every ISA file needs before its target region opens: C headers and the intrinsics of the architecture.
#include "runtime/platform.h"
#if CK_X86
#include <immintrin.h>
#elif CK_ARM
#include <arm_neon.h>
#endif
#include <float.h>
#include <math.h>
#include <string.h>

#include "dispatch/table.h"
#include "formats/formats.h"
#include "formats/scalars.h"
#include "kernels/heap.h"
#include "kernels/kv.h"
