// The kernel C ABI of Gobi: types, status codes, operations and introspection. Knows no file and no model.
//
// Conventions
//  - Every call returns ck_status; nothing prints, aborts or exits. Results are written only on CK_OK.
//  - Sizes are in elements unless the name says bytes. Matrices are row-major; `ld` is the distance between rows.
//  - Every options or argument struct starts with struct_size = sizeof(it): later versions append fields.
//  - An operation's result depends on its inputs and the ISA alone: never on the number of threads, on the number
//    of rows computed together, or on their order. Each sum has one fixed order.
//  - A ck_runtime may be shared: operations on it take turns. Buffers belong to the caller.
#ifndef CKERNELS_H
#define CKERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CK_VERSION_MAJOR 1
#define CK_VERSION_MINOR 0

#if defined(__GNUC__)
#define CK_API __attribute__((visibility("default")))
#else
#define CK_API
#endif

// ---------------------------------------------------------------------------------------------------- status

typedef enum ck_status {
  CK_OK = 0,
  CK_INVALID_ARGUMENT = 1,  // a NULL, a size, a stride or an enum out of range
  CK_UNSUPPORTED = 2,       // the combination is valid but no kernel serves it here
  CK_OUT_OF_MEMORY = 3,
  CK_CANCELLED = 4,  // the cancel flag was seen; outputs hold unspecified values
  CK_SYSTEM = 5,     // a system call failed: see errno
  CK_BUSY = 6,
  CK_NUMERIC = 7,  // a factorisation met a singular matrix
} ck_status;

/// A short English name of `status`, never NULL.
CK_API const char *ck_status_name(ck_status status);

// --------------------------------------------------------------------------------------------------- formats

typedef enum ck_activation {
  CK_ACTIVATION_F32 = 0,
  CK_ACTIVATION_BF16 = 1,
  CK_ACTIVATION_Q8_32 = 2,   // int8, one float scale for 32 values
  CK_ACTIVATION_Q8_256 = 3,  // int8, one float scale for 256 values
} ck_activation;

typedef enum ck_format {
#define FORMAT(id, name, values, bytes, activation, gguf) CK_FORMAT_##id,
#include "ck_formats.def"
#undef FORMAT
  CK_FORMAT_COUNT
} ck_format;

typedef struct ck_format_info {
  const char *name;
  uint32_t values_per_block;
  uint32_t bytes_per_block;
  ck_activation activation;
  int32_t gguf_type;
} ck_format_info;

/// What the list says of `format`, or NULL if there is no such format.
CK_API const ck_format_info *ck_format_describe(ck_format format);

/// Decodes `count` values (a multiple of the block's) from `blocks` to float32. NULL-safe, alignment-free.
CK_API ck_status ck_decode(ck_format format, const void *blocks, size_t count, float *values);

/// Encodes `count` values to `blocks`. `importance` (count values, may be NULL) weighs the squared errors; what is
/// negative or NaN in it counts as 0. F32, F16 and BF16 keep NaN and infinity; in all other formats NaN is encoded as
/// 0, and infinities and values out of the format's range saturate: every decoded value is finite.
CK_API ck_status ck_encode(ck_format format, const float *values, size_t count, const float *importance,
                           void *blocks);

// -------------------------------------------------------------------------------------------------- hardware

typedef enum ck_isa {
#define ISA(id, name, guard) CK_ISA_##id,
#include "ck_isas.def"
#undef ISA
  CK_ISA_COUNT,
  CK_ISA_AUTO = -1,
} ck_isa;

CK_API const char *ck_isa_name(ck_isa isa);
/// True if this binary holds kernels for `isa` and this processor and kernel can run them.
CK_API bool ck_isa_available(ck_isa isa);
/// The ISA named `name`, or CK_ISA_AUTO if there is none of that name.
CK_API ck_isa ck_isa_named(const char *name);

