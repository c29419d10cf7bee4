// The engine, grammars and matchers of the installed library: used wrongly in every way that a status must answer, then
// by many threads at once in every way that is allowed. Prints what was not as documented.
// Usage: engine MODEL [brief]   (brief: fewer requests, for slow tools)
#define _POSIX_C_SOURCE 200809L
#include "expect.h"

#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PROMPT = 40, ANSWER = 12, THREADS = 6 };

static gobi_runtime *runtime;
static gobi_model *model;
static gobi_tokenizer *tokenizer;
static int32_t prompt[PROMPT];

static gobi_request_options request_for(size_t max_tokens) {
  return (gobi_request_options){.struct_size = sizeof(gobi_request_options), .prompt = prompt, .prompt_count = PROMPT,
                                .tokenizer = tokenizer, .max_tokens = max_tokens, .ignore_eos = true};
}

static void nap(void) {
  const struct timespec time = {.tv_nsec = 1000000};
  nanosleep(&time, NULL);
}

// What a consumer saw, to the last event.
struct seen {
  int32_t tokens[ANSWER];
  size_t count;
  int32_t finish;
  gobi_status status;
};

static struct seen consume(gobi_generation *generation) {
  struct seen seen = {.count = 0, .finish = GOBI_FINISH_NONE, .status = GOBI_OK};
  const gobi_event *event = NULL;
  for (bool is_over = false; !is_over;) {
    EXPECT(GOBI_OK, gobi_generation_next(generation, GOBI_FOREVER, &event, &error));
    if (event == NULL) {
      REQUIRE(event != NULL);
      return seen;
    }
    REQUIRE(strlen(event->text) == event->text_length && event->message != NULL);
    if (event->kind == GOBI_EVENT_TOKEN && seen.count < ANSWER) seen.tokens[seen.count++] = event->token;
    seen.finish = event->finish;
    seen.status = event->status;
    is_over = event->is_last;
  }
  EXPECT(GOBI_OK, gobi_generation_next(generation, GOBI_FOREVER, &event, &error));
  REQUIRE(event == NULL);
  return seen;
}

// ---------------------------------------------------------------------------------------------------- misuse

static void creating(void) {
  gobi_engine *engine = NULL;
  EXPECT(GOBI_INVALID_ARGUMENT, gobi_engine_create(NULL, NULL, &engine, &error));
  EXPECT(GOBI_INVALID_ARGUMENT, gobi_engine_create((gobi_model *)runtime, NULL, &engine, &error));
  EXPECT(GOBI_INVALID_ARGUMENT, gobi_engine_create(model, NULL, NULL, &error));
  gobi_engine_options options = {.struct_size = 4};
  EXPECT(GOBI_INVALID_ARGUMENT, gobi_engine_create(model, &options, &engine, &error));
  struct {
    gobi_engine_options known;
    uint64_t later;
  } larger = {{.struct_size = sizeof larger}, 1};
  EXPECT(GOBI_INVALID_ARGUMENT, gobi_engine_create(model, &larger.known, &engine, &error));
#define REFUSED(...) \
  do { \
    options = (gobi_engine_options){.struct_size = sizeof options, __VA_ARGS__}; \
    EXPECT(GOBI_INVALID_ARGUMENT, gobi_engine_create(model, &options, &engine, &error)); \
  } while (0)
  REFUSED(.context = SIZE_MAX);
  REFUSED(.chunk = 1 << 30);
  REFUSED(.kv_format = 99);
  REFUSED(.kv_budget = 1);
  REFUSED(.max_sequences = SIZE_MAX);
  REFUSED(.max_sequences = 1 << 20);
  REFUSED(.max_sequences = 64, .max_step_tokens = 8);
  REFUSED(.time_per_output_token = -1);
  REFUSED(.time_to_first_token = NAN);
  REFUSED(.aging = INFINITY);
#undef REFUSED
  REQUIRE(engine == NULL && gobi_engine_context(NULL) == 0);
  gobi_engine_destroy(NULL);
  gobi_generation_destroy(NULL);
  gobi_grammar_destroy(NULL);
  gobi_matcher_destroy(NULL);
  // Given back by the call for another kind: nothing happens, and the handle stays good.
  gobi_engine_destroy((gobi_engine *)model);
  EXPECT(GOBI_OK, gobi_engine_create(model, NULL, &engine, &error));
  gobi_engine_destroy(engine);
}

