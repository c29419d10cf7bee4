// gobi.h for C++17: handles that give themselves back, texts and rows as standard types, events as a range. It is a
// header only and adds nothing to the library's ABI. Option structs stay those of gobi.h, which says what they mean.
//
// Conventions
//  - Errors are exceptions, gobi::Error: a constructor has no other way to fail, and so a handle that exists is one
//    that works. What is no failure is no exception: a poll that finds nothing gives nothing. Programs compiled
//    without exceptions use gobi.h.
//  - Handles move and do not copy. One that was moved from is empty; calls on it throw GOBI_INVALID_ARGUMENT.
//    get() lends the handle to functions of gobi.h.
//  - Threads as in gobi.h.
//
//     gobi::Runtime runtime;
//     gobi::Model model("model.gguf", runtime);
//     gobi::Tokenizer tokenizer(model);
//     gobi::Engine engine(model);
//     gobi::Request request(tokenizer.encode("Once upon a time"), tokenizer);
//     for (const gobi::Event &event : engine.submit(request)) std::cout << event.text << std::flush;
#ifndef GOBI_HPP
#define GOBI_HPP

#include <gobi.h>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gobi {

/// A call of the library that failed: its status, and its sentence as what().
class Error : public std::runtime_error {
 public:
  Error(gobi_status status, const std::string &message) : std::runtime_error(message), status_(status) {}
  gobi_status status() const noexcept { return status_; }

 private:
  gobi_status status_;
};

/// An options or result struct of gobi.h with its size set and all else at its default.
template <class T>
T sized() noexcept {
  T value = T();
  value.struct_size = sizeof value;
  return value;
}

namespace detail {

/// Calls function(arguments..., &error) and throws what it reports.
template <class Function, class... Arguments>
void call(Function function, Arguments... arguments) {
  gobi_error *error = nullptr;
  const gobi_status status = function(arguments..., &error);
  if (status == GOBI_OK) return;
  const std::string message = gobi_error_message(error);
  gobi_error_free(error);
  throw Error(status, message);
}

/// As call(), for functions that give a status alone.
inline void check(gobi_status status) {
  if (status != GOBI_OK) throw Error(status, gobi_status_name(status));
}

/// What function(arguments..., buffer, capacity, &needed, &error) gives, as a string or a vector.
template <class Result, class Function, class... Arguments>
Result filled(Function function, Arguments... arguments) {
  Result result;
  std::size_t needed = 0;
  for (;;) {
    gobi_error *error = nullptr;
    const gobi_status status = function(arguments..., result.data(), result.size(), &needed, &error);
    const std::string message = gobi_error_message(error);
    gobi_error_free(error);
    if (status == GOBI_OK) break;
    if (status != GOBI_BUFFER_TOO_SMALL || needed <= result.size()) throw Error(status, message);
    result.resize(needed);
  }
  result.resize(needed);
  return result;
}

template <class T, void (*Destroy)(T *)>
class Handle {
 public:
  Handle(Handle &&other) noexcept : raw_(std::exchange(other.raw_, nullptr)) {}
  Handle &operator=(Handle &&other) noexcept {
    if (this != &other) {
      Destroy(raw_);
      raw_ = std::exchange(other.raw_, nullptr);
    }
    return *this;
  }
  Handle(const Handle &) = delete;
  Handle &operator=(const Handle &) = delete;
  ~Handle() { Destroy(raw_); }

  /// The handle, for functions of gobi.h. It stays this object's.
  T *get() const noexcept { return raw_; }

 protected:
  Handle() noexcept = default;

  /// Calls create(arguments..., &handle, &error).
  template <class Create, class... Arguments>
  void create(Create function, Arguments... arguments) {
    call(function, arguments..., &raw_);
  }

  T *raw_ = nullptr;
};

}  // namespace detail

