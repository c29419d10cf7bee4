// The model-level C ABI of Gobi, version 1: runtime, models, adapters, text, sessions, samplers, grammars, engines.
// Kernels are in ckernels.h, a C++ wrapper is gobi.hpp. docs/ABI.md says how this header may change.
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
//    NULL options are all defaults. Events are structs of the library's own, and then struct_size says how much of one
//    there is.
//  - Variable results go to (buffer, capacity) and their full length to *needed, which may be NULL. A buffer that is
//    too small gets nothing and the call returns GOBI_BUFFER_TOO_SMALL with *needed set; capacity 0 with buffer NULL
//    asks for the length. Text is UTF-8; its length is in bytes without the terminating 0, which is written where
//    there is room for it, so capacity needed + 1 gives a C string.
//  - Text arguments with a length need no terminating 0. Paths and names are C strings.
//  - Times are in seconds, as double. Timeouts: 0 does not wait, GOBI_FOREVER waits without limit.
//  - Threads: runtimes, models, adapters, tokenizers, cancel flags, grammars, engines, embedders and what is submitted
//    to them are used from any number of threads at once; but for gobi_generation_next, which has one caller at a time.
//    Sessions, samplers, decoders, matchers and chat parsers are used by one thread at a time. A call that meets
//    another one where it may not returns GOBI_BUSY.
//    Nothing may be given back while a call on it runs. Giving back waits for nothing that could last: not for a step
//    that is evaluated, not for an answer.
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
  GOBI_FAILED = 11,           // a system call or numeric failure: see the message
  GOBI_QUEUE_FULL = 12,       // as many requests wait as may: try again later
  GOBI_DEADLINE_EXCEEDED = 13,
  GOBI_SHUTTING_DOWN = 14  // the engine takes no more requests
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

// ---------------------------------------------------------------------------------------------------- adapters

/// A LoRA adapter, packed for one model's kernels; shared by any number of sequences and requests.
typedef struct gobi_adapter gobi_adapter;

typedef struct gobi_adapter_options {
  size_t struct_size;
  uint64_t budget;  // most bytes of packed matrices; 0: no limit
} gobi_adapter_options;

/// `path`: GGUF, a PEFT .safetensors with adapter_config.json beside it, or the folder of the two. GOBI_BAD_FILE if it
/// is none, or another model's; GOBI_UNSUPPORTED if it has more to it than what is run here.
GOBI_API gobi_status gobi_adapter_open(const char *path, const gobi_model *model, const gobi_adapter_options *options,
                                       gobi_adapter **adapter, gobi_error **error);
GOBI_API void gobi_adapter_close(gobi_adapter *adapter);

typedef struct gobi_adapter_info {
  size_t struct_size;    // set by the caller
  uint64_t parameters;   // values in all its matrices
  uint64_t bytes;        // of its packed matrices
  uint64_t fingerprint;  // tells this adapter from others
  uint32_t rank;         // the greatest of its matrices
  uint32_t modules;      // linear layers that it changes
} gobi_adapter_info;

GOBI_API gobi_status gobi_adapter_describe(const gobi_adapter *adapter, gobi_adapter_info *info, gobi_error **error);

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

// -------------------------------------------------------------------------------------------------------- chat

/// Reads content, reasoning and tool calls from an answer as it comes, in the format of the model's family. See
/// docs/CHAT.md.
typedef struct gobi_chat_parser gobi_chat_parser;

typedef struct gobi_chat_options {
  size_t struct_size;
  const char *tools;     // those given to gobi_chat_render; NULL: none, and what looks like a call is content
  const char *prompt;    // (prompt_length) the rendered prompt: it may end inside reasoning; or NULL
  size_t prompt_length;
  uint64_t id_seed;      // ids of calls are the same for the same seed; 0: by chance
} gobi_chat_options;

/// Whether answers of the model are to be decoded with render_special for a parser: its marks are control tokens then.
GOBI_API gobi_status gobi_chat_shows_special(const gobi_model *model, bool *shows, gobi_error **error);
GOBI_API gobi_status gobi_chat_parser_create(const gobi_model *model, const gobi_chat_options *options,
                                             gobi_chat_parser **parser, gobi_error **error);
GOBI_API void gobi_chat_parser_destroy(gobi_chat_parser *parser);
/// Takes a piece of the answer: whole characters, as decoders and engines give them.
GOBI_API gobi_status gobi_chat_parser_append(gobi_chat_parser *parser, const char *text, size_t length,
                                             gobi_error **error);
