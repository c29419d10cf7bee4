// Puts the generic kernels of one ISA into the table. Included once an ISA, after the kernels.
static void CK_NAME(serve_generic)(ck_table *table) {
  CK_SERVE(table, rms_norm, CK_NAME(rms_norm), CK_ISA_HERE, "vectorised");
  CK_SERVE(table, layer_norm, CK_NAME(layer_norm), CK_ISA_HERE, "vectorised");
  CK_SERVE(table, gated, CK_NAME(gated), CK_ISA_HERE, "vectorised");
  CK_SERVE(table, add_scaled, CK_NAME(add_scaled), CK_ISA_HERE, "vectorised");
  CK_SERVE(table, softcap, CK_NAME(softcap), CK_ISA_HERE, "vectorised");
  CK_SERVE(table, softmax, CK_NAME(softmax), CK_ISA_HERE, "vectorised");
  CK_SERVE(table, topk, CK_NAME(topk), CK_ISA_HERE, "vectorised scan over a heap of k");
  CK_SERVE(table, rope, CK_NAME(rope), CK_ISA_HERE, "vectorised");
  CK_SERVE(table, kv_store[CK_FORMAT_F32], CK_NAME(kv_store_f32), CK_ISA_HERE, "vectorised");
  CK_SERVE(table, kv_store[CK_FORMAT_F16], CK_NAME(kv_store_f16), CK_ISA_HERE, "vectorised");
  CK_SERVE(table, kv_store[CK_FORMAT_BF16], CK_NAME(kv_store_bf16), CK_ISA_HERE, "pairs");
  CK_SERVE(table, kv_store[CK_FORMAT_Q8_0], CK_NAME(kv_store_q8_0), CK_ISA_HERE, "vectorised");
  CK_SERVE(table, attention[CK_FORMAT_F32], CK_NAME(attention_f32), CK_ISA_HERE, "vectorised");
  CK_SERVE(table, attention[CK_FORMAT_F16], CK_NAME(attention_f16), CK_ISA_HERE, "vectorised");
  CK_SERVE(table, attention[CK_FORMAT_BF16], CK_NAME(attention_bf16), CK_ISA_HERE, "vectorised");
  CK_SERVE(table, attention[CK_FORMAT_Q8_0], CK_NAME(attention_q8_0), CK_ISA_HERE, "vectorised");
  CK_SERVE(table, attention_merge, CK_NAME(attention_merge), CK_ISA_HERE, "vectorised");
}
