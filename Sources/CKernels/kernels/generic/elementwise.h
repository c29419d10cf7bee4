// Gating, scaled sums and softcap over the vector vocabulary. Included once an ISA, in its target region.
// A lane's result does not depend on where its vector starts, so callers may cut rows anywhere.

CK_INLINE vf CK_NAME(act)(ck_gate act, vf x) {
  const vf half = vf_set(0.5f), one = vf_set(1.0f);
  switch (act) {
    case CK_GATE_SILU:  // x / (1 + e^-x), without inf / inf below -88
      x = vf_max(vf_set(-FLT_MAX), x);
      return vf_div(x, vf_add(one, vf_exp(vf_sub(vf_zero(), x))));
    case CK_GATE_GELU_TANH: {
      vf inner = vf_mul(vf_mul(x, vf_set(0.7978845608028654f)), vf_fma(vf_mul(x, x), vf_set(0.044715f), one));
      return vf_mul(vf_mul(half, vf_max(vf_set(-FLT_MAX), x)), vf_add(one, vf_tanh(inner)));
    }
    case CK_GATE_GELU_ERF: {
      vf inner = vf_mul(x, vf_set(0.7071067811865476f));
      return vf_mul(vf_mul(half, vf_max(vf_set(-FLT_MAX), x)), vf_add(one, vf_erf(inner)));
    }
    default: return x;
  }
}

CK_INLINE void CK_NAME(gated_of)(ck_gate act, const ck_gated_call *call) {
  size_t i = 0;
  for (; i + VW <= call->n; i += VW) {
    vf y = CK_NAME(act)(act, vf_load(call->gate + i));
    if (call->up) y = vf_mul(y, vf_load(call->up + i));
    vf_store(call->y + i, y);
  }
  if (i == call->n) return;
  size_t part = call->n - i;
  vf y = CK_NAME(act)(act, vf_load_part(call->gate + i, part));
  if (call->up) y = vf_mul(y, vf_load_part(call->up + i, part));
  vf_store_part(call->y + i, part, y);
}

static void CK_NAME(gated)(const ck_gated_call *call) {
  switch (call->act) {
    case CK_GATE_SILU: CK_NAME(gated_of)(CK_GATE_SILU, call); break;
    case CK_GATE_GELU_TANH: CK_NAME(gated_of)(CK_GATE_GELU_TANH, call); break;
    case CK_GATE_GELU_ERF: CK_NAME(gated_of)(CK_GATE_GELU_ERF, call); break;
    default: CK_NAME(gated_of)(CK_GATE_NONE, call); break;
  }
}

static void CK_NAME(add_scaled)(const ck_add_scaled_call *call) {
  vf a = vf_set(call->a);
  size_t i = 0;
  for (; i + VW <= call->n; i += VW) vf_store(call->y + i, vf_fma(a, vf_load(call->x + i), vf_load(call->y + i)));
  if (i == call->n) return;
  size_t part = call->n - i;
  vf_store_part(call->y + i, part, vf_fma(a, vf_load_part(call->x + i, part), vf_load_part(call->y + i, part)));
}

static void CK_NAME(softcap)(const ck_softcap_call *call) {
  vf cap = vf_set(call->cap);
  for (size_t i = 0; i < call->n; i += VW) {
    size_t part = call->n - i < VW ? call->n - i : VW;
    vf x = vf_load_part(call->x + i, part);
    vf_store_part(call->x + i, part, vf_mul(cap, vf_tanh(vf_div(x, cap))));
  }
}