/// Stops calls from another thread, or from a signal's.
class Cancel : public detail::Handle<gobi_cancel, gobi_cancel_destroy> {
 public:
  Cancel() { create(gobi_cancel_create); }
  void set() { detail::check(gobi_cancel_set(raw_)); }
  void reset() { detail::check(gobi_cancel_reset(raw_)); }
};

class Runtime : public detail::Handle<gobi_runtime, gobi_runtime_destroy> {
 public:
  explicit Runtime(const gobi_runtime_options &options = sized<gobi_runtime_options>()) {
    create(gobi_runtime_create, &options);
  }
  std::uint32_t threads() const noexcept { return gobi_runtime_threads(raw_); }
  std::string isa() const { return detail::filled<std::string>(gobi_runtime_isa, raw_); }
};

class Model : public detail::Handle<gobi_model, gobi_model_close> {
 public:
  Model(const std::string &path, const Runtime &runtime,
        const gobi_model_options &options = sized<gobi_model_options>()) {
    create(gobi_model_open, path.c_str(), runtime.get(), &options);
  }

  gobi_model_info describe() const {
    auto info = sized<gobi_model_info>();
    detail::call(gobi_model_describe, raw_, &info);
    return info;
  }
  std::string architecture() const { return detail::filled<std::string>(gobi_model_architecture, raw_); }
  std::string name() const { return detail::filled<std::string>(gobi_model_name, raw_); }

  /// The prompt that the model's template makes of JSON messages. Encode it with parse_special and GOBI_ADD_NEVER.
  std::string render_chat(const std::string &messages, const char *tools = nullptr, bool generation = true) const {
    return detail::filled<std::string>(gobi_chat_render, raw_, messages.c_str(), tools, generation);
  }
};

/// A LoRA adapter, packed for one model.
class Adapter : public detail::Handle<gobi_adapter, gobi_adapter_close> {
 public:
  Adapter(const std::string &path, const Model &model,
          const gobi_adapter_options &options = sized<gobi_adapter_options>()) {
    create(gobi_adapter_open, path.c_str(), model.get(), &options);
  }
  gobi_adapter_info describe() const {
    auto info = sized<gobi_adapter_info>();
    detail::call(gobi_adapter_describe, raw_, &info);
    return info;
  }
};

class Tokenizer : public detail::Handle<gobi_tokenizer, gobi_tokenizer_destroy> {
 public:
  explicit Tokenizer(const Model &model) { create(gobi_tokenizer_create, model.get()); }

  std::vector<std::int32_t> encode(std::string_view text,
                                   const gobi_encode_options &options = sized<gobi_encode_options>()) const {
    return detail::filled<std::vector<std::int32_t>>(gobi_encode, raw_, text.data(), text.size(), &options);
  }
  std::string decode(const std::vector<std::int32_t> &tokens, bool render_special = false) const {
    return detail::filled<std::string>(gobi_decode, raw_, tokens.data(), tokens.size(), render_special);
  }
  std::string piece(std::int32_t token, bool render_special = false) const {
    return detail::filled<std::string>(gobi_token_piece, raw_, token, render_special);
  }
  /// -1 where there is none.
  std::int32_t bos() const noexcept { return gobi_token_bos(raw_); }
  std::int32_t eos() const noexcept { return gobi_token_eos(raw_); }
  bool ends_generation(std::int32_t token) const noexcept { return gobi_token_ends_generation(raw_, token); }
};

/// Text from tokens as they come: always whole characters.
class Decoder : public detail::Handle<gobi_decoder, gobi_decoder_destroy> {
 public:
  explicit Decoder(const Tokenizer &tokenizer, bool render_special = false, bool at_text_start = false) {
    create(gobi_decoder_create, tokenizer.get(), render_special, at_text_start);
  }
  std::string append(std::int32_t token) { return detail::filled<std::string>(gobi_decoder_append, raw_, token); }
  std::string finish() { return detail::filled<std::string>(gobi_decoder_finish, raw_); }
};

