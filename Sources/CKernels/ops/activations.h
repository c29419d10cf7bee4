// How a runtime stores each kind of activations. Storing them is in activations.c.
#ifndef CK_ACTIVATIONS_H
#define CK_ACTIVATIONS_H

#include "runtime/runtime.h"

/// The records of `kind`, which must be valid.
ck_record_layout ck_record_layout_of(const ck_table *table, ck_activation kind);
/// Bytes from one row of records to the next, and of all rows of records, scales not counted.
size_t ck_activations_stride(const ck_table *table, const ck_activations *a);
size_t ck_activations_records(const ck_table *table, const ck_activations *a);
/// True if `a` has been planned, its data is there and aligned, and no size in it can overflow.
bool ck_activations_valid(const ck_table *table, const ck_activations *a);

#endif
