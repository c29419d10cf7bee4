// Puts the generic kernels of one ISA into the table. Included once an ISA, after the kernels.
static void CK_NAME(serve_generic)(ck_table *table) {
  CK_SERVE(table, rms_norm, CK_NAME(rms_norm), CK_ISA_HERE, "vectorised");
}