/// The machine, and what this process may use of it. Text is empty and sizes are 0 where the system does not tell.
typedef struct ck_hardware {
  size_t struct_size;
  char vendor[32];     // "AuthenticAMD", "ARM"
  char model[96];      // "AMD EPYC 9354 32-Core Processor", "Neoverse-V2"
  char features[384];  // what kernels could use, by the system's names, a space between: "avx2 fma avx512_vnni"
  char huge_pages[16];  // transparent huge pages: "always", "madvise" or "never"
  uint32_t logical_cores, physical_cores, sockets, numa_nodes;  // online
  uint32_t allowed_logical, allowed_physical;  // of the calling thread's affinity mask
  uint32_t threads;  // what a runtime starts by default: min(allowed_physical, quota rounded up)
  double quota;      // processors' worth of time that control groups allow; 0: no limit
  uint64_t l1d_bytes, l2_bytes, l3_bytes;  // of one instance
} ck_hardware;

/// Fills `hardware`, whose struct_size the caller has set.
CK_API ck_status ck_hardware_describe(ck_hardware *hardware);
/// The same from a recorded copy of /proc and /sys below the folder `root`.
CK_API ck_status ck_hardware_describe_at(const char *root, ck_hardware *hardware);

/// The logical processors that the calling thread may run on, in order: the first `capacity` of them go to `processors`,
/// their number to `count`.
CK_API ck_status ck_thread_processors(uint32_t *processors, size_t capacity, size_t *count);
/// Lets the calling thread, and those that it creates later, run on these alone. CK_SYSTEM where that is refused.
CK_API ck_status ck_thread_bind(const uint32_t *processors, size_t count);

// --------------------------------------------------------------------------------------------------- runtime

typedef struct ck_runtime ck_runtime;

typedef struct ck_runtime_options {
  size_t struct_size;
  uint32_t threads;  // 0: min(affinity mask, cgroup quota rounded up, physical cores)
  ck_isa isa;        // CK_ISA_AUTO: GOBI_ISA from the environment if set, else the best available
} ck_runtime_options;

/// Starts a runtime: the chosen kernels and a pool of threads - 1 workers beside the calling thread.
/// `options` may be NULL. An unavailable or unknown forced ISA is CK_UNSUPPORTED, never another one.
CK_API ck_status ck_runtime_create(const ck_runtime_options *options, ck_runtime **runtime);
CK_API void ck_runtime_destroy(ck_runtime *runtime);
CK_API uint32_t ck_runtime_threads(const ck_runtime *runtime);
CK_API ck_isa ck_runtime_isa(const ck_runtime *runtime);

/// A flag that operations poll between tiles: while *flag is nonzero they stop and return CK_CANCELLED.
/// It holds for operations called by this thread until it is set to NULL again.
CK_API void ck_set_cancel_flag(const int32_t *flag);

/// Runs `task(context, index, count)` once on each of the pool's threads and returns when all have ended.
CK_API ck_status ck_parallel(ck_runtime *runtime, void (*task)(void *context, uint32_t index, uint32_t count),
                             void *context);

/// Anonymous memory of at least `bytes`, zeroed, 2 MiB-aligned and advised for huge pages when large.
CK_API ck_status ck_memory_allocate(size_t bytes, void **memory);
CK_API void ck_memory_free(void *memory, size_t bytes);

/// One row of the kernel list: what serves an operation in a runtime, and why that one.
typedef struct ck_kernel_info {
  const char *operation;  // "matmul"
  const char *format;     // "Q4_0", or "" where the operation knows no format
  const char *kernel;     // "ck_matmul_q4_0_16x12_avx512vnni"
  const char *isa;        // "avx512vnni"
  const char *reason;     // why this one was chosen
} ck_kernel_info;

/// Row `index` of the list; CK_INVALID_ARGUMENT past its end.
CK_API ck_status ck_describe(const ck_runtime *runtime, size_t index, ck_kernel_info *info);

// ----------------------------------------------------------------------------------------------------- matmul

/// A weight matrix W (n, k) in panels: 16 rows interleaved, the last panel padded with rows of zero.
/// Plain data: it may be copied, and kept beside `data` in a file. `data` is the caller's, 64-byte aligned.
typedef struct ck_packed {
  ck_format format;
  uint32_t layout;      // version of the panel layout; depends on format and ISA
  uint32_t panel_rows;  // rows interleaved in one panel
  size_t n, k;
  size_t bytes;  // of data
  void *data;
} ck_packed;

