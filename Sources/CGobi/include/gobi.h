// The model-level C ABI of Gobi, version 1: runtime, models, text, sessions, samplers. Kernels are in ckernels.h.
//
// Conventions
//  - Calls that can fail return gobi_status and take `gobi_error **error` last. It may be NULL; otherwise *error
//    becomes NULL on success and on failure an object to free with gobi_error_free. Outputs are written on GOBI_OK
//    only, but for `needed` (see below). Nothing prints, aborts or exits.
//  - Handles are opaque, created by one call and given back by its counterpart, which takes NULL and does nothing.
//    A NULL handle, or one of another kind, is GOBI_INVALID_ARGUMENT. Using a handle that was given back is a bug
//    which cannot always be told. Objects keep alive what they were made of: a model may be closed while sessions
//    of it live, and a runtime while models do.
//  - Options structs start with struct_size = sizeof the struct; zero is every other field's default. A library newer
//    than the caller takes the smaller struct; an older one refuses a larger struct unless what it does not know is 0.
//    NULL options are all defaults.
//  - Variable results go to (buffer, capacity) and their full length to *needed, which may be NULL. A buffer that is
//    too small gets nothing and the call returns GOBI_BUFFER_TOO_SMALL with *needed set; capacity 0 with buffer NULL
//    asks for the length. Text is UTF-8; its length is in bytes without the terminating 0, which is written where
//    there is room for it, so capacity needed + 1 gives a C string.
//  - Text arguments with a length need no terminating 0. Paths and names are C strings.
//  - Threads: runtimes, models, tokenizers and cancel flags are used from any number of threads at once. Sessions,
//    samplers and decoders are used by one thread at a time: a call that meets another one returns GOBI_BUSY. Nothing
//    may be given back while a call on it runs.
#ifndef GOBI_H
#define GOBI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GOBI_VERSION_MAJOR 1
#define GOBI_VERSION_MINOR 0
#define GOBI_VERSION_PATCH 0

#if defined(__GNUC__)
#define GOBI_API __attribute__((visibility("default")))
#else
#define GOBI_API
#endif

/// The version of the library that runs, as major * 1,000,000 + minor * 1,000 + patch.
GOBI_API uint32_t gobi_version(void);

// ---------------------------------------------------------------------------------------------- status, errors

typedef int32_t gobi_status;
enum {
  GOBI_OK = 0,
  GOBI_INVALID_ARGUMENT = 1,  // a NULL, a wrong handle, a value out of range
  GOBI_BUFFER_TOO_SMALL = 2,  // *needed says how much it takes
  GOBI_BUSY = 3,              // another thread is in a call on this object
  GOBI_OUT_OF_MEMORY = 4,     // the system has no room, or a budget would be exceeded
  GOBI_CANCELLED = 5,         // the cancel flag was set
  GOBI_BAD_FILE = 6,          // a file is missing, malformed, or lacks what is needed
  GOBI_UNSUPPORTED = 7,       // well formed, but not something that this library or machine runs
  GOBI_CONTEXT_EXCEEDED = 8,  // a sequence would grow beyond its session's context
  GOBI_BAD_STATE = 9,         // a saved sequence is damaged or of another model
  GOBI_BAD_TEXT = 10,         // a tokenizer, chat template or JSON text is wrong, or refuses its input
  GOBI_FAILED = 11            // a system call or numeric failure: see the message
};

typedef struct gobi_error gobi_error;

/// A short English name of `status`, never NULL.
GOBI_API const char *gobi_status_name(gobi_status status);
/// One sentence that names what went wrong and where; "" for NULL. Lives as long as `error`.
GOBI_API const char *gobi_error_message(const gobi_error *error);
/// The status that came with it; GOBI_OK for NULL.
GOBI_API gobi_status gobi_error_code(const gobi_error *error);
GOBI_API void gobi_error_free(gobi_error *error);

// ------------------------------------------------------------------------------------------------------ cancel

/// A flag that stops calls from another thread, or from a signal's: they return GOBI_CANCELLED within milliseconds.
typedef struct gobi_cancel gobi_cancel;

