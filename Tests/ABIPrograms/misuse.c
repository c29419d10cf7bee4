// Calls the installed library wrongly in every way that a status must answer. Prints what was not as documented.
// Usage: misuse MODEL TRUNCATED_MODEL
#include "expect.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void opening(gobi_runtime *runtime, const char *path, const char *truncated) {
  gobi_model *model = NULL;
  char text[8];
  size_t needed = 0;
  EXPECT(GOBI_INVALID_ARGUMENT, gobi_model_open(NULL, runtime, NULL, &model, &error));
  EXPECT(GOBI_INVALID_ARGUMENT, gobi_model_open(path, NULL, NULL, &model, &error));
  EXPECT(GOBI_INVALID_ARGUMENT, gobi_model_open(path, runtime, NULL, NULL, &error));
  EXPECT(GOBI_BAD_FILE, gobi_model_open("/nonexistent/model.gguf", runtime, NULL, &model, &error));
  EXPECT(GOBI_BAD_FILE, gobi_model_open(truncated, runtime, NULL, &model, &error));
  gobi_model_options options = {.struct_size = sizeof options, .budget = 1};
  EXPECT(GOBI_OUT_OF_MEMORY, gobi_model_open(path, runtime, &options, &model, &error));
  gobi_cancel *cancel = NULL;
  EXPECT(GOBI_OK, gobi_cancel_create(&cancel, &error));
  REQUIRE(gobi_cancel_set(cancel) == GOBI_OK && gobi_cancel_set(NULL) == GOBI_INVALID_ARGUMENT);
  options.budget = 0;
  options.cancel = cancel;
  EXPECT(GOBI_CANCELLED, gobi_model_open(path, runtime, &options, &model, &error));
  options.cancel = (gobi_cancel *)runtime;
  EXPECT(GOBI_INVALID_ARGUMENT, gobi_model_open(path, runtime, &options, &model, &error));
  gobi_cancel_destroy(cancel);
  options.cancel = NULL;
  options.panel_cache = "/nonexistent/folder/panels";
  EXPECT(GOBI_OK, gobi_model_open(path, runtime, &options, &model, &error));
  EXPECT(GOBI_BUFFER_TOO_SMALL, gobi_model_panel_cache(model, text, sizeof text, &needed, &error));
  EXPECT(GOBI_INVALID_ARGUMENT, gobi_model_panel_cache((gobi_model *)runtime, text, sizeof text, &needed, &error));
  gobi_model_close(model);
  model = NULL;
  options.struct_size = 3;
  EXPECT(GOBI_INVALID_ARGUMENT, gobi_model_open(path, runtime, &options, &model, &error));
  REQUIRE(model == NULL);
  EXPECT(GOBI_BUFFER_TOO_SMALL, gobi_inspect(path, text, sizeof text, &needed, &error));
  REQUIRE(needed > sizeof text);
  EXPECT(GOBI_BAD_FILE, gobi_inspect(truncated, text, sizeof text, &needed, &error));
  gobi_plan plan = {.struct_size = sizeof plan};
  EXPECT(GOBI_OK, gobi_plan_memory(path, runtime, NULL, &plan, &error));
  REQUIRE(plan.weights > 0 && plan.total >= plan.weights && plan.struct_size == sizeof plan);
  gobi_plan_options shape = {.struct_size = sizeof shape, .kv_format = 9};
  EXPECT(GOBI_INVALID_ARGUMENT, gobi_plan_memory(path, runtime, &shape, &plan, &error));
  EXPECT(GOBI_INVALID_ARGUMENT, gobi_plan_memory(path, runtime, NULL, NULL, &error));
}

// A struct from a later version: accepted while what this one does not know is zero.
static void sizes(void) {
  struct {
    gobi_runtime_options known;
    uint64_t later;
  } options = {{.struct_size = sizeof options, .threads = 1}, 0};
  gobi_runtime *runtime = NULL;
  EXPECT(GOBI_OK, gobi_runtime_create(&options.known, &runtime, &error));
  REQUIRE(gobi_runtime_threads(runtime) == 1);
  gobi_runtime_destroy(runtime);
  options.later = 1;
  EXPECT(GOBI_INVALID_ARGUMENT, gobi_runtime_create(&options.known, &runtime, &error));
  options.known.isa = "none";
  options.known.struct_size = sizeof options.known;
  EXPECT(GOBI_INVALID_ARGUMENT, gobi_runtime_create(&options.known, &runtime, &error));
  // An older caller's struct ends after its size: every option is the default.
  options.known.struct_size = sizeof(size_t);
  EXPECT(GOBI_OK, gobi_runtime_create(&options.known, &runtime, &error));
  gobi_runtime_destroy(runtime);
}