/// Ends the answer: what was held back becomes events.
GOBI_API gobi_status gobi_chat_parser_finish(gobi_chat_parser *parser, gobi_error **error);

enum {
  GOBI_CHAT_CONTENT = 0,         // text
  GOBI_CHAT_REASONING = 1,       // text
  GOBI_CHAT_CALL_BEGAN = 2,      // index, id, name
  GOBI_CHAT_CALL_ARGUMENTS = 3,  // index; text: all pieces together are a JSON object
  GOBI_CHAT_CALL_ENDED = 4,      // index
  GOBI_CHAT_MALFORMED_CALL = 5   // what began as a call is none; text says why, and the call follows as content
};

/// The library's own: valid until the next call on the parser.
typedef struct gobi_chat_event {
  size_t struct_size;  // of the library's struct: a later version has more
  const char *text;    // UTF-8 with a terminating 0; "" where there is none
  size_t text_length;  // in bytes
  const char *id;      // of a call; else ""
  const char *name;    // of the function; else ""
  size_t index;        // of the call in the answer, from 0
  int32_t kind;        // GOBI_CHAT_...
} gobi_chat_event;

/// The next event of what was appended so far; NULL where there is none.
GOBI_API gobi_status gobi_chat_parser_next(gobi_chat_parser *parser, const gobi_chat_event **event, gobi_error **error);

typedef struct gobi_grammar gobi_grammar;

/// Holds an answer to a call of one of `tools`, or of the one called `name` where that is not NULL: the prompt goes on
/// with the text in `buffer`, encoded with parse_special; the rest is held to *grammar; and a parser is fed the text
/// first. `in_reasoning`: the prompt ends inside reasoning, which the text then ends. GOBI_UNSUPPORTED where the
/// model's format cannot be held to a call. The grammar is made only where the buffer is large enough.
GOBI_API gobi_status gobi_chat_force_call(const gobi_model *model, const char *tools, const char *name,
                                          bool in_reasoning, gobi_grammar **grammar, char *buffer, size_t capacity,
                                          size_t *needed, gobi_error **error);

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
/// Gives an empty sequence an adapter, or none for NULL. `scale` multiplies the adapter's own. Branches have it too.
GOBI_API gobi_status gobi_sequence_set_adapter(gobi_session *session, gobi_sequence sequence,
                                               const gobi_adapter *adapter, float scale, gobi_error **error);
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

/// As gobi_sample, from the tokens that `mask` has a bit for: token t is bit t % 64 of word t / 64. Tokens beyond its
/// `words` words are not allowed. The log-probability is still the model's own. gobi_matcher_mask makes such masks.
GOBI_API gobi_status gobi_sample_masked(gobi_sampler *sampler, const float *logits, size_t vocabulary,
                                        const uint64_t *mask, size_t words, gobi_choice *choice, gobi_choice *top,
                                        size_t top_capacity, size_t *top_count, gobi_error **error);

// ----------------------------------------------------------------------------------------------------- grammar

// A gobi_grammar: texts that may be generated, compiled for one vocabulary. docs/GRAMMAR.md says what can be written.

enum {
  GOBI_GRAMMAR_JSON_SCHEMA = 0,  // JSON texts that are valid against a schema; "true" is any JSON
  GOBI_GRAMMAR_GBNF = 1,         // the texts of rule `root`
  GOBI_GRAMMAR_REGEX = 2         // texts that match an ECMA-262 pattern as a whole
};

typedef struct gobi_grammar_options {
  size_t struct_size;
  size_t source_bytes;  // most bytes of the source; 0: 1 MiB
  size_t states;        // most states of its automata; 0: 200,000
  size_t mask_bytes;    // most bytes of masks that are kept; 0: 64 MiB
  bool compact;         // JSON without white space
} gobi_grammar_options;

/// Compiles `length` bytes of UTF-8. GOBI_BAD_TEXT if they are wrong, GOBI_UNSUPPORTED if they ask for what cannot be
/// enforced or passes a limit; the message names the place. The first grammar of a tokenizer also sorts its vocabulary,
/// which takes about as long as loading it.
GOBI_API gobi_status gobi_grammar_create(const gobi_tokenizer *tokenizer, int32_t kind, const char *text,
                                         size_t length, const gobi_grammar_options *options, gobi_grammar **grammar,
                                         gobi_error **error);
GOBI_API void gobi_grammar_destroy(gobi_grammar *grammar);