/// Fills `packed` but for `data`. k must be a multiple of the format's values per block.
CK_API ck_status ck_packed_plan(const ck_runtime *runtime, ck_format format, size_t n, size_t k, ck_packed *packed);
/// Packs `rows` rows from file blocks, `source_stride` bytes apart, into rows [first_row, first_row + rows).
/// The memory behind `data` must have been zeroed once.
CK_API ck_status ck_packed_store(ck_runtime *runtime, ck_packed *packed, size_t first_row, size_t rows,
                                 const void *source, size_t source_stride);
/// Unpacks rows `ids` (count of them, each < n) as float32 into out (count, k), times `scale`: embedding look-up.
CK_API ck_status ck_packed_rows(ck_runtime *runtime, const ck_packed *packed, const int32_t *ids, size_t count,
                                float scale, float *out, size_t ldo);

/// Rows of x (m, k), converted to what the kernels of a format multiply with. `data` is the caller's.
typedef struct ck_activations {
  ck_activation kind;
  size_t m, k;
  size_t bytes;  // of data
  void *data;    // 64-byte aligned
} ck_activations;

/// Fills `activations` but for `data`.
CK_API ck_status ck_activations_plan(const ck_runtime *runtime, ck_activation kind, size_t m, size_t k,
                                     ck_activations *activations);
/// Converts x; row i of the result is x[rows[i]] or, where `rows` is NULL, x[i].
CK_API ck_status ck_activations_store(ck_runtime *runtime, ck_activations *activations, const float *x, size_t ldx,
                                      const int32_t *rows);

typedef enum ck_gate {
  CK_GATE_NONE = 0,
  CK_GATE_SILU = 1,
  CK_GATE_GELU_TANH = 2,
  CK_GATE_GELU_ERF = 3,
} ck_gate;

/// One product of a ck_matmul call: y[i, :] (+)= x[first_row + i, :] · Wᵀ + bias for i < rows.
typedef struct ck_matmul_output {
  const ck_packed *weights;  // (n, k)
  const ck_packed *gate;     // (n, k) or NULL; with it y = act(x · gateᵀ) * (x · weightsᵀ): the bits of two
                             // products and ck_gated
  const float *bias;         // (n) or NULL
  float *y;                  // (rows, n)
  size_t ldy;
  size_t first_row, rows;  // which rows of x; rows 0 means all that follow first_row
  ck_gate act;             // used with `gate`; without it and not NONE: y = act(x · Wᵀ + bias)
  bool accumulate;         // y += instead of y =
} ck_matmul_output;

typedef struct ck_matmul_args {
  size_t struct_size;
  const ck_activations *x;
  const ck_matmul_output *outputs;  // formats may differ, as long as x's kind serves each
  size_t output_count;
} ck_matmul_args;

/// All products in one parallel region. x of kind F32 serves every format (weights are decoded to float32, x is
/// not rounded); otherwise the kind must be the format's own.
CK_API ck_status ck_matmul(ck_runtime *runtime, const ck_matmul_args *args);

// -------------------------------------------------------------------------------------------- norms, elementwise

/// y[r, g, :] = x / sqrt(mean(x²) + epsilon) * (weight + offset), for each of `groups` vectors of `n` in a row.
typedef struct ck_norm_args {
  size_t struct_size;
  const float *x;
  size_t ldx;
  float *y;  // may be x
  size_t ldy;
  size_t rows, groups, n;  // groups of n follow each other in a row; 1 for an ordinary norm
  const float *weight;     // (n) or NULL for ones
  const float *bias;       // (n) or NULL; layer norm only
  float offset;            // added to the weight: 1 for Gemma's safetensors
  float epsilon;
} ck_norm_args;

CK_API ck_status ck_rms_norm(ck_runtime *runtime, const ck_norm_args *args);
/// (x - mean) / sqrt(variance + epsilon) * weight + bias, biased variance.
CK_API ck_status ck_layer_norm(ck_runtime *runtime, const ck_norm_args *args);

