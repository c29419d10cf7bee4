// avx512bf16.
#include "dispatch/table.h"
void ck_serve_AVX512_BF16(ck_table *table) { (void)table; }