static void text(gobi_model *model, uint32_t vocabulary) {
  gobi_tokenizer *tokenizer = NULL;
  EXPECT(GOBI_INVALID_ARGUMENT, gobi_tokenizer_create(NULL, &tokenizer, &error));
  EXPECT(GOBI_OK, gobi_tokenizer_create(model, &tokenizer, &error));
  int32_t tokens[64];
  size_t count = 0, needed = 0;
  EXPECT(GOBI_INVALID_ARGUMENT, gobi_encode(tokenizer, NULL, 3, NULL, tokens, 64, &count, &error));
  EXPECT(GOBI_INVALID_ARGUMENT, gobi_encode((gobi_tokenizer *)model, "a", 1, NULL, tokens, 64, &count, &error));
  EXPECT(GOBI_BUFFER_TOO_SMALL, gobi_encode(tokenizer, "some text", 9, NULL, NULL, 0, &needed, &error));
  EXPECT(GOBI_OK, gobi_encode(tokenizer, "some text", 9, NULL, tokens, needed, &count, &error));
  REQUIRE(count == needed);
  char buffer[64];
  EXPECT(GOBI_OK, gobi_decode(tokenizer, tokens, count, false, buffer, sizeof buffer, &needed, &error));
  REQUIRE(needed == 9 && strcmp(buffer, "some text") == 0);
  EXPECT(GOBI_BUFFER_TOO_SMALL, gobi_decode(tokenizer, tokens, count, false, buffer, 8, &needed, &error));
  tokens[0] = (int32_t)vocabulary;
  EXPECT(GOBI_INVALID_ARGUMENT, gobi_decode(tokenizer, tokens, 1, false, buffer, sizeof buffer, &needed, &error));
  EXPECT(GOBI_INVALID_ARGUMENT, gobi_token_piece(tokenizer, -1, true, buffer, sizeof buffer, &needed, &error));
  gobi_encode_options options = {.struct_size = sizeof options, .add_bos = 7};
  EXPECT(GOBI_INVALID_ARGUMENT, gobi_encode(tokenizer, "a", 1, &options, tokens, 64, &count, &error));
  REQUIRE(gobi_token_bos(NULL) == -1 && !gobi_token_ends_generation(NULL, 0));
  gobi_decoder *decoder = NULL;
  EXPECT(GOBI_OK, gobi_decoder_create(tokenizer, false, false, &decoder, &error));
  EXPECT(GOBI_INVALID_ARGUMENT,
         gobi_decoder_append(decoder, (int32_t)vocabulary, buffer, sizeof buffer, &needed, &error));
  gobi_tokenizer_destroy(tokenizer);  // the decoder keeps what it needs
  EXPECT(GOBI_OK, gobi_decoder_append(decoder, 40, buffer, sizeof buffer, &needed, &error));
  gobi_decoder_destroy(decoder);
  size_t length = 0;
  EXPECT(GOBI_BAD_TEXT, gobi_chat_render(model, "[{\"role\"", NULL, true, NULL, 0, &length, &error));
  EXPECT(GOBI_BAD_TEXT, gobi_chat_render(model, "{}", NULL, true, NULL, 0, &length, &error));
  EXPECT(GOBI_BUFFER_TOO_SMALL, gobi_chat_render(model, "[{\"role\":\"user\",\"content\":\"hi\"}]", NULL, true, NULL, 0,
                                                 &length, &error));
  REQUIRE(length > 2);
}