/// Logits that a session lends until its next step.
struct Logits {
  const float *values;
  std::size_t count;
  float operator[](std::size_t token) const { return values[token]; }
  const float *begin() const { return values; }
  const float *end() const { return values + count; }
};

class Session : public detail::Handle<gobi_session, gobi_session_destroy> {
 public:
  explicit Session(const Model &model, const gobi_session_options &options = sized<gobi_session_options>())
      : vocabulary_(model.describe().vocabulary) {
    create(gobi_session_create, model.get(), &options);
  }

  gobi_sequence add_sequence() {
    gobi_sequence sequence = 0;
    detail::call(gobi_sequence_create, raw_, &sequence);
    return sequence;
  }
  void remove(gobi_sequence sequence) { detail::call(gobi_sequence_remove, raw_, sequence); }
  void set_adapter(gobi_sequence sequence, const Adapter *adapter, float scale = 1) {
    detail::call(gobi_sequence_set_adapter, raw_, sequence, adapter ? adapter->get() : nullptr, scale);
  }
  void trim(gobi_sequence sequence, std::size_t position) {
    detail::call(gobi_sequence_trim, raw_, sequence, position);
  }
  gobi_sequence branch(gobi_sequence sequence, std::size_t position = SIZE_MAX) {
    gobi_sequence branch = 0;
    detail::call(gobi_sequence_branch, raw_, sequence, position, &branch);
    return branch;
  }
  std::size_t position(gobi_sequence sequence) {
    std::size_t position = 0;
    detail::call(gobi_sequence_position, raw_, sequence, &position);
    return position;
  }
  std::vector<unsigned char> save(gobi_sequence sequence) {
    return detail::filled<std::vector<unsigned char>>(gobi_sequence_save, raw_, sequence);
  }
  gobi_sequence restore(const std::vector<unsigned char> &bytes) {
    gobi_sequence sequence = 0;
    detail::call(gobi_sequence_restore, raw_, static_cast<const void *>(bytes.data()), bytes.size(), &sequence);
    return sequence;
  }

  void evaluate(const std::vector<gobi_batch_entry> &entries, const Cancel *cancel = nullptr) {
    detail::call(gobi_evaluate, raw_, entries.data(), entries.size(), cancel ? cancel->get() : nullptr);
  }
  /// Appends tokens to one sequence; the logits are those after the last.
  Logits evaluate(gobi_sequence sequence, const std::vector<std::int32_t> &tokens, const Cancel *cancel = nullptr) {
    gobi_batch_entry entry = gobi_batch_entry();
    entry.sequence = sequence;
    entry.tokens = tokens.data();
    entry.count = tokens.size();
    evaluate({entry}, cancel);
    return logits(0);
  }
  Logits logits(std::size_t row) {
    const float *values = nullptr;
    detail::call(gobi_logits, raw_, row, &values);
    return {values, vocabulary_};
  }

 private:
  std::size_t vocabulary_;
};

/// Texts that may be generated.
class Grammar : public detail::Handle<gobi_grammar, gobi_grammar_destroy> {
 public:
  static Grammar json_schema(const Tokenizer &tokenizer, std::string_view schema,
                             const gobi_grammar_options &options = sized<gobi_grammar_options>()) {
    return Grammar(tokenizer, GOBI_GRAMMAR_JSON_SCHEMA, schema, options);
  }
  static Grammar gbnf(const Tokenizer &tokenizer, std::string_view rules,
                      const gobi_grammar_options &options = sized<gobi_grammar_options>()) {
    return Grammar(tokenizer, GOBI_GRAMMAR_GBNF, rules, options);
  }
  static Grammar regex(const Tokenizer &tokenizer, std::string_view pattern,
                       const gobi_grammar_options &options = sized<gobi_grammar_options>()) {
    return Grammar(tokenizer, GOBI_GRAMMAR_REGEX, pattern, options);
  }