static void submitting(gobi_engine *engine) {
  gobi_generation *generation = NULL;
  gobi_request_options request = request_for(4);
  EXPECT(GOBI_INVALID_ARGUMENT, gobi_engine_submit(NULL, &request, &generation, &error));
  EXPECT(GOBI_INVALID_ARGUMENT, gobi_engine_submit((gobi_engine *)tokenizer, &request, &generation, &error));
  EXPECT(GOBI_INVALID_ARGUMENT, gobi_engine_submit(engine, NULL, &generation, &error));
  EXPECT(GOBI_INVALID_ARGUMENT, gobi_engine_submit(engine, &request, NULL, &error));
#define REFUSED(status, ...) \
  do { \
    request = request_for(4); \
    __VA_ARGS__; \
    EXPECT(status, gobi_engine_submit(engine, &request, &generation, &error)); \
  } while (0)
  REFUSED(GOBI_INVALID_ARGUMENT, request.struct_size = 1);
  REFUSED(GOBI_INVALID_ARGUMENT, request.struct_size = SIZE_MAX);
  REFUSED(GOBI_INVALID_ARGUMENT, request.prompt = NULL);
  REFUSED(GOBI_INVALID_ARGUMENT, request.prompt_count = 0);
  REFUSED(GOBI_INVALID_ARGUMENT, request.prompt_count = SIZE_MAX);
  REFUSED(GOBI_INVALID_ARGUMENT, request.tokenizer = (gobi_tokenizer *)model);
  REFUSED(GOBI_INVALID_ARGUMENT, request.grammar = (gobi_grammar *)tokenizer);
  REFUSED(GOBI_INVALID_ARGUMENT, request.max_tokens = SIZE_MAX);
  REFUSED(GOBI_INVALID_ARGUMENT, request.priority = INT32_MIN);
  REFUSED(GOBI_INVALID_ARGUMENT, request.deadline = -1);
  REFUSED(GOBI_INVALID_ARGUMENT, request.deadline = NAN);
  const char *const hostile[] = {"\xff\xfe"}, *const none[] = {NULL};
  REFUSED(GOBI_INVALID_ARGUMENT, request.stop_strings = hostile, request.stop_string_count = 1);
  REFUSED(GOBI_INVALID_ARGUMENT, request.stop_strings = none, request.stop_string_count = 1);
  REFUSED(GOBI_INVALID_ARGUMENT, request.stop_strings = NULL, request.stop_string_count = 3);
  const char *const word[] = {"word"};
  REFUSED(GOBI_INVALID_ARGUMENT, request.stop_strings = word, request.stop_string_count = 1, request.tokenizer = NULL);
  gobi_sampler_options sampling = {.struct_size = sizeof sampling, .temperature = -1};
  REFUSED(GOBI_INVALID_ARGUMENT, request.sampling = &sampling);
  const size_t long_count = gobi_engine_context(engine) + 1;
  int32_t *too_long = calloc(long_count, sizeof *too_long);
  if (too_long != NULL) REFUSED(GOBI_CONTEXT_EXCEEDED, request.prompt = too_long, request.prompt_count = long_count);
  free(too_long);
  int32_t beyond[] = {1, INT32_MAX};
  REFUSED(GOBI_INVALID_ARGUMENT, request.prompt = beyond, request.prompt_count = 2);
#undef REFUSED
  REQUIRE(generation == NULL);

  // An older caller's struct, which ends behind the prompt: greedy, tokens alone, to the context's end.
  request = request_for(0);
  request.struct_size = offsetof(gobi_request_options, sampling);
  const gobi_event *event = NULL;
  EXPECT(GOBI_OK, gobi_engine_submit(engine, &request, &generation, &error));
  EXPECT(GOBI_INVALID_ARGUMENT, gobi_generation_next(generation, NAN, &event, &error));
  EXPECT(GOBI_INVALID_ARGUMENT, gobi_generation_next(generation, 0, NULL, &error));
  EXPECT(GOBI_INVALID_ARGUMENT, gobi_generation_next((gobi_generation *)engine, 0, &event, &error));
  EXPECT(GOBI_INVALID_ARGUMENT, gobi_generation_next(NULL, 0, &event, &error));
  EXPECT(GOBI_INVALID_ARGUMENT, gobi_generation_descriptor(generation, NULL, &error));
  gobi_usage usage = {.struct_size = sizeof usage};
  EXPECT(GOBI_INVALID_ARGUMENT, gobi_generation_usage(NULL, &usage, &error));
  EXPECT(GOBI_OK, gobi_generation_usage(generation, &usage, &error));
  REQUIRE(usage.prompt_tokens == PROMPT && usage.struct_size == sizeof usage);
  usage.struct_size = 3;
  EXPECT(GOBI_INVALID_ARGUMENT, gobi_generation_usage(generation, &usage, &error));
  REQUIRE(gobi_generation_cancel(generation) == GOBI_OK && gobi_generation_cancel(generation) == GOBI_OK);
  REQUIRE(gobi_generation_cancel(NULL) == GOBI_INVALID_ARGUMENT);
  REQUIRE(gobi_generation_cancel((gobi_generation *)engine) == GOBI_INVALID_ARGUMENT);
  REQUIRE(consume(generation).finish == GOBI_FINISH_CANCELLED);
  gobi_generation_destroy(generation);
  bool ended = true;
  EXPECT(GOBI_INVALID_ARGUMENT, gobi_engine_wait(engine, NAN, &ended, &error));
  EXPECT(GOBI_INVALID_ARGUMENT, gobi_engine_wait(engine, 0, NULL, &error));
  EXPECT(GOBI_OK, gobi_engine_wait(engine, 0, &ended, &error));
  REQUIRE(!ended);
  EXPECT(GOBI_INVALID_ARGUMENT, gobi_engine_prometheus(engine, "\xc3\x28", NULL, 0, NULL, &error));
  EXPECT(GOBI_INVALID_ARGUMENT, gobi_engine_counters(engine, NULL, &error));
  EXPECT(GOBI_INVALID_ARGUMENT, gobi_engine_drain((gobi_engine *)model, &error));
}