static void saving(gobi_session *session, gobi_sequence sequence) {
  size_t needed = 0, position = 0;
  gobi_sequence restored = 0;
  EXPECT(GOBI_BUFFER_TOO_SMALL, gobi_sequence_save(session, sequence, NULL, 0, &needed, &error));
  unsigned char *saved = malloc(needed);
  if (saved == NULL) return;
  EXPECT(GOBI_OK, gobi_sequence_save(session, sequence, saved, needed, &needed, &error));
  EXPECT(GOBI_OK, gobi_sequence_restore(session, saved, needed, &restored, &error));
  EXPECT(GOBI_OK, gobi_sequence_position(session, restored, &position, &error));
  REQUIRE(position == 3 && restored != sequence);
  EXPECT(GOBI_BAD_STATE, gobi_sequence_restore(session, saved, needed - 1, &restored, &error));
  saved[needed / 2] ^= 1;
  EXPECT(GOBI_BAD_STATE, gobi_sequence_restore(session, saved, needed, &restored, &error));
  EXPECT(GOBI_INVALID_ARGUMENT, gobi_sequence_restore(session, NULL, 8, &restored, &error));
  free(saved);
}

static void evaluating(gobi_session *session, uint32_t vocabulary) {
  gobi_sequence sequence = 0, branch = 0;
  size_t position = 9, rows = 9;
  const float *logits = NULL;
  EXPECT(GOBI_OK, gobi_sequence_create(session, &sequence, &error));
  REQUIRE(sequence != 0);
  int32_t tokens[] = {1, 2, 3};
  gobi_batch_entry entry = {.sequence = sequence, .tokens = tokens, .count = 3};
  EXPECT(GOBI_INVALID_ARGUMENT, gobi_logits(session, 0, &logits, &error));
  EXPECT(GOBI_OK, gobi_evaluate(session, &entry, 1, NULL, &error));
  EXPECT(GOBI_OK, gobi_logit_rows(session, &rows, &error));
  EXPECT(GOBI_OK, gobi_logits(session, 0, &logits, &error));
  REQUIRE(rows == 1 && logits != NULL);
  for (uint32_t i = 0; logits != NULL && i < vocabulary; ++i) REQUIRE(isfinite(logits[i]));
  EXPECT(GOBI_INVALID_ARGUMENT, gobi_logits(session, 1, &logits, &error));
  saving(session, sequence);

  gobi_batch_entry twice[] = {entry, entry};
  EXPECT(GOBI_INVALID_ARGUMENT, gobi_evaluate(session, twice, 2, NULL, &error));
  EXPECT(GOBI_INVALID_ARGUMENT, gobi_evaluate(session, NULL, 1, NULL, &error));
  entry.tokens = NULL;
  EXPECT(GOBI_INVALID_ARGUMENT, gobi_evaluate(session, &entry, 1, NULL, &error));
  entry.tokens = tokens;
  tokens[1] = (int32_t)vocabulary;
  EXPECT(GOBI_INVALID_ARGUMENT, gobi_evaluate(session, &entry, 1, NULL, &error));
  tokens[1] = -1;
  EXPECT(GOBI_INVALID_ARGUMENT, gobi_evaluate(session, &entry, 1, NULL, &error));
  tokens[1] = 2;
  entry.output = 5;
  EXPECT(GOBI_INVALID_ARGUMENT, gobi_evaluate(session, &entry, 1, NULL, &error));
  entry.output = GOBI_OUTPUT_LAST;
  for (int i = 0; i < 4; ++i) EXPECT(GOBI_OK, gobi_evaluate(session, &entry, 1, NULL, &error));
  EXPECT(GOBI_CONTEXT_EXCEEDED, gobi_evaluate(session, &entry, 1, NULL, &error));
  EXPECT(GOBI_OK, gobi_sequence_position(session, sequence, &position, &error));
  REQUIRE(position == 15);
  EXPECT(GOBI_INVALID_ARGUMENT, gobi_sequence_trim(session, sequence, 16, &error));
  EXPECT(GOBI_OK, gobi_sequence_trim(session, sequence, 2, &error));
  EXPECT(GOBI_OK, gobi_sequence_branch(session, sequence, SIZE_MAX, &branch, &error));
  EXPECT(GOBI_INVALID_ARGUMENT, gobi_sequence_branch(session, sequence, 3, &branch, &error));
  EXPECT(GOBI_OK, gobi_sequence_remove(session, sequence, &error));
  EXPECT(GOBI_INVALID_ARGUMENT, gobi_sequence_remove(session, sequence, &error));
  EXPECT(GOBI_INVALID_ARGUMENT, gobi_sequence_position(session, 0, &position, &error));
  EXPECT(GOBI_INVALID_ARGUMENT, gobi_sequence_position(session, UINT64_MAX, &position, &error));
  EXPECT(GOBI_OK, gobi_sequence_position(session, branch, &position, &error));
  REQUIRE(position == 2);
  EXPECT(GOBI_INVALID_ARGUMENT,
         gobi_embed(session, tokens, NULL, 3, GOBI_EMBED_HIDDEN, NULL, NULL, 4, NULL, &error));
}

