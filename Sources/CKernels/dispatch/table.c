// Fills the kernel table, and tells what is in it.
#include "dispatch/table.h"

#include "hardware/isa.h"
#include "runtime/runtime.h"

void ck_table_fill(ck_table *table, ck_isa isa) {
  *table = (ck_table){.isa = isa};
  // The list is ordered best first, so walk it backwards: each ISA overwrites what it does better.
  for (int i = CK_ISA_COUNT - 1; i >= (int)isa; i--) {
    if (!ck_isa_extends(isa, (ck_isa)i)) continue;
    switch ((ck_isa)i) {
#define ISA(id, name, guard) \
  case CK_ISA_##id: ck_serve_##id(table); break;
#include "ck_isas.def"
#undef ISA
      default: break;
    }
  }
}

#define ROW(entry, op, format_name)                                                                \
  do {                                                                                             \
    if ((entry).run != NULL && position++ == index) {                                               \
      *info = (ck_kernel_info){op, format_name, (entry).symbol, ck_isa_name((entry).isa), (entry).reason}; \
      return CK_OK;                                                                                \
    }                                                                                              \
  } while (0);

ck_status ck_describe(const ck_runtime *runtime, size_t index, ck_kernel_info *info) {
  if (runtime == NULL || info == NULL) return CK_INVALID_ARGUMENT;
  const ck_table *table = &runtime->table;
  size_t position = 0;
#define OP(slot, type) ROW(table->slot, #slot, "")
#define FORMAT_OP(slot, type) \
  for (int f = 0; f < CK_FORMAT_COUNT; f++) ROW(table->slot[f], #slot, ck_format_describe((ck_format)f)->name)
#include "dispatch/ops.def"
#undef OP
#undef FORMAT_OP
  return CK_INVALID_ARGUMENT;
}