GOBI_API gobi_status gobi_cancel_create(gobi_cancel **cancel, gobi_error **error);
GOBI_API void gobi_cancel_destroy(gobi_cancel *cancel);
GOBI_API gobi_status gobi_cancel_set(gobi_cancel *cancel);
/// Makes the flag usable again.
GOBI_API gobi_status gobi_cancel_reset(gobi_cancel *cancel);

// ----------------------------------------------------------------------------------------------------- runtime

/// Chosen kernels and a pool of threads; shared by models, whose operations take turns.
typedef struct gobi_runtime gobi_runtime;

typedef struct gobi_runtime_options {
  size_t struct_size;
  const char *isa;   // such as "avx2"; NULL: GOBI_ISA from the environment, else the best one here
  uint32_t threads;  // 0: the least of affinity mask, container quota and physical cores
  uint32_t reserved;
} gobi_runtime_options;

/// GOBI_UNSUPPORTED if the processor does not run the instruction set that was asked for: never another one.
GOBI_API gobi_status gobi_runtime_create(const gobi_runtime_options *options, gobi_runtime **runtime,
                                         gobi_error **error);
GOBI_API void gobi_runtime_destroy(gobi_runtime *runtime);
/// Threads that work on an operation, the calling one included; 0 for a wrong handle.
GOBI_API uint32_t gobi_runtime_threads(const gobi_runtime *runtime);
/// The name of the instruction set whose kernels run.
GOBI_API gobi_status gobi_runtime_isa(const gobi_runtime *runtime, char *buffer, size_t capacity, size_t *needed,
                                      gobi_error **error);
/// How many rows gobi_runtime_kernel knows; 0 for a wrong handle.
GOBI_API size_t gobi_runtime_kernel_count(const gobi_runtime *runtime);
/// Row `index` as a JSON object: operation, format, kernel, isa, reason. Which kernel serves what, and why.
GOBI_API gobi_status gobi_runtime_kernel(const gobi_runtime *runtime, size_t index, char *buffer, size_t capacity,
                                         size_t *needed, gobi_error **error);

// ------------------------------------------------------------------------------------------------------- model

typedef struct gobi_model gobi_model;

/// What keys and values are kept as. The default is BF16 where the processor multiplies it, F16 elsewhere, for encoders
/// and with exact activations: a saved sequence fits sessions of its own format only, so name one where it may move.
enum { GOBI_KV_DEFAULT = 0, GOBI_KV_F32 = 1, GOBI_KV_F16 = 2, GOBI_KV_Q8 = 3, GOBI_KV_BF16 = 4 };

/// What is at `path`, from headers alone, as a JSON object: files, metadata, tensors, formats, sizes.
/// A path is a GGUF file (any part of a split one), a safetensors file, or a folder with safetensors and config.json.
GOBI_API gobi_status gobi_inspect(const char *path, char *buffer, size_t capacity, size_t *needed,
                                  gobi_error **error);

typedef struct gobi_plan_options {
  size_t struct_size;
  size_t context;     // positions a sequence; 0: what the model was trained for
  size_t sequences;   // 0: 1
  size_t chunk;       // rows worked on at once; 0: 512
  int32_t kv_format;  // GOBI_KV_...
  int32_t reserved;
} gobi_plan_options;

/// Bytes that a model and one session take: upper bounds, but for the weights, which are exact.
typedef struct gobi_plan {
  size_t struct_size;  // set by the caller
  uint64_t weights;    // packed weights, shared by all sessions
  uint64_t kv;         // keys and values if every position of every sequence is filled
  uint64_t workspace;
  uint64_t logits;  // one row a sequence
  uint64_t total;
  uint64_t context;  // positions that the plan was made for
} gobi_plan;

/// What the model at `path` would take. Reads headers; loads nothing.
GOBI_API gobi_status gobi_plan_memory(const char *path, gobi_runtime *runtime, const gobi_plan_options *options,
                                      gobi_plan *plan, gobi_error **error);

typedef struct gobi_model_options {
  size_t struct_size;
  uint64_t budget;                                     // most bytes of packed weights; 0: no limit
  void (*progress)(double fraction, void *context);    // called by loading threads, 0 to 1; or NULL
  void *progress_context;
  gobi_cancel *cancel;     // or NULL
  bool exact_activations;  // float32 where quantised weights would have int8 or bf16: slower, closer to the weights
  const char *panel_cache;  // folder that packed weights are kept in and read from; NULL: none. Trust it as the model
} gobi_model_options;