/// y[i, j] = act(gate[i, j]) * up[i, j]; `up` NULL means 1. y may be gate or up.
CK_API ck_status ck_gated(ck_runtime *runtime, ck_gate act, const float *gate, size_t ldg, const float *up, size_t ldu,
                          float *y, size_t ldy, size_t rows, size_t n);
/// y[i, j] += a * x[i, j]
CK_API ck_status ck_add_scaled(ck_runtime *runtime, float a, const float *x, size_t ldx, float *y, size_t ldy,
                               size_t rows, size_t n);
/// y[ids[i], :] += a[i] * x[i, :], in order of i: the weighted sum over experts. Each ids[i] < y_rows.
CK_API ck_status ck_scatter_add(ck_runtime *runtime, const float *a, const int32_t *ids, const float *x, size_t ldx,
                                float *y, size_t ldy, size_t y_rows, size_t rows, size_t n);
/// x = cap * tanh(x / cap)
CK_API ck_status ck_softcap(ck_runtime *runtime, float cap, float *x, size_t ldx, size_t rows, size_t n);
/// Row-wise softmax of scale * x, in place allowed. A row of -inf gives zeros; NaN or +inf makes its row NaN.
CK_API ck_status ck_softmax(ck_runtime *runtime, float scale, const float *x, size_t ldx, float *y, size_t ldy,
                            size_t rows, size_t n);
/// The `k` <= n largest of each row, largest first, ties by lower index: values (rows, k), indices (rows, k). NaN
/// counts as, and is returned as, -inf.
CK_API ck_status ck_topk(ck_runtime *runtime, const float *x, size_t ldx, size_t rows, size_t n, size_t k,
                         float *values, int32_t *indices);

// -------------------------------------------------------------------------------------------------------- RoPE

typedef enum ck_rope_pairing {
  CK_ROPE_HALVES = 0,       // (i, i + rotary / 2): Hugging Face's layout, "neox"
  CK_ROPE_INTERLEAVED = 1,  // (2i, 2i + 1): the paper's layout, GGUF's for llama
} ck_rope_pairing;

/// cos and sin (rows, pairs) of positions[r] * inverse_frequency[i], times magnitude, reduced in double.
CK_API ck_status ck_rope_table(ck_runtime *runtime, const float *inverse_frequency, size_t pairs, float magnitude,
                               const int32_t *positions, size_t rows, float *cosines, float *sines);
/// Rotates the first 2 * pairs values of each of `heads` vectors of `head_dim` in each row, in place.
CK_API ck_status ck_rope(ck_runtime *runtime, ck_rope_pairing pairing, float *x, size_t ldx, size_t rows, size_t heads,
                         size_t head_dim, const float *cosines, const float *sines, size_t pairs);

// --------------------------------------------------------------------------------------------------- attention

/// How one layer's keys and values of `positions` tokens lie in a block. Opaque to the caller but for its sizes; the
/// same on every ISA. F16 saturates at 65,504, BF16 at 3.39e38; Q8_0 keeps 32 dimensions in 8 bits with one F16 scale.
typedef struct ck_kv_layout {
  ck_format format;     // F32, F16, BF16 or Q8_0
  uint32_t positions;   // tokens in a block: CK_KV_BLOCK
  uint32_t kv_heads, head_dim;
  size_t layer_bytes;  // one layer's part of a block, a multiple of 64
} ck_kv_layout;

#define CK_KV_BLOCK 64

/// Fills `layout`. head_dim is a multiple of 8 up to 512; other sizes and formats are CK_UNSUPPORTED.
CK_API ck_status ck_kv_plan(const ck_runtime *runtime, ck_format format, uint32_t kv_heads, uint32_t head_dim,
                            ck_kv_layout *layout);

/// The format of 16 bits that this runtime attends to fastest: BF16 where the processor multiplies it, F16 elsewhere.
CK_API ck_format ck_kv_preferred(const ck_runtime *runtime);

