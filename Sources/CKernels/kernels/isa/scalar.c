// The scalar ISA: the reference kernels serve everything.
#include "kernels/reference/reference.h"

#include "dispatch/table.h"

void ck_serve_SCALAR(ck_table *table) {
  CK_SERVE(table, rms_norm, ck_rms_norm_scalar, CK_ISA_SCALAR, "reference");
  CK_SERVE(table, peak_f64, ck_peak_f64_scalar, CK_ISA_SCALAR, "reference");
  CK_SERVE(table, peak_f32, ck_peak_f32_scalar, CK_ISA_SCALAR, "reference");
  CK_SERVE(table, peak_s8, ck_peak_s8_scalar, CK_ISA_SCALAR, "reference");
  CK_SERVE(table, memory_read, ck_memory_read_scalar, CK_ISA_SCALAR, "reference");
  CK_SERVE(table, memory_write, ck_memory_write_scalar, CK_ISA_SCALAR, "reference");
  CK_SERVE(table, memory_copy, ck_memory_copy_scalar, CK_ISA_SCALAR, "reference");
  CK_SERVE(table, memory_triad, ck_memory_triad_scalar, CK_ISA_SCALAR, "reference");
  CK_SERVE(table, layer_norm, ck_layer_norm_scalar, CK_ISA_SCALAR, "reference");
  CK_SERVE(table, gated, ck_gated_scalar, CK_ISA_SCALAR, "reference");
  CK_SERVE(table, add_scaled, ck_add_scaled_scalar, CK_ISA_SCALAR, "reference");
  CK_SERVE(table, softcap, ck_softcap_scalar, CK_ISA_SCALAR, "reference");
  CK_SERVE(table, softmax, ck_softmax_scalar, CK_ISA_SCALAR, "reference");
  CK_SERVE(table, topk, ck_topk_scalar, CK_ISA_SCALAR, "reference");
  CK_SERVE(table, rope, ck_rope_scalar, CK_ISA_SCALAR, "reference");
  ck_serve_matmul_scalar(table);
  CK_SERVE(table, kv_store[CK_FORMAT_F32], ck_kv_store_scalar, CK_ISA_SCALAR, "reference");
  CK_SERVE(table, attention[CK_FORMAT_F32], ck_attention_scalar, CK_ISA_SCALAR, "reference");
  CK_SERVE(table, kv_store[CK_FORMAT_F16], ck_kv_store_scalar, CK_ISA_SCALAR, "reference");
  CK_SERVE(table, attention[CK_FORMAT_F16], ck_attention_scalar, CK_ISA_SCALAR, "reference");
  CK_SERVE(table, kv_store[CK_FORMAT_BF16], ck_kv_store_scalar, CK_ISA_SCALAR, "reference");
  CK_SERVE(table, attention[CK_FORMAT_BF16], ck_attention_scalar, CK_ISA_SCALAR, "reference");
  CK_SERVE(table, kv_store[CK_FORMAT_Q8_0], ck_kv_store_scalar, CK_ISA_SCALAR, "reference");
  CK_SERVE(table, attention[CK_FORMAT_Q8_0], ck_attention_scalar, CK_ISA_SCALAR, "reference");
  CK_SERVE(table, attention_merge, ck_attention_merge_scalar, CK_ISA_SCALAR, "reference");
}
