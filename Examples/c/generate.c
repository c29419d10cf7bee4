// Continues a prompt greedily through gobi.h, 32 tokens. Frees nothing on its way out of an error: it ends the process.
//   cc -std=c11 generate.c $(pkg-config --cflags --libs gobi) -o generate && ./generate MODEL PROMPT
#include <gobi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static gobi_error *error;

static void check(gobi_status status) {
  if (status == GOBI_OK) return;
  fprintf(stderr, "generate: %s: %s\n", gobi_status_name(status), gobi_error_message(error));
  gobi_error_free(error);
  exit(2);
}

int main(int argc, char **argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: generate MODEL PROMPT\n");
    return 2;
  }
  gobi_runtime *runtime = NULL;
  gobi_model *model = NULL;
  gobi_tokenizer *tokenizer = NULL;
  gobi_decoder *decoder = NULL;
  gobi_session *session = NULL;
  gobi_sampler *sampler = NULL;
  gobi_sequence sequence = 0;
  check(gobi_runtime_create(NULL, &runtime, &error));
  check(gobi_model_open(argv[1], runtime, NULL, &model, &error));
  check(gobi_tokenizer_create(model, &tokenizer, &error));
  check(gobi_decoder_create(tokenizer, false, false, &decoder, &error));
  check(gobi_session_create(model, NULL, &session, &error));
  check(gobi_sequence_create(session, &sequence, &error));
  check(gobi_sampler_create(NULL, &sampler, &error));
  gobi_model_info info = {.struct_size = sizeof info};
  check(gobi_model_describe(model, &info, &error));

  // The first call says how many tokens there are, the second gives them.
  size_t count = 0;
  gobi_status status = gobi_encode(tokenizer, argv[2], strlen(argv[2]), NULL, NULL, 0, &count, NULL);
  if (status != GOBI_BUFFER_TOO_SMALL) count = 0;
  int32_t *tokens = malloc((count + 1) * sizeof *tokens);
  if (tokens == NULL) return 3;
  check(gobi_encode(tokenizer, argv[2], strlen(argv[2]), NULL, tokens, count, &count, &error));

  gobi_batch_entry entry = {.sequence = sequence, .tokens = tokens, .count = count};
  gobi_choice choice;
  for (int step = 0; step < 32; ++step) {
    const float *logits = NULL;
    char text[256];
    check(gobi_evaluate(session, &entry, 1, NULL, &error));
    check(gobi_logits(session, 0, &logits, &error));
    check(gobi_sample(sampler, logits, info.vocabulary, &choice, NULL, 0, NULL, &error));
    if (gobi_token_ends_generation(tokenizer, choice.token)) break;
    check(gobi_decoder_append(decoder, choice.token, text, sizeof text, &count, &error));
    fwrite(text, 1, count, stdout);
    entry.tokens = &choice.token;
    entry.count = 1;
  }
  char rest[16];
  check(gobi_decoder_finish(decoder, rest, sizeof rest, &count, &error));
  fwrite(rest, 1, count, stdout);
  putchar('\n');

  free(tokens);
  gobi_sampler_destroy(sampler);
  gobi_session_destroy(session);
  gobi_decoder_destroy(decoder);
  gobi_tokenizer_destroy(tokenizer);
  gobi_model_close(model);
  gobi_runtime_destroy(runtime);
  return 0;
}