/// One sequence's share of a ragged batch: rows [first_row, first_row + rows) are its positions
/// [position, position + rows).
typedef struct ck_kv_sequence {
  void *const *blocks;  // block b holds positions [b * CK_KV_BLOCK, (b + 1) * CK_KV_BLOCK); zeroed when allocated
  size_t block_count;
  size_t first_row, rows;
  size_t position;
} ck_kv_sequence;

/// Writes keys and values (rows, kv_heads, head_dim) of one layer into the blocks.
typedef struct ck_kv_store_args {
  size_t struct_size;
  const ck_kv_layout *layout;
  size_t layer;  // its part starts at layer * layer_bytes of each block
  const ck_kv_sequence *sequences;
  size_t sequence_count;
  const float *keys, *values;
  size_t ldk, ldv;
} ck_kv_store_args;

CK_API ck_status ck_kv_store(ck_runtime *runtime, const ck_kv_store_args *args);

/// out = softmax(scale * q · Kᵀ, masked) · V, by an online softmax over fixed chunks of positions.
/// A query at position p sees [0, p], or with a window w: (p - w, p]; not causal: all of the sequence's
/// position + rows positions, and a window is CK_UNSUPPORTED. Blocks that no query sees may be NULL.
typedef struct ck_attention_args {
  size_t struct_size;
  const ck_kv_layout *layout;
  size_t layer;
  const ck_kv_sequence *sequences;
  size_t sequence_count;
  const float *q;  // (rows, heads, head_dim)
  size_t ldq;
  float *out;  // (rows, heads, head_dim)
  size_t ldo;
  uint32_t heads;  // a multiple of kv_heads: query head h reads KV head h / (heads / kv_heads)
  float scale;
  float softcap;    // 0: none
  uint32_t window;  // 0: none
  bool causal;
  void *scratch;  // ck_attention_scratch_bytes
  size_t scratch_bytes;
} ck_attention_args;

CK_API ck_status ck_attention_scratch_bytes(const ck_runtime *runtime, const ck_attention_args *args, size_t *bytes);
CK_API ck_status ck_attention(ck_runtime *runtime, const ck_attention_args *args);

// ------------------------------------------------------------------------------------------------------- roofs

/// What a processor's multiply-add units are measured with. Tags: in x in : accumulator -> out.
typedef enum ck_precision {
  CK_PRECISION_F64 = 0,   // f64 x f64 : f64 -> f64
  CK_PRECISION_F32 = 1,   // f32 x f32 : f32 -> f32
  CK_PRECISION_BF16 = 2,  // bf16 x bf16 : f32 -> f32
  CK_PRECISION_S8 = 3,    // 8-bit x 8-bit integers : s32 -> s32
  CK_PRECISION_COUNT
} ck_precision;

/// One sample of a roof. seconds: from the first thread's start to the last one's end, monotonic clock.
typedef struct ck_roof_result {
  double seconds;
  uint64_t operations;  // counted exactly: a multiply is 1, an add is 1
  uint64_t bytes;       // read plus written, counted exactly
  uint32_t threads;     // that took part
  uint32_t wrong;       // of them, whose result differed from the exact value: above 0 the sample is void
} ck_roof_result;

/// Multiply-adds on registers: `blocks` blocks of 32,768 steps on each of `threads` threads (0: all of the pool).
/// CK_UNSUPPORTED where the runtime's ISA has no instruction for the precision.
CK_API ck_status ck_roof_compute(ck_runtime *runtime, ck_precision precision, uint32_t threads, uint64_t blocks,
                                 ck_roof_result *result);

typedef enum ck_memory_pass {
  CK_MEMORY_READ = 0,   // sum of 64-bit words: 8 bytes a word
  CK_MEMORY_WRITE = 1,  // fill: 8 bytes a word
  CK_MEMORY_COPY = 2,   // c = a: 16 bytes a word
  CK_MEMORY_TRIAD = 3,  // c = a + 3 b in double: 24 bytes a word
  CK_MEMORY_PASS_COUNT
} ck_memory_pass;