static void compiling(void) {
  gobi_grammar *grammar = NULL;
  gobi_matcher *matcher = NULL;
#define REFUSED(status, kind, source) \
  EXPECT(status, gobi_grammar_create(tokenizer, kind, source, strlen(source), NULL, &grammar, &error))
  REFUSED(GOBI_INVALID_ARGUMENT, -1, "a");
  REFUSED(GOBI_BAD_TEXT, GOBI_GRAMMAR_JSON_SCHEMA, "\xff");
  REFUSED(GOBI_BAD_TEXT, GOBI_GRAMMAR_JSON_SCHEMA, "{\"type\"");
  REFUSED(GOBI_BAD_TEXT, GOBI_GRAMMAR_GBNF, "root ::= nothing");
  REFUSED(GOBI_UNSUPPORTED, GOBI_GRAMMAR_REGEX, "(a|b)*a(a|b){60}");
  EXPECT(GOBI_INVALID_ARGUMENT, gobi_grammar_create(NULL, 0, "{}", 2, NULL, &grammar, &error));
  EXPECT(GOBI_INVALID_ARGUMENT, gobi_grammar_create(tokenizer, 0, NULL, 2, NULL, &grammar, &error));
  EXPECT(GOBI_INVALID_ARGUMENT, gobi_grammar_create(tokenizer, 0, "{}", SIZE_MAX, NULL, &grammar, &error));
  gobi_grammar_options options = {.struct_size = sizeof options, .source_bytes = 8};
  EXPECT(GOBI_UNSUPPORTED, gobi_grammar_create(tokenizer, 0, "{\"type\": \"null\"}", 16, &options, &grammar, &error));
  options.states = SIZE_MAX;
  EXPECT(GOBI_INVALID_ARGUMENT, gobi_grammar_create(tokenizer, 0, "{}", 2, &options, &grammar, &error));
  char deep[4096];
  memset(deep, '[', sizeof deep);
  EXPECT(GOBI_BAD_TEXT, gobi_grammar_create(tokenizer, 0, deep, sizeof deep, NULL, &grammar, &error));
#undef REFUSED
  EXPECT(GOBI_INVALID_ARGUMENT, gobi_matcher_create(NULL, &matcher, &error));
  EXPECT(GOBI_OK, gobi_grammar_create(tokenizer, GOBI_GRAMMAR_REGEX, "ab", 2, NULL, &grammar, &error));
  EXPECT(GOBI_INVALID_ARGUMENT, gobi_matcher_create((gobi_grammar *)model, &matcher, &error));
  EXPECT(GOBI_OK, gobi_matcher_create(grammar, &matcher, &error));
  gobi_grammar_destroy(grammar);  // the matcher keeps it
  int32_t state = -1;
  uint64_t mask[2];
  size_t words = 0;
  EXPECT(GOBI_OK, gobi_matcher_state(matcher, &state, &error));
  REQUIRE(state == GOBI_MATCHER_OPEN);
  EXPECT(GOBI_BUFFER_TOO_SMALL, gobi_matcher_mask(matcher, mask, 2, &words, &error));
  REQUIRE(words > 2);
  EXPECT(GOBI_INVALID_ARGUMENT, gobi_matcher_accept(matcher, -1, &error));
  EXPECT(GOBI_INVALID_ARGUMENT, gobi_matcher_accept(matcher, INT32_MAX, &error));
  EXPECT(GOBI_INVALID_ARGUMENT, gobi_matcher_state(NULL, &state, &error));
  gobi_sampler *sampler = NULL;
  gobi_choice choice;
  const float logits[] = {0, 2, 1};
  const uint64_t second[] = {4}, nothing[] = {0};
  EXPECT(GOBI_OK, gobi_sampler_create(NULL, &sampler, &error));
  EXPECT(GOBI_OK, gobi_sample_masked(sampler, logits, 3, second, 1, &choice, NULL, 0, NULL, &error));
  REQUIRE(choice.token == 2);
  EXPECT(GOBI_INVALID_ARGUMENT, gobi_sample_masked(sampler, logits, 3, nothing, 1, &choice, NULL, 0, NULL, &error));
  EXPECT(GOBI_INVALID_ARGUMENT, gobi_sample_masked(sampler, logits, 3, NULL, 1, &choice, NULL, 0, NULL, &error));
  EXPECT(GOBI_INVALID_ARGUMENT, gobi_sample_masked(sampler, logits, 3, NULL, 0, &choice, NULL, 0, NULL, &error));
  gobi_sampler_destroy(sampler);
  gobi_matcher_destroy(matcher);
}

