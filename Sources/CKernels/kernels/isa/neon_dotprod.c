// neon_dotprod.
#include "dispatch/table.h"
void ck_serve_NEON_DOTPROD(ck_table *table) { (void)table; }
