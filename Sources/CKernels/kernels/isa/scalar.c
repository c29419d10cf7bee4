// The scalar ISA: the reference kernels serve everything.
#include "kernels/reference/reference.h"

#include "dispatch/table.h"

void ck_serve_SCALAR(ck_table *table) {
  CK_SERVE(table, rms_norm, ck_rms_norm_scalar, CK_ISA_SCALAR, "reference");
}