/// Loads a model for the runtime's kernels, its tokenizer and chat template where it has them.
GOBI_API gobi_status gobi_model_open(const char *path, gobi_runtime *runtime, const gobi_model_options *options,
                                     gobi_model **model, gobi_error **error);
GOBI_API void gobi_model_close(gobi_model *model);
/// What the panel cache did while the model was loaded, as a JSON object: outcome ("off"; "loaded": from the cache;
/// "stored": packed, and kept for the next time; "not stored"), path of the file, reason: why the panels were not there
/// before, failure: why none are there now. Trouble with the cache never fails gobi_model_open.
GOBI_API gobi_status gobi_model_panel_cache(const gobi_model *model, char *buffer, size_t capacity, size_t *needed,
                                            gobi_error **error);

typedef struct gobi_model_info {
  size_t struct_size;   // set by the caller
  uint64_t parameters;  // values in all weights, tied ones counted once
  uint64_t weight_bytes;
  uint64_t fingerprint;  // tells this model from others
  uint32_t vocabulary, context, default_context, width, layers, heads, kv_heads, head_dim;
  bool is_encoder;         // gives hidden states and no logits
  bool has_tokenizer;
  bool has_chat_template;
} gobi_model_info;

GOBI_API gobi_status gobi_model_describe(const gobi_model *model, gobi_model_info *info, gobi_error **error);
/// The architecture, such as "llama".
GOBI_API gobi_status gobi_model_architecture(const gobi_model *model, char *buffer, size_t capacity, size_t *needed,
                                             gobi_error **error);
/// What the file calls the model; "" if nothing.
GOBI_API gobi_status gobi_model_name(const gobi_model *model, char *buffer, size_t capacity, size_t *needed,
                                     gobi_error **error);

// -------------------------------------------------------------------------------------------------------- text

typedef struct gobi_tokenizer gobi_tokenizer;

/// The model's tokenizer; GOBI_BAD_TEXT, saying why, if it has none that can be used.
GOBI_API gobi_status gobi_tokenizer_create(const gobi_model *model, gobi_tokenizer **tokenizer, gobi_error **error);
GOBI_API void gobi_tokenizer_destroy(gobi_tokenizer *tokenizer);

/// For the opening or closing token: as the model expects, never, always.
enum { GOBI_ADD_DEFAULT = 0, GOBI_ADD_NEVER = 1, GOBI_ADD_ALWAYS = 2 };

typedef struct gobi_encode_options {
  size_t struct_size;
  int32_t add_bos, add_eos;  // GOBI_ADD_...
  bool parse_special;        // "<|im_end|>" becomes that token. Never set it for text that a user typed
} gobi_encode_options;

/// Token ids of `length` bytes of text, valid UTF-8 or not. `capacity` and `*needed` are in tokens.
GOBI_API gobi_status gobi_encode(const gobi_tokenizer *tokenizer, const char *text, size_t length,
                                 const gobi_encode_options *options, int32_t *tokens, size_t capacity, size_t *needed,
                                 gobi_error **error);
/// The text of tokens. Bytes that are no UTF-8 become U+FFFD. Ids must be in the vocabulary.
GOBI_API gobi_status gobi_decode(const gobi_tokenizer *tokenizer, const int32_t *tokens, size_t count,
                                 bool render_special, char *buffer, size_t capacity, size_t *needed,
                                 gobi_error **error);
/// The bytes that one token adds to a text: perhaps a part of a character.
GOBI_API gobi_status gobi_token_piece(const gobi_tokenizer *tokenizer, int32_t token, bool render_special,
                                      char *buffer, size_t capacity, size_t *needed, gobi_error **error);
/// -1 where there is none, and for a wrong handle.
GOBI_API int32_t gobi_token_bos(const gobi_tokenizer *tokenizer);
GOBI_API int32_t gobi_token_eos(const gobi_tokenizer *tokenizer);
/// The token whose text is exactly `piece`, or -1.
GOBI_API int32_t gobi_token_named(const gobi_tokenizer *tokenizer, const char *piece);
GOBI_API bool gobi_token_is_special(const gobi_tokenizer *tokenizer, int32_t token);
/// Whether an answer is complete after this token: end of text, of turn, of message.
GOBI_API bool gobi_token_ends_generation(const gobi_tokenizer *tokenizer, int32_t token);