/// One text as a grammar reads it, token by token. The engine has its own; this one is for sessions.
typedef struct gobi_matcher gobi_matcher;

enum {
  GOBI_MATCHER_OPEN = 0,       // the text is a beginning
  GOBI_MATCHER_COMPLETE = 1,   // it may end here, or go on
  GOBI_MATCHER_EXHAUSTED = 2,  // it is complete, and nothing but an ending token can follow
  GOBI_MATCHER_FINISHED = 3    // an ending token was accepted
};

GOBI_API gobi_status gobi_matcher_create(const gobi_grammar *grammar, gobi_matcher **matcher, gobi_error **error);
/// A matcher that has read the same text, for a branch of a sequence, or to go back to.
GOBI_API gobi_status gobi_matcher_clone(gobi_matcher *matcher, gobi_matcher **clone, gobi_error **error);
GOBI_API void gobi_matcher_destroy(gobi_matcher *matcher);
/// Sets *state to a GOBI_MATCHER_...
GOBI_API gobi_status gobi_matcher_state(gobi_matcher *matcher, int32_t *state, gobi_error **error);
/// The tokens that may come next, as gobi_sample_masked takes them; ending tokens where the text is complete.
/// `capacity` and `*needed` are in words: (vocabulary of the tokenizer + 63) / 64. No bit is set after an ending token.
GOBI_API gobi_status gobi_matcher_mask(gobi_matcher *matcher, uint64_t *mask, size_t capacity, size_t *needed,
                                       gobi_error **error);
/// Reads a token. GOBI_INVALID_ARGUMENT, and nothing changes, if the mask has no bit for it.
GOBI_API gobi_status gobi_matcher_accept(gobi_matcher *matcher, int32_t token, gobi_error **error);
/// Tokens that must come next whatever the model prefers, perhaps none: evaluate them together, and accept each one.
GOBI_API gobi_status gobi_matcher_forced(gobi_matcher *matcher, int32_t *tokens, size_t capacity, size_t *needed,
                                         gobi_error **error);

// ------------------------------------------------------------------------------------------------------ engine

/// A timeout that never comes.
#define GOBI_FOREVER (-1.0)

/// Serves many requests to one model by continuous batching, on a thread of its own. A request's tokens are those that
/// a session alone would give, bit for bit: whatever runs beside it.
typedef struct gobi_engine gobi_engine;

typedef struct gobi_engine_options {
  size_t struct_size;
  size_t context;                // positions of a prompt and its answer; 0: the model's default_context
  size_t chunk;                  // rows in one pass through the model; 0: 512
  uint64_t kv_budget;            // most bytes of keys and values, the prefix cache's among them; 0: no limit
  uint64_t cache_bytes;          // of these, the most that the prefix cache keeps; 0: 256 MiB
  uint64_t swap_bytes;           // beyond kv_budget, for sequences that make room; 0: none, they are computed again
  size_t max_sequences;          // evaluated together; 0: 32
  size_t max_queue;              // requests that may wait for their first step; 0: 1,024
  size_t max_step_tokens;        // tokens of a step, prompts' and generated ones; 0: 512, or max_sequences if greater
  double time_per_output_token;  // aim for the time between a request's tokens; 0: 0.1
  double time_to_first_token;    // aim, from submission; 0: 2
  double aging;                  // a waiting request rises by one priority level each time this has passed; 0: 5
  int32_t kv_format;             // GOBI_KV_...
  bool no_cache;                 // no prefix cache
} gobi_engine_options;

/// GOBI_INVALID_ARGUMENT for an encoder. The engine keeps the model.
GOBI_API gobi_status gobi_engine_create(const gobi_model *model, const gobi_engine_options *options,
                                        gobi_engine **engine, gobi_error **error);
/// Cancels what it still serves, and returns at once. Generations stay usable: their last event is there. Who must know
/// when the thread has ended calls gobi_engine_shut_down and gobi_engine_wait before.
GOBI_API void gobi_engine_destroy(gobi_engine *engine);
/// Positions that a prompt and its answer may have together; 0 for a wrong handle.
GOBI_API size_t gobi_engine_context(const gobi_engine *engine);
/// Takes no more requests, and ends when those that are there are finished.
GOBI_API gobi_status gobi_engine_drain(gobi_engine *engine, gobi_error **error);
/// Cancels every request and ends, in milliseconds.
GOBI_API gobi_status gobi_engine_shut_down(gobi_engine *engine, gobi_error **error);
/// Waits until the engine has ended, after one of the two above. *ended says whether it has.
GOBI_API gobi_status gobi_engine_wait(gobi_engine *engine, double timeout, bool *ended, gobi_error **error);
/// Gives the prefix cache's memory back, before the next step.
GOBI_API gobi_status gobi_engine_clear_cache(gobi_engine *engine, gobi_error **error);

