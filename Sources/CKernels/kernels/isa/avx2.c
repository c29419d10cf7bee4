// avx2.
#include "dispatch/table.h"
void ck_serve_AVX2(ck_table *table) { (void)table; }
