// Passes over memory: eight vectors a turn, so that loads outnumber the loop's own instructions. Included once an
// ISA, inside its target region, after simd/peak_<isa>.h. Which arrays and whose slice: ops/roof.c.

/// Both halves at once: one core of a Zen 4 reads 32.8 GB/s in two streams, 31.1 in one, 31.8 in four, 28.3 in eight.
static void CK_NAME(memory_read)(ck_memory_call *call) {
  typedef uint64_t vector __attribute__((vector_size(PEAK_BYTES)));
  enum { LANES = PEAK_BYTES / 8, TURN = 8, HALF = TURN / 2 };
  const size_t half = call->words / LANES / 2;
  vector acc[TURN] = {0}, all = {0};
  for (size_t pass = 0; pass < call->passes; pass++) {
    const vector *a = (const vector *)call->a, *b = a + half;
    for (size_t i = 0; i < half; i += HALF)
      for (int j = 0; j < HALF; j++) {
        acc[j] += a[i + j];
        acc[HALF + j] += b[i + j];
      }
    __asm__ volatile("" ::: "memory");  // the next pass loads again
  }
  for (int j = 0; j < TURN; j++) all += acc[j];
  uint64_t sum = 0;
  for (int i = 0; i < LANES; i++) sum += all[i];
  call->sum = sum;
}

static void CK_NAME(memory_write)(ck_memory_call *call) {
  typedef uint64_t vector __attribute__((vector_size(PEAK_BYTES)));
  const size_t vectors = call->words / (PEAK_BYTES / 8);
  vector *c = (vector *)call->c, value = call->value - (vector){0};
  for (size_t pass = 0; pass < call->passes; pass++) {
    if (call->stream)
      for (size_t i = 0; i < vectors; i++) __builtin_nontemporal_store(value, c + i);
    else
      for (size_t i = 0; i < vectors; i++) c[i] = value;
    __asm__ volatile("" ::: "memory");
  }
  __atomic_thread_fence(__ATOMIC_SEQ_CST);  // streamed stores have left the core
}

static void CK_NAME(memory_copy)(ck_memory_call *call) {
  typedef uint64_t vector __attribute__((vector_size(PEAK_BYTES)));
  const size_t vectors = call->words / (PEAK_BYTES / 8);
  const vector *a = (const vector *)call->a;
  vector *c = (vector *)call->c;
  for (size_t pass = 0; pass < call->passes; pass++) {
    if (call->stream)
      for (size_t i = 0; i < vectors; i++) __builtin_nontemporal_store(a[i], c + i);
    else
      for (size_t i = 0; i < vectors; i++) c[i] = a[i];
    __asm__ volatile("" ::: "memory");
  }
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static void CK_NAME(memory_triad)(ck_memory_call *call) {
  typedef double vector __attribute__((vector_size(PEAK_BYTES)));
  const size_t vectors = call->words / (PEAK_BYTES / 8);
  const vector *a = (const vector *)call->a, *b = (const vector *)call->b;
  vector *c = (vector *)call->c;
  for (size_t pass = 0; pass < call->passes; pass++) {
    if (call->stream)
      for (size_t i = 0; i < vectors; i++) __builtin_nontemporal_store(a[i] + 3.0 * b[i], c + i);
    else
      for (size_t i = 0; i < vectors; i++) c[i] = a[i] + 3.0 * b[i];
    __asm__ volatile("" ::: "memory");
  }
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
}