typedef struct ck_roof_arrays ck_roof_arrays;

/// Three arrays (a, b, c) of `bytes` bytes each, cut into one slice a thread, a multiple of 4 KiB, which only its
/// thread touches, first to last. Memory is taken as the passes need it: read takes one array, triad three.
/// Stores of arrays above `stream_from` bytes go past the caches. `threads` 0: all of the pool.
CK_API ck_status ck_roof_arrays_create(ck_runtime *runtime, uint32_t threads, size_t bytes, size_t stream_from,
                                       bool huge_pages, ck_roof_arrays **arrays);
CK_API void ck_roof_arrays_destroy(ck_roof_arrays *arrays);
/// One sample: `passes` passes over the arrays, checked word by word outside the timed window.
CK_API ck_status ck_roof_memory(ck_runtime *runtime, ck_roof_arrays *arrays, ck_memory_pass pass, uint64_t passes,
                                ck_roof_result *result);
/// `loads` dependent loads over the first thread's slice in one random cycle of its cache lines, on from where the last
/// ones ended. seconds / operations is the latency of one load; bytes counts one line a load.
CK_API ck_status ck_roof_latency(ck_runtime *runtime, ck_roof_arrays *arrays, uint64_t loads, ck_roof_result *result);
/// The same while the other threads of the arrays read their slices of a. seconds / operations is the latency of a load,
/// bytes / seconds what the others read. CK_UNSUPPORTED where there is no other thread.
CK_API ck_status ck_roof_loaded_latency(ck_runtime *runtime, ck_roof_arrays *arrays, uint64_t loads,
                                        ck_roof_result *result);
/// Takes all memory of the arrays from NUMA node `node`; before their first use. CK_UNSUPPORTED where the system has no
/// such node or does not let its memory be chosen.
CK_API ck_status ck_roof_arrays_bind(ck_roof_arrays *arrays, uint32_t node);
/// The share, 0 to 1, of an array that was used whose pages lie on `node`.
CK_API ck_status ck_roof_arrays_on_node(const ck_roof_arrays *arrays, uint32_t node, double *share);
/// Dependent one-cycle additions on the calling thread: operations / seconds is the clock it runs at, in hertz.
CK_API ck_status ck_roof_clock(uint64_t additions, ck_roof_result *result);

// -------------------------------------------------------------------------------------------------- BLAS, LAPACK
// CK_UNSUPPORTED in a build without them. Leading dimensions and sizes above BLAS's integer: CK_INVALID_ARGUMENT.

/// y (m, n) = alpha * op(a) * op(b) + beta * y, row-major; op transposes where asked.
typedef struct ck_gemm_args {
  size_t struct_size;
  bool transpose_a, transpose_b;
  size_t m, n, k;
  size_t lda, ldb, ldy;
  double alpha, beta;
} ck_gemm_args;
CK_API ck_status ck_blas_sgemm(const ck_gemm_args *args, const float *a, const float *b, float *y);
CK_API ck_status ck_blas_dgemm(const ck_gemm_args *args, const double *a, const double *b, double *y);
/// Solves a x = b: a (n, n) column-major, becomes its LU factors; b (n) becomes x; pivots (n).
/// CK_NUMERIC if a is singular.
CK_API ck_status ck_lapack_solve(size_t n, double *a, size_t lda, int32_t *pivots, double *b);
/// The same by factors in single precision and refinement to double. a is kept; x (n). *refinements < 0: it did
/// not converge and was solved in double.
CK_API ck_status ck_lapack_solve_mixed(size_t n, double *a, size_t lda, int32_t *pivots, const double *b, double *x,
                                       int32_t *refinements);
/// Sets how many threads BLAS uses, for the whole process.
CK_API ck_status ck_blas_set_threads(uint32_t threads);

typedef struct ck_blas_info {
  const char *library;  // its own description: version, options
  const char *core;     // the kind of core its kernels are written for
  uint32_t threads;
} ck_blas_info;
CK_API ck_status ck_blas_describe(ck_blas_info *info);

#ifdef __cplusplus
}
#endif
#endif