 private:
  Grammar(const Tokenizer &tokenizer, std::int32_t kind, std::string_view text, const gobi_grammar_options &options) {
    create(gobi_grammar_create, tokenizer.get(), kind, text.data(), text.size(), &options);
  }
};

/// What a chat parser found; gobi_chat_event as values.
struct ChatEvent {
  std::int32_t kind = GOBI_CHAT_CONTENT;
  std::string text;
  std::string id;
  std::string name;
  std::size_t index = 0;
};

/// Content, reasoning and tool calls of an answer as it comes.
class ChatParser : public detail::Handle<gobi_chat_parser, gobi_chat_parser_destroy> {
 public:
  explicit ChatParser(const Model &model, const gobi_chat_options &options = sized<gobi_chat_options>()) {
    create(gobi_chat_parser_create, model.get(), &options);
  }
  /// Takes a piece of the answer, and gives what is certain now.
  std::vector<ChatEvent> append(std::string_view text) {
    detail::call(gobi_chat_parser_append, raw_, text.data(), text.size());
    return taken();
  }
  /// Ends the answer, and gives what was held back.
  std::vector<ChatEvent> finish() {
    detail::call(gobi_chat_parser_finish, raw_);
    return taken();
  }

 private:
  std::vector<ChatEvent> taken() {
    std::vector<ChatEvent> events;
    const gobi_chat_event *lent = nullptr;
    for (;;) {
      detail::call(gobi_chat_parser_next, raw_, &lent);
      if (lent == nullptr) return events;
      events.push_back({lent->kind, std::string(lent->text, lent->text_length), lent->id, lent->name, lent->index});
    }
  }
};

/// One text as a grammar reads it, for use with a session.
class Matcher : public detail::Handle<gobi_matcher, gobi_matcher_destroy> {
 public:
  explicit Matcher(const Grammar &grammar) { create(gobi_matcher_create, grammar.get()); }

  Matcher clone() const {
    Matcher copy;
    copy.create(gobi_matcher_clone, raw_);
    return copy;
  }
  /// A GOBI_MATCHER_...
  std::int32_t state() const {
    std::int32_t state = 0;
    detail::call(gobi_matcher_state, raw_, &state);
    return state;
  }
  /// Bit t % 64 of word t / 64 says whether token t may come next.
  std::vector<std::uint64_t> mask() const {
    return detail::filled<std::vector<std::uint64_t>>(gobi_matcher_mask, raw_);
  }
  void accept(std::int32_t token) { detail::call(gobi_matcher_accept, raw_, token); }
  std::vector<std::int32_t> forced() const {
    return detail::filled<std::vector<std::int32_t>>(gobi_matcher_forced, raw_);
  }

 private:
  Matcher() = default;
};

class Sampler : public detail::Handle<gobi_sampler, gobi_sampler_destroy> {
 public:
  explicit Sampler(const gobi_sampler_options &options = sized<gobi_sampler_options>()) {
    create(gobi_sampler_create, &options);
  }
  gobi_choice sample(Logits logits) {
    gobi_choice choice = gobi_choice();
    gobi_choice *none = nullptr;
    std::size_t *no_count = nullptr;
    detail::call(gobi_sample, raw_, logits.values, logits.count, &choice, none, std::size_t(0), no_count);
    return choice;
  }
  gobi_choice sample(Logits logits, const std::vector<std::uint64_t> &mask) {
    gobi_choice choice = gobi_choice();
    gobi_choice *none = nullptr;
    std::size_t *no_count = nullptr;
    detail::call(gobi_sample_masked, raw_, logits.values, logits.count, mask.data(), mask.size(), &choice, none,
                 std::size_t(0), no_count);
    return choice;
  }
  void accept(std::int32_t token) { detail::call(gobi_sampler_accept, raw_, token); }
};

