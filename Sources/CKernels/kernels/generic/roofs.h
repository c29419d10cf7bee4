// The float, double and memory roofs of one ISA and the function that serves them. Included inside the target region,
// after simd/peak_<isa>.h. 8-bit and bf16 peaks are included and served where the ISA has their instructions.
#include "kernels/generic/memory.h"
#include "kernels/generic/peak.h"

static void CK_NAME(serve_roofs)(ck_table *table) {
  CK_SERVE(table, peak_f64, CK_NAME(peak_f64), CK_ISA_HERE, "widest fused multiply-add");
  CK_SERVE(table, peak_f32, CK_NAME(peak_f32), CK_ISA_HERE, "widest fused multiply-add");
  CK_SERVE(table, memory_read, CK_NAME(memory_read), CK_ISA_HERE, "widest load");
  CK_SERVE(table, memory_write, CK_NAME(memory_write), CK_ISA_HERE, "widest store");
  CK_SERVE(table, memory_copy, CK_NAME(memory_copy), CK_ISA_HERE, "widest load and store");
  CK_SERVE(table, memory_triad, CK_NAME(memory_triad), CK_ISA_HERE, "widest load and store");
}
