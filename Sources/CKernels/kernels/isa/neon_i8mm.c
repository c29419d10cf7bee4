// neon_i8mm.
#include "dispatch/table.h"
void ck_serve_NEON_I8MM(ck_table *table) { (void)table; }