/// A request for an engine. What it points to must live until it was submitted, and no longer.
struct Request {
  explicit Request(std::vector<std::int32_t> tokens) : prompt(std::move(tokens)) {}
  /// With texts in the events.
  Request(std::vector<std::int32_t> tokens, const Tokenizer &texts) : prompt(std::move(tokens)) {
    options.tokenizer = texts.get();
  }

  std::vector<std::int32_t> prompt;
  std::vector<std::int32_t> stop_tokens;
  std::vector<std::string> stop_strings;
  gobi_sampler_options sampling = sized<gobi_sampler_options>();
  /// All else: max_tokens, deadline, priority and so on. Its arrays are set from those above.
  gobi_request_options options = sized<gobi_request_options>();
};

/// What a request brought; gobi_event as values.
struct Event {
  std::int32_t kind = GOBI_EVENT_STARTED;
  std::string text;
  std::int32_t token = -1;
  float log_probability = 0;
  std::vector<gobi_choice> top;
  std::size_t cached_tokens = 0;
  std::int32_t finish = GOBI_FINISH_NONE;
  gobi_status status = GOBI_OK;
  std::string message;
  bool is_last = false;
};

class Engine;

/// A request in an engine, and a range of its events. Cancelled when it goes out of scope before its end.
class Generation : public detail::Handle<gobi_generation, gobi_generation_destroy> {
 public:
  /// The next event, at most after `timeout` seconds; nothing if none came, and after the last one.
  std::optional<Event> next(double timeout = GOBI_FOREVER) {
    const gobi_event *lent = nullptr;
    detail::call(gobi_generation_next, raw_, timeout, &lent);
    if (lent == nullptr) return std::nullopt;
    Event event;
    event.kind = lent->kind;
    event.text.assign(lent->text, lent->text_length);
    event.token = lent->token;
    event.log_probability = lent->log_probability;
    if (lent->top_count > 0) event.top.assign(lent->top, lent->top + lent->top_count);
    event.cached_tokens = lent->cached_tokens;
    event.finish = lent->finish;
    event.status = lent->status;
    event.message = lent->message;
    event.is_last = lent->is_last;
    return event;
  }
  void cancel() { detail::check(gobi_generation_cancel(raw_)); }
  /// Readable while events wait, for poll and epoll.
  int descriptor() {
    int descriptor = -1;
    detail::call(gobi_generation_descriptor, raw_, &descriptor);
    return descriptor;
  }
  gobi_usage usage() const {
    auto usage = sized<gobi_usage>();
    detail::call(gobi_generation_usage, raw_, &usage);
    return usage;
  }

  class iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = Event;
    using difference_type = std::ptrdiff_t;
    using pointer = const Event *;
    using reference = const Event &;

    iterator() = default;
    explicit iterator(Generation *generation) : generation_(generation) { ++*this; }
    reference operator*() const { return *event_; }
    pointer operator->() const { return &*event_; }
    iterator &operator++() {
      event_ = generation_->next();
      if (!event_) generation_ = nullptr;
      return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const iterator &a, const iterator &b) { return a.generation_ == b.generation_; }
    friend bool operator!=(const iterator &a, const iterator &b) { return !(a == b); }

   private:
    Generation *generation_ = nullptr;
    std::optional<Event> event_;
  };

  /// Events as they come, to the last one. Each is waited for.
  iterator begin() { return iterator(this); }
  iterator end() { return iterator(); }

 private:
  friend class Engine;
  Generation(const Engine &engine, const Request &request);
};

class Engine : public detail::Handle<gobi_engine, gobi_engine_destroy> {
 public:
  explicit Engine(const Model &model, const gobi_engine_options &options = sized<gobi_engine_options>()) {
    create(gobi_engine_create, model.get(), &options);
  }
  Generation submit(const Request &request) { return Generation(*this, request); }