/// A request in an engine, until it is given back.
typedef struct gobi_generation gobi_generation;

typedef struct gobi_request_options {
  size_t struct_size;
  const int32_t *prompt;  // (prompt_count) tokens, one at least
  size_t prompt_count;
  const gobi_sampler_options *sampling;  // NULL: greedy
  const gobi_tokenizer *tokenizer;       // for texts; NULL: the grammar's, and without one events have tokens alone
  const gobi_grammar *grammar;           // what the answer is held to, made for the tokenizer; or NULL
  const gobi_adapter *adapter;           // of the same model; or NULL. Prefixes are shared within an adapter and scale
  const int32_t *stop_tokens;            // (stop_token_count) tokens that end it, beside the tokenizer's ending tokens
  size_t stop_token_count;
  const char *const *stop_strings;  // (stop_string_count) texts that end it and do not appear; need a tokenizer
  size_t stop_string_count;
  size_t max_tokens;    // 0: as many as context and budget have room for
  double deadline;      // from submission; a request that is not finished by then fails. 0: none
  uint64_t cache_key;   // prefixes are shared by requests of the same key: one a tenant hides what others asked
  int32_t priority;     // greater is more urgent, -100 to 100
  float adapter_scale;  // multiplies the adapter's own scale; 0: 1
  bool no_cache;        // neither uses the prefix cache nor leaves anything in it
  bool ignore_eos;      // the tokenizer's ending tokens do not end it
  bool render_special;  // control tokens show as their names
  bool at_text_start;   // the first generated token opens a text and continues no prompt
} gobi_request_options;

/// Hands a request in; nothing of `request` is needed after the call. GOBI_QUEUE_FULL, GOBI_SHUTTING_DOWN,
/// GOBI_CONTEXT_EXCEEDED where the prompt does not fit, GOBI_OUT_OF_MEMORY where the whole budget would be too small.
/// Several answers to one prompt are several requests with seeds of their own: the prefix cache computes it once.
GOBI_API gobi_status gobi_engine_submit(gobi_engine *engine, const gobi_request_options *request,
                                        gobi_generation **generation, gobi_error **error);
/// Cancels the request if it is not over.
GOBI_API void gobi_generation_destroy(gobi_generation *generation);
/// Ends the request: a FINISHED event with GOBI_FINISH_CANCELLED is there at once. Does nothing if it is over. Not for
/// signal handlers.
GOBI_API gobi_status gobi_generation_cancel(gobi_generation *generation);

enum {
  GOBI_EVENT_STARTED = 0,   // it left the queue
  GOBI_EVENT_TOKEN = 1,     // a token, and the text that can be shown now
  GOBI_EVENT_FINISHED = 2,  // the end, and what text was still held back
  GOBI_EVENT_FAILED = 3     // the end, for a reason that status and message tell
};

/// Why a generation finished.
enum {
  GOBI_FINISH_NONE = 0,         // it is no FINISHED event
  GOBI_FINISH_STOP_TOKEN = 1,   // the model ended its turn, or chose one of stop_tokens: `token` has it
  GOBI_FINISH_STOP_STRING = 2,  // one of stop_strings was about to appear
  GOBI_FINISH_GRAMMAR = 3,      // the text satisfies the grammar, and nothing can follow
  GOBI_FINISH_LENGTH = 4,       // max_tokens; under a grammar the text is all but sure to be a beginning only
  GOBI_FINISH_CONTEXT = 5,      // no room was left
  GOBI_FINISH_CANCELLED = 6
};

/// The library's own: valid until the next gobi_generation_next on the generation, or until that is given back.
typedef struct gobi_event {
  size_t struct_size;      // of the library's struct: a later version has more
  const char *text;        // UTF-8, whole characters, with a terminating 0; "" where there is none
  size_t text_length;      // in bytes
  const char *message;     // FAILED: one sentence; FINISHED with STOP_STRING: that string; else ""
  const gobi_choice *top;  // (top_count) the most likely tokens, most likely first
  size_t top_count;
  size_t cached_tokens;    // STARTED: prompt tokens that need not be computed
  int32_t kind;            // GOBI_EVENT_...
  int32_t finish;          // GOBI_FINISH_...
  gobi_status status;      // FAILED: why
  int32_t token;           // TOKEN, and FINISHED with STOP_TOKEN; else -1
  float log_probability;   // TOKEN: natural, in the model's own distribution; 0 for a token that a grammar forced
  bool is_last;
} gobi_event;

