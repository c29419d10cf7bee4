// RoPE over the vector vocabulary: rotates the heads of one row in place. Included once an ISA, in its target region.
// The interleaved pairing is left to the compiler: its shuffles are what we would write.

CK_INLINE void CK_NAME(rope_halves)(float *x, const float *cosines, const float *sines, size_t pairs) {
  for (size_t i = 0; i < pairs; i += VW) {
    size_t part = pairs - i < VW ? pairs - i : VW;
    vf a = vf_load_part(x + i, part), b = vf_load_part(x + pairs + i, part);
    vf c = vf_load_part(cosines + i, part), s = vf_load_part(sines + i, part);
    vf_store_part(x + i, part, vf_fnma(b, s, vf_mul(a, c)));
    vf_store_part(x + pairs + i, part, vf_fma(a, s, vf_mul(b, c)));
  }
}

CK_INLINE void CK_NAME(rope_interleaved)(float *x, const float *cosines, const float *sines, size_t pairs) {
  for (size_t i = 0; i < pairs; i++) {
    float a = x[2 * i], b = x[2 * i + 1], c = cosines[i], s = sines[i];
    x[2 * i] = __builtin_fmaf(-b, s, a * c);
    x[2 * i + 1] = __builtin_fmaf(a, s, b * c);
  }
}

static void CK_NAME(rope)(const ck_rope_call *call) {
  for (size_t h = 0; h < call->heads; h++) {
    float *x = call->x + h * call->head_dim;
    if (call->pairing == CK_ROPE_HALVES)
      CK_NAME(rope_halves)(x, call->cosines, call->sines, call->pairs);
    else
      CK_NAME(rope_interleaved)(x, call->cosines, call->sines, call->pairs);
  }
}