/// Text from tokens as they come: always whole characters.
typedef struct gobi_decoder gobi_decoder;

/// `at_text_start`: the first token opens a text and continues no prompt.
GOBI_API gobi_status gobi_decoder_create(const gobi_tokenizer *tokenizer, bool render_special, bool at_text_start,
                                         gobi_decoder **decoder, gobi_error **error);
GOBI_API void gobi_decoder_destroy(gobi_decoder *decoder);
/// Takes a token; gives the characters that it completes, perhaps none. With too small a buffer it is not taken.
GOBI_API gobi_status gobi_decoder_append(gobi_decoder *decoder, int32_t token, char *buffer, size_t capacity,
                                         size_t *needed, gobi_error **error);
/// Ends the stream: what never became a character comes out as U+FFFD.
GOBI_API gobi_status gobi_decoder_finish(gobi_decoder *decoder, char *buffer, size_t capacity, size_t *needed,
                                         gobi_error **error);

/// The prompt that the model's own template makes of a conversation. `messages`: a JSON array of objects with role and
/// content. `tools`: a JSON array, or NULL. Encode the result with parse_special and without an opening token.
GOBI_API gobi_status gobi_chat_render(const gobi_model *model, const char *messages, const char *tools,
                                      bool add_generation_prompt, char *buffer, size_t capacity, size_t *needed,
                                      gobi_error **error);

// ----------------------------------------------------------------------------------------------------- session

/// Sequences of one model that are evaluated together. Results depend on the weights, a sequence's tokens and the
/// instruction set alone. A call that fails leaves the session as it was.
typedef struct gobi_session gobi_session;
/// A sequence of one session; never 0. A removed one is never mistaken for a newer.
typedef uint64_t gobi_sequence;

typedef struct gobi_session_options {
  size_t struct_size;
  size_t context;      // positions a sequence; 0: the model's default_context. Nothing is reserved for them
  size_t chunk;        // rows worked on at once, at most 65,536; 0: 512. Results do not depend on it
  uint64_t kv_budget;  // most bytes of keys and values; 0: no limit
  int32_t kv_format;   // GOBI_KV_...
  int32_t reserved;
} gobi_session_options;

GOBI_API gobi_status gobi_session_create(const gobi_model *model, const gobi_session_options *options,
                                         gobi_session **session, gobi_error **error);
GOBI_API void gobi_session_destroy(gobi_session *session);
/// Bytes of keys and values in use.
GOBI_API gobi_status gobi_session_kv_bytes(gobi_session *session, uint64_t *bytes, gobi_error **error);

/// An empty sequence.
GOBI_API gobi_status gobi_sequence_create(gobi_session *session, gobi_sequence *sequence, gobi_error **error);
GOBI_API gobi_status gobi_sequence_remove(gobi_session *session, gobi_sequence sequence, gobi_error **error);
/// Positions that the sequence holds.
GOBI_API gobi_status gobi_sequence_position(gobi_session *session, gobi_sequence sequence, size_t *position,
                                            gobi_error **error);
/// A new sequence that begins with the first `position` positions of `sequence`, SIZE_MAX for all. Memory is shared
/// until one of them writes.
GOBI_API gobi_status gobi_sequence_branch(gobi_session *session, gobi_sequence sequence, size_t position,
                                          gobi_sequence *branch, gobi_error **error);
/// Drops all positions from `position` on. GOBI_INVALID_ARGUMENT where layers with a sliding window have given back what
/// `position` needs; 0, and up to 64 positions back from the furthest, always work. gobi_sequence_branch likewise.
GOBI_API gobi_status gobi_sequence_trim(gobi_session *session, gobi_sequence sequence, size_t position,
                                        gobi_error **error);
/// The sequence as bytes, for gobi_sequence_restore in any session with the same model and KV format.
GOBI_API gobi_status gobi_sequence_save(gobi_session *session, gobi_sequence sequence, void *buffer, size_t capacity,
                                        size_t *needed, gobi_error **error);
