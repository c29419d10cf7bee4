// Detects the instruction sets of the ISA list at run time. Topology and caches are elsewhere.
#include "hardware/isa.h"

#include <string.h>

#include "runtime/platform.h"
#if CK_ARM
#include <sys/auxv.h>
#endif

static const struct {
  const char *name;
  bool compiled;
} isas[CK_ISA_COUNT] = {
#define ISA(id, name, guard) {name, guard},
#include "ck_isas.def"
#undef ISA
};

const char *ck_isa_name(ck_isa isa) { return (unsigned)isa < CK_ISA_COUNT ? isas[isa].name : "auto"; }

ck_isa ck_isa_named(const char *name) {
  for (int i = 0; name != NULL && i < CK_ISA_COUNT; i++)
    if (strcmp(name, isas[i].name) == 0) return (ck_isa)i;
  return CK_ISA_AUTO;
}

#if CK_X86
// __builtin_cpu_supports also asks the kernel (XGETBV) whether it saves the wide registers.
static bool processor_has(ck_isa isa) {
  __builtin_cpu_init();
  bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
  bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
  switch (isa) {
    case CK_ISA_AVX2: return avx2;
    case CK_ISA_AVX512: return avx512;
    case CK_ISA_AVX512_VNNI: return avx512 && __builtin_cpu_supports("avx512vnni");
    case CK_ISA_AVX512_BF16:
      return avx512 && __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bf16");
    default: return isa == CK_ISA_SCALAR;
  }
}
#elif CK_ARM
static bool processor_has(ck_isa isa) {
  const unsigned long dotprod = 1UL << 20, i8mm = 1UL << 13;  // HWCAP_ASIMDDP, HWCAP2_I8MM
  switch (isa) {
    case CK_ISA_NEON: return true;
    case CK_ISA_NEON_DOTPROD: return (getauxval(AT_HWCAP) & dotprod) != 0;
    case CK_ISA_NEON_I8MM: return (getauxval(AT_HWCAP) & dotprod) != 0 && (getauxval(AT_HWCAP2) & i8mm) != 0;
    default: return isa == CK_ISA_SCALAR;
  }
}
#else
static bool processor_has(ck_isa isa) { return isa == CK_ISA_SCALAR; }
#endif

bool ck_isa_available(ck_isa isa) {
  return (unsigned)isa < CK_ISA_COUNT && isas[isa].compiled && processor_has(isa);
}

// Within an architecture each ISA of the list contains those that follow it.
bool ck_isa_extends(ck_isa isa, ck_isa part) { return part >= isa && isas[part].compiled; }

ck_isa ck_isa_best(void) {
  for (int i = 0; i < CK_ISA_COUNT; i++)
    if (ck_isa_available((ck_isa)i)) return (ck_isa)i;
  return CK_ISA_SCALAR;
}
