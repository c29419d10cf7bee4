// The kernel table: one slot an operation (and format), filled with the reference and overwritten with what is
// better, ISA by ISA up to the chosen one. Does not choose by shape: ops/ does.
#ifndef CK_TABLE_H
#define CK_TABLE_H

#include "kernels/kernels.h"

#define CK_SLOT(type)   \
  struct {              \
    type run;           \
    const char *symbol; \
    ck_isa isa;         \
    const char *reason; \
  }

typedef struct ck_table {
  ck_isa isa;
#define OP(name, type) CK_SLOT(type) name;
#define FORMAT_OP(name, type) CK_SLOT(type) name[CK_FORMAT_COUNT];
#include "dispatch/ops.def"
#undef OP
#undef FORMAT_OP
  // Columns up to which the matvec kernel, which takes panels apart in registers, beats taking them apart in cache first.
  uint8_t few_columns[CK_FORMAT_COUNT];
} ck_table;

/// Puts `function` into slot `slot` of `table`; `why` is what describe says.
#define CK_SERVE(table, slot, function, isa_id, why) \
  do {                                               \
    (table)->slot.run = function;                    \
    (table)->slot.symbol = CK_STRING(function);      \
    (table)->slot.isa = isa_id;                      \
    (table)->slot.reason = why;                      \
  } while (0)
#define CK_STRING(x) CK_STRING_(x)
#define CK_STRING_(x) #x

/// Fills `table` for `isa`, which must be available.
void ck_table_fill(ck_table *table, ck_isa isa);

#define ISA(id, name, guard) void ck_serve_##id(ck_table *table);
#include "ck_isas.def"
#undef ISA

#endif
