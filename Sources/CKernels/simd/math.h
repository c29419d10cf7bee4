// exp, tanh and erf over the vector vocabulary, with their largest errors as measured against double precision on
// 44 million floats spread over all exponents. The polynomials are minimax fits of our own. Included after vec_*.h.

/// 2^x within 1 ULP; 0 for x <= -150 (and -inf), inf for x >= 128.5, NaN for NaN, exactly 1 at 0.
CK_INLINE vf vf_exp2(vf x) {
  x = vf_min(vf_set(129.0f), vf_max(vf_set(-151.0f), x));
  vf n = vf_round(x), r = vf_sub(x, n);  // |r| <= 1/2, exact
  vf p = vf_set(1.5353360504377633e-4f);
  p = vf_fma(p, r, vf_set(1.3398875016719103e-3f));
  p = vf_fma(p, r, vf_set(9.61843691766262e-3f));
  p = vf_fma(p, r, vf_set(5.5503323674201965e-2f));
  p = vf_fma(p, r, vf_set(0.24022647738456726f));
  p = vf_fma(p, r, vf_set(0.6931471824645996f));
  return vf_scale2(vf_fma(p, r, vf_set(1.0f)), n);
}

/// e^x within 1.1 ULP where the result is normal; 0 for x <= -104 (and -inf), inf from 88.73 on, NaN for NaN.
CK_INLINE vf vf_exp(vf x) {
  x = vf_min(vf_set(89.0f), vf_max(vf_set(-104.0f), x));
  vf n = vf_round(vf_mul(x, vf_set(1.4426950408889634f)));
  // ln 2 in two parts: the first has 12 bits fewer than a float, so that n times it is exact.
  vf r = vf_fnma(n, vf_set(0.693359375f), x);
  r = vf_fnma(n, vf_set(-2.12194440e-4f), r);
  vf q = vf_set(1.3950485736131668e-3f);
  q = vf_fma(q, r, vf_set(8.368887938559055e-3f));
  q = vf_fma(q, r, vf_set(4.166620597243309e-2f));
  q = vf_fma(q, r, vf_set(0.166665181517601f));
  q = vf_fma(q, r, vf_set(0.5f));
  vf p = vf_fma(vf_mul(q, r), r, r);
  return vf_scale2(vf_add(p, vf_set(1.0f)), n);
}

/// tanh within 1.4 ULP: an odd polynomial below 0.625, 1 - 2 / (e^2x + 1) above. NaN passes through.
CK_INLINE vf vf_tanh(vf x) {
  vf a = vf_abs(x), z = vf_mul(x, x);
  vf p = vf_set(-5.717036779969931e-3f);
  p = vf_fma(p, z, vf_set(2.0650578662753105e-2f));
  p = vf_fma(p, z, vf_set(-5.374349653720856e-2f));
  p = vf_fma(p, z, vf_set(0.13331490755081177f));
  p = vf_fma(p, z, vf_set(-0.3333328366279602f));
  vf near = vf_fma(vf_mul(p, z), x, x);
  vf far = vf_sub(vf_set(1.0f), vf_div(vf_set(2.0f), vf_add(vf_exp(vf_add(a, a)), vf_set(1.0f))));
  return vf_select(vf_lt(a, vf_set(0.625f)), near, vf_copysign(far, x));
}

/// erf within 1.3 ULP: an odd polynomial below 1, 1 - 2^Q(x) above, where 2^Q is erfc.
CK_INLINE vf vf_erf(vf x) {
  vf a = vf_abs(x), z = vf_mul(x, x);
  vf p = vf_set(7.889119297033176e-5f);
  p = vf_fma(p, z, vf_set(-8.020841050893068e-4f));
  p = vf_fma(p, z, vf_set(5.189535208046436e-3f));
  p = vf_fma(p, z, vf_set(-2.6854444295167923e-2f));
  p = vf_fma(p, z, vf_set(0.11283600330352783f));
  p = vf_fma(p, z, vf_set(-0.3761262595653534f));
  p = vf_fma(p, z, vf_set(0.12837916612625122f));
  vf near = vf_fma(p, x, x);
  vf b = vf_min(vf_set(4.0f), a);  // erf is 1 in float from 3.92 on
  vf q = vf_set(-3.1287512683775276e-5f);
  q = vf_fma(q, b, vf_set(6.367138121277094e-4f));
  q = vf_fma(q, b, vf_set(-6.0659004375338554e-3f));
  q = vf_fma(q, b, vf_set(3.636782616376877e-2f));
  q = vf_fma(q, b, vf_set(-0.1564149409532547f));
  q = vf_fma(q, b, vf_set(-0.9135432243347168f));
  q = vf_fma(q, b, vf_set(-1.6296372413635254f));
  q = vf_fma(q, b, vf_set(2.712847199290991e-4f));
  vf far = vf_copysign(vf_sub(vf_set(1.0f), vf_exp2(q)), x);
  return vf_select(vf_lt(a, vf_set(1.0f)), near, far);
}