/// The next event, at most after `timeout`; NULL if none came, and after the last one. One caller at a time.
GOBI_API gobi_status gobi_generation_next(gobi_generation *generation, double timeout, const gobi_event **event,
                                          gobi_error **error);
/// A descriptor that is readable while an event waits, for poll and epoll. It is the generation's: neither read nor
/// close it. Take events with a timeout of 0 until there is none.
GOBI_API gobi_status gobi_generation_descriptor(gobi_generation *generation, int *descriptor, gobi_error **error);

/// What a request took so far.
typedef struct gobi_usage {
  size_t struct_size;  // set by the caller
  uint64_t prompt_tokens;
  uint64_t cached_tokens;      // of the prompt's, those that the prefix cache had
  uint64_t completion_tokens;  // a stop token counts
  uint64_t forced_tokens;      // of these, those that the grammar left no choice of: several share a step
  uint64_t preemptions;        // times that it had to make room
  uint64_t recomputed_tokens;  // positions computed again because of that
  uint64_t peak_kv_bytes;      // shared ones included
  double queue_time;             // from submission to its first step; -1: none yet
  double time_to_first_token;    // from submission; -1: none yet
  double decode_time;            // from the first token to the last
  double time_per_output_token;  // the mean; -1 with fewer than two tokens
} gobi_usage;

GOBI_API gobi_status gobi_generation_usage(gobi_generation *generation, gobi_usage *usage, gobi_error **error);

/// What an engine has done: totals since its start, and what is now.
typedef struct gobi_counters {
  size_t struct_size;                             // set by the caller
  uint64_t submitted, refused;                    // requests taken, and not taken
  uint64_t finished, cancelled, failed;           // how they ended
  uint64_t waiting, running, paused;              // now: before their first step, in steps, making room
  uint64_t steps, stopped_steps;                  // run to their end, and stopped because of a cancellation
  uint64_t prefill_tokens, cached_tokens;         // prompt tokens computed, and had by the cache
  uint64_t generated_tokens, forced_tokens;       // and of these, those that grammars forced
  uint64_t preemptions, recomputed_tokens, swapped_bytes;
  uint64_t kv_bytes, cache_bytes, kv_budget;      // now; no budget is 0
  uint64_t evicted_blocks;                        // that the cache gave up
  uint64_t queue_count, first_token_count, output_token_count;  // requests that the sums below are over
  double queue_sum;         // submission to first step
  double first_token_sum;   // submission to first token
  double output_token_sum;  // mean times between a request's tokens
} gobi_counters;

GOBI_API gobi_status gobi_engine_counters(gobi_engine *engine, gobi_counters *counters, gobi_error **error);
/// The same with histograms, in Prometheus' text format 0.0.4. `labels` stands in the braces of every line, such as
/// model="smollm2", already escaped; or NULL.
GOBI_API gobi_status gobi_engine_prometheus(gobi_engine *engine, const char *labels, char *buffer, size_t capacity,
                                            size_t *needed, gobi_error **error);

// -------------------------------------------------------------------------------------------------- embeddings

/// Which hidden states make a text's vector. The default is what the engine's options say, and there the mean for an
/// encoder and the last token for others.
enum { GOBI_POOLING_DEFAULT = 0, GOBI_POOLING_MEAN = 1, GOBI_POOLING_FIRST = 2, GOBI_POOLING_LAST = 3 };

/// Serves vectors of texts of any length, and scores of documents, on a thread of its own. A result is what a session
/// alone would give for the same chunks, bit for bit.
typedef struct gobi_embedder gobi_embedder;

typedef struct gobi_embedder_options {
  size_t struct_size;
  const gobi_tokenizer *tokenizer;  // its special tokens are put around texts; NULL: none are
  size_t context;                   // positions of a chunk that there is room for; 0: the model's default_context
  size_t chunk_tokens;              // tokens of a chunk at most, special ones included; 0: the context
  size_t max_queue;                 // requests that may wait; 0: 1,024
  size_t max_queued_tokens;         // tokens of all of them; 0: 8,388,608
  size_t max_step_tokens;           // tokens of a step; 0: 2,048
  size_t max_step_chunks;           // chunks of a step; 0: 64
  double time_to_result;            // aim, from submission; 0: 2
  double aging;                     // a waiting request rises by one priority level each time this has passed; 0: 5
  int32_t pooling;                  // GOBI_POOLING_...
  int32_t reserved;
} gobi_embedder_options;