// ---------------------------------------------------------------------------------------------------- threads

struct caller {
  gobi_engine *engine;
  const struct seen *expected;
  unsigned seed;
  int requests;
};

// Submits, takes all events or cancels on the way, asks for usage and counters. Answers are those of a request alone.
static void *serve(void *argument) {
  struct caller *caller = argument;
  for (int i = 0; i < caller->requests; ++i) {
    gobi_generation *generation = NULL;
    gobi_request_options request = request_for(ANSWER);
    request.priority = rand_r(&caller->seed) % 3;
    EXPECT(GOBI_OK, gobi_engine_submit(caller->engine, &request, &generation, &error));
    const bool cancels = rand_r(&caller->seed) % 3 == 0;
    if (cancels) {
      const gobi_event *event = NULL;
      EXPECT(GOBI_OK, gobi_generation_next(generation, 0.001 * (rand_r(&caller->seed) % 5), &event, &error));
      REQUIRE(gobi_generation_cancel(generation) == GOBI_OK);
    }
    const struct seen seen = consume(generation);
    if (!cancels) {
      REQUIRE(seen.finish == GOBI_FINISH_LENGTH && seen.count == ANSWER);
      REQUIRE(memcmp(seen.tokens, caller->expected->tokens, sizeof seen.tokens) == 0);
    }
    gobi_usage usage = {.struct_size = sizeof usage};
    gobi_counters counters = {.struct_size = sizeof counters};
    EXPECT(GOBI_OK, gobi_generation_usage(generation, &usage, &error));
    EXPECT(GOBI_OK, gobi_engine_counters(caller->engine, &counters, &error));
    REQUIRE(cancels || usage.completion_tokens == ANSWER);
    if (i % 4 == 3) EXPECT(GOBI_OK, gobi_engine_clear_cache(caller->engine, &error));
    gobi_generation_destroy(generation);
  }
  return NULL;
}