static void sampling(void) {
  gobi_sampler *sampler = NULL;
  gobi_choice choice, top[2];
  size_t count = 0;
  const float logits[] = {0, 2, 1, -1}, nothing[] = {NAN, -INFINITY};
  gobi_sampler_options options = {.struct_size = sizeof options, .temperature = -1};
  EXPECT(GOBI_INVALID_ARGUMENT, gobi_sampler_create(&options, &sampler, &error));
  const int32_t biased[] = {1, 1};
  const float bias[] = {-INFINITY, 0};
  options = (gobi_sampler_options){.struct_size = sizeof options, .bias_tokens = biased, .bias_values = bias,
                                   .bias_count = 2, .top_count = 2};
  EXPECT(GOBI_INVALID_ARGUMENT, gobi_sampler_create(&options, &sampler, &error));
  options.bias_count = 1;
  EXPECT(GOBI_OK, gobi_sampler_create(&options, &sampler, &error));
  EXPECT(GOBI_OK, gobi_sample(sampler, logits, 4, &choice, top, 2, &count, &error));
  REQUIRE(choice.token == 2 && count == 2 && top[0].token == 1 && top[1].token == 2);
  REQUIRE(choice.log_probability == top[1].log_probability && top[0].log_probability < 0);
  EXPECT(GOBI_BUFFER_TOO_SMALL, gobi_sample(sampler, logits, 4, &choice, top, 1, &count, &error));
  EXPECT(GOBI_INVALID_ARGUMENT, gobi_sample(sampler, NULL, 4, &choice, NULL, 0, NULL, &error));
  EXPECT(GOBI_INVALID_ARGUMENT, gobi_sample(sampler, logits, 0, &choice, NULL, 0, NULL, &error));
  EXPECT(GOBI_INVALID_ARGUMENT, gobi_sample(sampler, nothing, 2, &choice, NULL, 0, NULL, &error));
  EXPECT(GOBI_INVALID_ARGUMENT, gobi_sampler_accept(sampler, -1, &error));
  EXPECT(GOBI_OK, gobi_sampler_accept(sampler, 2, &error));
  gobi_sampler_destroy(sampler);
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  gobi_runtime *runtime = NULL;
  gobi_model *model = NULL;
  gobi_session *session = NULL;
  sizes();
  REQUIRE(gobi_version() == GOBI_VERSION_MAJOR * 1000000 + GOBI_VERSION_MINOR * 1000 + GOBI_VERSION_PATCH);
  EXPECT(GOBI_OK, gobi_runtime_create(NULL, &runtime, &error));
  opening(runtime, argv[1], argv[2]);
  EXPECT(GOBI_OK, gobi_model_open(argv[1], runtime, NULL, &model, &error));
  gobi_model_info info = {.struct_size = sizeof info};
  EXPECT(GOBI_OK, gobi_model_describe(model, &info, &error));
  EXPECT(GOBI_INVALID_ARGUMENT, gobi_model_describe((gobi_model *)runtime, &info, &error));
  REQUIRE(info.vocabulary > 0 && info.has_tokenizer);
  text(model, info.vocabulary);
  gobi_session_options options = {.struct_size = sizeof options, .context = SIZE_MAX};
  EXPECT(GOBI_INVALID_ARGUMENT, gobi_session_create(model, &options, &session, &error));
  options.context = 16;
  EXPECT(GOBI_OK, gobi_session_create(model, &options, &session, &error));
  // A session keeps its model, and a model its runtime.
  gobi_model_close(model);
  gobi_runtime_destroy(runtime);
  evaluating(session, info.vocabulary);
  gobi_session_destroy(session);
  sampling();
  gobi_session_destroy(NULL);
  gobi_model_close(NULL);
  gobi_error_free(NULL);
  return expect_failures() == 0 ? 0 : 1;
}