GOBI_API gobi_status gobi_embedder_create(const gobi_model *model, const gobi_embedder_options *options,
                                          gobi_embedder **embedder, gobi_error **error);
/// Cancels what it still serves, and returns at once.
GOBI_API void gobi_embedder_destroy(gobi_embedder *embedder);
/// As of an engine.
GOBI_API gobi_status gobi_embedder_drain(gobi_embedder *embedder, gobi_error **error);
GOBI_API gobi_status gobi_embedder_shut_down(gobi_embedder *embedder, gobi_error **error);
GOBI_API gobi_status gobi_embedder_wait(gobi_embedder *embedder, double timeout, bool *ended, gobi_error **error);
GOBI_API gobi_status gobi_embedder_prometheus(gobi_embedder *embedder, const char *labels, char *buffer,
                                              size_t capacity, size_t *needed, gobi_error **error);

/// What becomes of a text that is longer than a chunk: it is cut into chunks, whose vectors are averaged by their
/// tokens and whose best score counts; or it is refused with GOBI_CONTEXT_EXCEEDED; or what is beyond is left out.
enum { GOBI_EXCESS_CHUNK = 0, GOBI_EXCESS_REFUSE = 1, GOBI_EXCESS_TRUNCATE = 2 };

/// A request in an embedder, until it is given back.
typedef struct gobi_embedding gobi_embedding;

typedef struct gobi_embed_request {
  size_t struct_size;
  const int32_t *tokens;  // (token_count) without special ones
  size_t token_count;
  const int32_t *second;  // (second_count) the second of a pair, which an encoder looks at together; or NULL
  size_t second_count;
  size_t overlap;     // tokens that a chunk repeats of the one before; 0: an eighth
  double deadline;    // from submission; 0: none
  int32_t excess;     // GOBI_EXCESS_...
  int32_t pooling;    // GOBI_POOLING_...
  int32_t priority;   // greater is more urgent, -100 to 100
  bool labels;        // scores of the model's classification head in place of a vector
  bool unnormalised;  // the vector is not scaled to length 1
} gobi_embed_request;

GOBI_API gobi_status gobi_embedder_submit(gobi_embedder *embedder, const gobi_embed_request *request,
                                          gobi_embedding **embedding, gobi_error **error);

typedef struct gobi_rerank_request {
  size_t struct_size;
  const int32_t *query;  // (query_count) without special tokens
  size_t query_count;
  const int32_t *const *documents;  // (document_count) of (document_tokens[i])
  const size_t *document_tokens;
  size_t document_count;
  double deadline;   // from submission; 0: none
  int32_t excess;    // GOBI_EXCESS_...
  int32_t priority;  // greater is more urgent, -100 to 100
} gobi_rerank_request;

/// How well documents answer a query: (document_count) scores, greater is better. A model whose classification head has
/// one label looks at query and document together; of others a score is the cosine of two vectors.
GOBI_API gobi_status gobi_embedder_rerank(gobi_embedder *embedder, const gobi_rerank_request *request,
                                          gobi_embedding **embedding, gobi_error **error);
/// Cancels the request if it is not over.
GOBI_API void gobi_embedding_destroy(gobi_embedding *embedding);
GOBI_API gobi_status gobi_embedding_cancel(gobi_embedding *embedding);
/// Waits for the result. *done says whether it is there; the status is what the request failed for.
GOBI_API gobi_status gobi_embedding_wait(gobi_embedding *embedding, double timeout, bool *done, gobi_error **error);
/// The vector or the scores. `capacity` and `*needed` are in floats. GOBI_INVALID_ARGUMENT before the result is there.
GOBI_API gobi_status gobi_embedding_values(gobi_embedding *embedding, float *values, size_t capacity, size_t *needed,
                                           gobi_error **error);
/// A descriptor that is readable when gobi_embedding_wait may say more than it did. Of a reranking it changes: ask
/// again where that said that nothing was there; -1 where there is nothing to wait for. Neither read nor close it.
GOBI_API gobi_status gobi_embedding_descriptor(gobi_embedding *embedding, int *descriptor, gobi_error **error);

#ifdef __cplusplus
}
#endif
#endif