static void together(int requests) {
  gobi_engine_options options = {.struct_size = sizeof options, .max_sequences = 4};
  gobi_engine *engine = NULL;
  EXPECT(GOBI_OK, gobi_engine_create(model, &options, &engine, &error));
  gobi_generation *alone = NULL;
  gobi_request_options request = request_for(ANSWER);
  EXPECT(GOBI_OK, gobi_engine_submit(engine, &request, &alone, &error));
  const struct seen expected = consume(alone);
  gobi_generation_destroy(alone);
  pthread_t threads[THREADS];
  struct caller callers[THREADS];
  for (unsigned i = 0; i < THREADS; ++i) {
    callers[i] = (struct caller){engine, &expected, i, requests};
    if (pthread_create(&threads[i], NULL, serve, &callers[i]) != 0) exit(3);
  }
  for (int i = 0; i < THREADS; ++i) pthread_join(threads[i], NULL);
  bool ended = false;
  EXPECT(GOBI_OK, gobi_engine_drain(engine, &error));
  EXPECT(GOBI_SHUTTING_DOWN, gobi_engine_submit(engine, &request, &alone, &error));
  EXPECT(GOBI_OK, gobi_engine_wait(engine, GOBI_FOREVER, &ended, &error));
  gobi_counters counters = {.struct_size = sizeof counters};
  EXPECT(GOBI_OK, gobi_engine_counters(engine, &counters, &error));
  REQUIRE(ended && counters.running == 0 && counters.waiting == 0);
  REQUIRE(counters.finished + counters.cancelled == counters.submitted && counters.failed == 0);
  REQUIRE(counters.submitted == 1 + (uint64_t)(THREADS * requests));
  gobi_engine_destroy(engine);
}

static void *wait_for_end(void *argument) {
  static struct seen seen;
  seen = consume(argument);
  return &seen;
}

// A thread waits for a request that others hold up; a second caller is told; then the engine is given back.
static void waiting(void) {
  gobi_engine_options options = {.struct_size = sizeof options, .max_sequences = 1};
  gobi_engine *engine = NULL;
  gobi_generation *before[8] = {NULL}, *second = NULL;
  EXPECT(GOBI_OK, gobi_engine_create(model, &options, &engine, &error));
  gobi_request_options request = request_for(0);
  for (int i = 0; i < 8; ++i) EXPECT(GOBI_OK, gobi_engine_submit(engine, &request, &before[i], &error));
  request.priority = -100;
  EXPECT(GOBI_OK, gobi_engine_submit(engine, &request, &second, &error));
  pthread_t thread;
  if (pthread_create(&thread, NULL, wait_for_end, second) != 0) exit(3);
  const gobi_event *event = NULL;
  gobi_status status = GOBI_OK;
  for (int i = 0; i < 5000 && status == GOBI_OK; ++i) {
    status = gobi_generation_next(second, 0, &event, NULL);
    nap();
  }
  REQUIRE(status == GOBI_BUSY);
  bool ended = false;
  EXPECT(GOBI_OK, gobi_engine_shut_down(engine, &error));
  EXPECT(GOBI_OK, gobi_engine_wait(engine, GOBI_FOREVER, &ended, &error));
  REQUIRE(ended);
  gobi_engine_destroy(engine);
  void *seen = NULL;
  pthread_join(thread, &seen);
  REQUIRE(((struct seen *)seen)->finish == GOBI_FINISH_CANCELLED);
  gobi_generation_destroy(second);
  for (int i = 0; i < 8; ++i) gobi_generation_destroy(before[i]);
}