  std::size_t context() const noexcept { return gobi_engine_context(raw_); }
  void drain() { detail::call(gobi_engine_drain, raw_); }
  void shut_down() { detail::call(gobi_engine_shut_down, raw_); }
  /// Whether it has ended, at most after `timeout` seconds.
  bool wait(double timeout = GOBI_FOREVER) {
    bool ended = false;
    detail::call(gobi_engine_wait, raw_, timeout, &ended);
    return ended;
  }
  void clear_cache() { detail::call(gobi_engine_clear_cache, raw_); }
  gobi_counters counters() const {
    auto counters = sized<gobi_counters>();
    detail::call(gobi_engine_counters, raw_, &counters);
    return counters;
  }
  std::string prometheus(const std::string &labels = "") const {
    return detail::filled<std::string>(gobi_engine_prometheus, raw_, labels.c_str());
  }
};

inline Generation::Generation(const Engine &engine, const Request &request) {
  std::vector<const char *> strings;
  for (const std::string &string : request.stop_strings) strings.push_back(string.c_str());
  gobi_request_options options = request.options;
  options.prompt = request.prompt.data();
  options.prompt_count = request.prompt.size();
  options.sampling = &request.sampling;
  options.stop_tokens = request.stop_tokens.data();
  options.stop_token_count = request.stop_tokens.size();
  options.stop_strings = strings.data();
  options.stop_string_count = strings.size();
  create(gobi_engine_submit, engine.get(), &options);
}

/// A request in an embedder. Cancelled when it goes out of scope before its end.
class Embedding : public detail::Handle<gobi_embedding, gobi_embedding_destroy> {
 public:
  /// Whether the result is there, at most after `timeout` seconds. Throws what the request failed for.
  bool wait(double timeout = GOBI_FOREVER) {
    bool done = false;
    detail::call(gobi_embedding_wait, raw_, timeout, &done);
    return done;
  }
  /// The vector or the scores; waits for them.
  std::vector<float> values() {
    wait();
    return detail::filled<std::vector<float>>(gobi_embedding_values, raw_);
  }
  void cancel() { detail::check(gobi_embedding_cancel(raw_)); }

 private:
  friend class Embedder;
  Embedding() = default;
};

/// Vectors of texts of any length, and scores of documents.
class Embedder : public detail::Handle<gobi_embedder, gobi_embedder_destroy> {
 public:
  explicit Embedder(const Model &model, const gobi_embedder_options &options = sized<gobi_embedder_options>()) {
    create(gobi_embedder_create, model.get(), &options);
  }
  /// `options` says all but the tokens.
  Embedding submit(const std::vector<std::int32_t> &tokens,
                   gobi_embed_request options = sized<gobi_embed_request>()) {
    options.tokens = tokens.data();
    options.token_count = tokens.size();
    Embedding embedding;
    embedding.create(gobi_embedder_submit, raw_, &options);
    return embedding;
  }
  Embedding rerank(const std::vector<std::int32_t> &query, const std::vector<std::vector<std::int32_t>> &documents,
                   gobi_rerank_request options = sized<gobi_rerank_request>()) {
    std::vector<const std::int32_t *> tokens;
    std::vector<std::size_t> counts;
    for (const auto &document : documents) {
      tokens.push_back(document.data());
      counts.push_back(document.size());
    }
    options.query = query.data();
    options.query_count = query.size();
    options.documents = tokens.data();
    options.document_tokens = counts.data();
    options.document_count = documents.size();
    Embedding embedding;
    embedding.create(gobi_embedder_rerank, raw_, &options);
    return embedding;
  }
  void drain() { detail::call(gobi_embedder_drain, raw_); }
  void shut_down() { detail::call(gobi_embedder_shut_down, raw_); }
  bool wait(double timeout = GOBI_FOREVER) {
    bool ended = false;
    detail::call(gobi_embedder_wait, raw_, timeout, &ended);
    return ended;
  }
  std::string prometheus(const std::string &labels = "") const {
    return detail::filled<std::string>(gobi_embedder_prometheus, raw_, labels.c_str());
  }
};

}  // namespace gobi
#endif
