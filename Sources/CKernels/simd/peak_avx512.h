// What the roof kernels need of AVX-512: vector size, chains, and the 8-bit and bf16 steps where the region has them.
// Included inside the target region; immintrin.h comes before it.
#define PEAK_BYTES 64
// Latency 4 and at most 2 instructions a cycle need 8 chains; 12 leave room for uneven ports. 32 registers hold them.
#define PEAK_CHAINS 12
/// Makes the compiler forget what it knows of x, so that it can't lift the product out of the loop. No instruction.
#define PEAK_OPAQUE(x) __asm__ volatile("" : "+v"(x))

#define PEAK_S8_CHAINS 12
#define PEAK_S8_LANES 64
#define PEAK_S8(acc, left, right) \
  (acc) = (__typeof__(acc))_mm512_dpbusd_epi32((__m512i)(acc), (__m512i)(left), (__m512i)(right))
#define PEAK_BF16(acc, left, right) \
  (acc) = (__typeof__(acc))_mm512_dpbf16_ps((__m512)(acc), (__m512bh)(left), (__m512bh)(right))
