// The reference kernels, which are the scalar ISA: declared here so that tests can call them as the oracle.
#ifndef CK_REFERENCE_H
#define CK_REFERENCE_H

#include "dispatch/table.h"
#include "kernels/kernels.h"

/// The function of a gate. What a product applies to its sums and what ck_gated computes are the same bits.
double ck_act_scalar(ck_gate act, double x);

void ck_rms_norm_scalar(const ck_norm_call *call);
void ck_layer_norm_scalar(const ck_norm_call *call);
void ck_gated_scalar(const ck_gated_call *call);
void ck_add_scaled_scalar(const ck_add_scaled_call *call);
void ck_softcap_scalar(const ck_softcap_call *call);
void ck_softmax_scalar(const ck_softmax_call *call);
void ck_topk_scalar(const ck_topk_call *call);
void ck_rope_scalar(const ck_rope_call *call);

void ck_peak_f64_scalar(ck_peak_call *call);
void ck_peak_f32_scalar(ck_peak_call *call);
void ck_peak_s8_scalar(ck_peak_call *call);
void ck_memory_read_scalar(ck_memory_call *call);
void ck_memory_write_scalar(ck_memory_call *call);
void ck_memory_copy_scalar(ck_memory_call *call);
void ck_memory_triad_scalar(ck_memory_call *call);
void ck_kv_store_scalar(const ck_kv_store_call *call);
void ck_attention_scalar(const ck_attention_call *call);
void ck_attention_merge_scalar(const ck_attention_merge_call *call);

/// Puts packing, activations and matrix products into the table.
void ck_serve_matmul_scalar(ck_table *table);

#endif
