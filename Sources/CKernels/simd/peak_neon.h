// What the roof kernels need of NEON: vector size, chains and the 8-bit step of the region's best instruction, which
// the file that opens the region names by PEAK_S8_MATRIX (smmla) or PEAK_S8_DOT (sdot). arm_neon.h comes before it.
#define PEAK_BYTES 16
// Latency 4 and up to 4 instructions a cycle need 16 chains; 32 registers hold them.
#define PEAK_CHAINS 16
/// Makes the compiler forget what it knows of x, so that it can't lift the product out of the loop. No instruction.
#define PEAK_OPAQUE(x) __asm__ volatile("" : "+w"(x))

#define PEAK_S8_CHAINS 16
#if defined(PEAK_S8_MATRIX)
#define PEAK_S8_LANES 32
#define PEAK_S8(acc, left, right) \
  (acc) = (__typeof__(acc))vmmlaq_s32((int32x4_t)(acc), (int8x16_t)(left), (int8x16_t)(right))
#elif defined(PEAK_S8_DOT)
#define PEAK_S8_LANES 16
#define PEAK_S8(acc, left, right) \
  (acc) = (__typeof__(acc))vdotq_s32((int32x4_t)(acc), (int8x16_t)(left), (int8x16_t)(right))
#else
#define PEAK_S8_LANES 16
#define PEAK_S8(acc, left, right)                                                              \
  do {                                                                                         \
    PEAK_OPAQUE(left);                                                                         \
    int16x8_t part = vmull_s8(vget_low_s8((int8x16_t)(left)), vget_low_s8((int8x16_t)(right))); \
    part = vmlal_high_s8(part, (int8x16_t)(left), (int8x16_t)(right));                         \
    (acc) = (__typeof__(acc))vpadalq_s16((int32x4_t)(acc), part);                              \
  } while (0)
#endif