/// A new sequence from saved bytes, which are checked: GOBI_BAD_STATE if they are damaged or of another model.
GOBI_API gobi_status gobi_sequence_restore(gobi_session *session, const void *bytes, size_t count,
                                           gobi_sequence *sequence, gobi_error **error);

/// Which of an entry's tokens give a row of logits.
enum { GOBI_OUTPUT_LAST = 0, GOBI_OUTPUT_NONE = 1, GOBI_OUTPUT_ALL = 2 };

/// One sequence's part of a step: tokens that follow what it holds. Has a fixed layout.
typedef struct gobi_batch_entry {
  gobi_sequence sequence;  // may come once in a batch
  const int32_t *tokens;   // (count)
  size_t count;            // 1 at least
  int32_t output;          // GOBI_OUTPUT_...
  int32_t reserved;
} gobi_batch_entry;

/// Evaluates a ragged batch: every sequence grows by its tokens, or on failure none. `cancel` may be NULL.
GOBI_API gobi_status gobi_evaluate(gobi_session *session, const gobi_batch_entry *entries, size_t count,
                                   gobi_cancel *cancel, gobi_error **error);
/// Rows of logits that the last step gave.
GOBI_API gobi_status gobi_logit_rows(gobi_session *session, size_t *rows, gobi_error **error);
/// The logits (vocabulary) of one row, counted over all entries in order. Valid until the session's next step.
GOBI_API gobi_status gobi_logits(gobi_session *session, size_t row, const float **logits, gobi_error **error);

/// What gobi_embed gives: (tokens, width), or (width) twice.
enum { GOBI_EMBED_MEAN = 0, GOBI_EMBED_POOLED = 1, GOBI_EMBED_HIDDEN = 2 };

/// Encodes one whole text with an encoder. MEAN is scaled to length 1; POOLED is the model's own summary,
/// GOBI_UNSUPPORTED if it has none. `types`: a token type each, or NULL. `capacity` and `*needed` are in floats.
GOBI_API gobi_status gobi_embed(gobi_session *session, const int32_t *tokens, const int32_t *types, size_t count,
                                int32_t what, gobi_cancel *cancel, float *values, size_t capacity, size_t *needed,
                                gobi_error **error);

// ----------------------------------------------------------------------------------------------------- sampler

/// Draws tokens and remembers what it drew: one for each sequence.
typedef struct gobi_sampler gobi_sampler;

/// Steps, in order: bias; penalties; temperature; top-k; top-p; min-p; a draw. All 0 is greedy.
typedef struct gobi_sampler_options {
  size_t struct_size;
  const int32_t *bias_tokens;  // (bias_count) distinct ids
  const float *bias_values;    // (bias_count) added to logits; -infinity bans a token
  size_t bias_count;
  uint64_t seed;
  uint32_t top_k;            // 0: all
  uint32_t top_count;        // most likely tokens reported with each choice, for gobi_sample
  int32_t penalty_window;    // how many of the last tokens count as seen; 0: 64, -1: all
  float temperature;         // 0: the most likely token, the lowest id among equals
  float top_p;               // 0 or 1: all
  float min_p;               // 0: all
  float repetition_penalty;  // 0 or 1: none
  float frequency_penalty, presence_penalty;
} gobi_sampler_options;

GOBI_API gobi_status gobi_sampler_create(const gobi_sampler_options *options, gobi_sampler **sampler,
                                         gobi_error **error);
GOBI_API void gobi_sampler_destroy(gobi_sampler *sampler);

/// A token with its natural log-probability in the model's own distribution, before any option.
typedef struct gobi_choice {
  int32_t token;
  float log_probability;
} gobi_choice;

/// Chooses from `logits` (vocabulary), which stay as they are. `top` (top_capacity, at least the sampler's top_count,
/// or NULL with 0) gets the most likely tokens; *top_count how many. Tell with gobi_sampler_accept what was taken.
GOBI_API gobi_status gobi_sample(gobi_sampler *sampler, const float *logits, size_t vocabulary, gobi_choice *choice,
                                 gobi_choice *top, size_t top_capacity, size_t *top_count, gobi_error **error);
/// Counts a token as seen, for the penalties: those of the prompt, and each one that was taken.
GOBI_API gobi_status gobi_sampler_accept(gobi_sampler *sampler, int32_t token, gobi_error **error);

#ifdef __cplusplus
}
#endif
#endif
