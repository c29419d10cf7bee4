// neon.
#include "dispatch/table.h"
void ck_serve_NEON(ck_table *table) { (void)table; }
