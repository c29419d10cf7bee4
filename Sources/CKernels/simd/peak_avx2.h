// What the roof kernels need of AVX2 with FMA: vector size, chains and the 8-bit step. Included inside the target
// region; immintrin.h comes before it.
#define PEAK_BYTES 32
// Latency 4 to 5 and 2 instructions a cycle need 10 chains; 16 registers hold them beside the two operands.
#define PEAK_CHAINS 10
/// Makes the compiler forget what it knows of x, so that it can't lift the product out of the loop. No instruction.
#define PEAK_OPAQUE(x) __asm__ volatile("" : "+x"(x))

// Four vpmaddubsw are added in 16 bits before one vpmaddwd widens them. Kernels may do so where weights have few
// bits, so the loop that bounds them does it too.
#define PEAK_S8_CHAINS 8
#define PEAK_S8_LANES 128
#define PEAK_S8(acc, left, right)                                                         \
  do {                                                                                    \
    __m256i part = _mm256_maddubs_epi16((__m256i)(left), (__m256i)(right));               \
    for (int more = 0; more < 3; more++) {                                                \
      PEAK_OPAQUE(left);                                                                  \
      part = _mm256_add_epi16(part, _mm256_maddubs_epi16((__m256i)(left), (__m256i)(right))); \
    }                                                                                     \
    PEAK_OPAQUE(left);                                                                    \
    part = _mm256_madd_epi16(part, _mm256_set1_epi16(1));                                 \
    (acc) = (__typeof__(acc))_mm256_add_epi32((__m256i)(acc), part);                      \
  } while (0)
