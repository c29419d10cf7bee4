// avx512vnni.
#include "dispatch/table.h"
void ck_serve_AVX512_VNNI(ck_table *table) { (void)table; }
