// The reference kernels, which are the scalar ISA: declared here so that tests can call them as the oracle.
#ifndef CK_REFERENCE_H
#define CK_REFERENCE_H

#include "kernels/kernels.h"

void ck_rms_norm_scalar(const ck_norm_call *call);

void ck_peak_f64_scalar(ck_peak_call *call);
void ck_peak_f32_scalar(ck_peak_call *call);
void ck_peak_s8_scalar(ck_peak_call *call);
void ck_memory_read_scalar(ck_memory_call *call);
void ck_memory_write_scalar(ck_memory_call *call);
void ck_memory_copy_scalar(ck_memory_call *call);
void ck_memory_triad_scalar(ck_memory_call *call);

#endif