// Two threads on one session: one of them is told.
struct evaluator {
  gobi_session *session;
  atomic_bool is_done;
  atomic_int busy;
};

static void *ask(void *argument) {
  struct evaluator *evaluator = argument;
  while (!atomic_load(&evaluator->is_done)) {
    uint64_t bytes = 0;
    const gobi_status status = gobi_session_kv_bytes(evaluator->session, &bytes, NULL);
    REQUIRE(status == GOBI_OK || status == GOBI_BUSY);
    if (status == GOBI_BUSY) atomic_fetch_add(&evaluator->busy, 1);
  }
  return NULL;
}

static void one_session(void) {
  struct evaluator evaluator = {.session = NULL};
  gobi_sequence sequence = 0;
  EXPECT(GOBI_OK, gobi_session_create(model, NULL, &evaluator.session, &error));
  EXPECT(GOBI_OK, gobi_sequence_create(evaluator.session, &sequence, &error));
  pthread_t thread;
  if (pthread_create(&thread, NULL, ask, &evaluator) != 0) exit(3);
  gobi_batch_entry entry = {.sequence = sequence, .tokens = prompt, .count = PROMPT};
  for (int i = 0; i < 2000 && atomic_load(&evaluator.busy) == 0; ++i) {
    const gobi_status status = gobi_evaluate(evaluator.session, &entry, 1, NULL, NULL);
    REQUIRE(status == GOBI_OK || status == GOBI_BUSY);
    if (status == GOBI_BUSY) atomic_fetch_add(&evaluator.busy, 1);
    gobi_sequence_trim(evaluator.session, sequence, 0, NULL);
  }
  atomic_store(&evaluator.is_done, true);
  pthread_join(thread, NULL);
  REQUIRE(atomic_load(&evaluator.busy) > 0);
  gobi_session_destroy(evaluator.session);
}

int main(int argc, char **argv) {
  if (argc != 2 && argc != 3) return 2;
  for (int i = 0; i < PROMPT; ++i) prompt[i] = 20 + i % 60;
  const gobi_runtime_options threads = {.struct_size = sizeof threads, .threads = argc == 3 ? 1 : 0};
  EXPECT(GOBI_OK, gobi_runtime_create(&threads, &runtime, &error));
  EXPECT(GOBI_OK, gobi_model_open(argv[1], runtime, NULL, &model, &error));
  EXPECT(GOBI_OK, gobi_tokenizer_create(model, &tokenizer, &error));
  gobi_engine *engine = NULL;
  creating();
  EXPECT(GOBI_OK, gobi_engine_create(model, NULL, &engine, &error));
  submitting(engine);
  compiling();
  // Destroyed with a request in it, which ends; the engine keeps model and runtime.
  gobi_generation *left = NULL;
  gobi_request_options request = request_for(0);
  EXPECT(GOBI_OK, gobi_engine_submit(engine, &request, &left, &error));
  gobi_engine_destroy(engine);
  REQUIRE(consume(left).finish == GOBI_FINISH_CANCELLED);
  gobi_generation_destroy(left);

  together(argc == 3 ? 1 : 12);
  waiting();
  if (argc == 2) one_session();
  gobi_tokenizer_destroy(tokenizer);
  gobi_model_close(model);
  gobi_runtime_destroy(runtime);
  return expect_failures() == 0 ? 0 : 1;
}
