// Answers several prompts at once through the engine of gobi.h, 32 tokens each, with poll(2) as an event loop would.
//   cc -std=c11 serve.c $(pkg-config --cflags --libs gobi) -o serve && ./serve MODEL PROMPT...
#include <gobi.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 64, TEXT = 4096 };

static gobi_error *error;

static void check(gobi_status status) {
  if (status == GOBI_OK) return;
  fprintf(stderr, "serve: %s: %s\n", gobi_status_name(status), gobi_error_message(error));
  gobi_error_free(error);
  exit(2);
}

struct answer {
  gobi_generation *generation;
  char text[TEXT];
  size_t length;
};

static void submit(gobi_engine *engine, gobi_tokenizer *tokenizer, const char *prompt, struct answer *answer) {
  // No tokenizer makes more tokens than bytes, the opening and closing ones apart.
  size_t count = strlen(prompt) + 2;
  int32_t *tokens = malloc(count * sizeof *tokens);
  if (tokens == NULL) exit(3);
  check(gobi_encode(tokenizer, prompt, strlen(prompt), NULL, tokens, count, &count, &error));
  gobi_request_options request = {
      .struct_size = sizeof request, .prompt = tokens, .prompt_count = count, .tokenizer = tokenizer, .max_tokens = 32};
  check(gobi_engine_submit(engine, &request, &answer->generation, &error));
  free(tokens);  // the engine has a copy
}

// Takes the events that are there. Returns whether the answer is complete.
static bool take(struct answer *answer) {
  const gobi_event *event = NULL;
  for (;;) {
    check(gobi_generation_next(answer->generation, 0, &event, &error));
    if (event == NULL) return false;
    if (event->kind == GOBI_EVENT_FAILED) fprintf(stderr, "serve: %s\n", event->message);
    if (answer->length + event->text_length < TEXT) {
      memcpy(answer->text + answer->length, event->text, event->text_length);
      answer->length += event->text_length;
    }
    if (event->is_last) return true;
  }
}

int main(int argc, char **argv) {
  if (argc < 3 || argc > MOST + 2) {
    fprintf(stderr, "usage: serve MODEL PROMPT... (at most %d)\n", MOST);
    return 2;
  }
  static struct answer answers[MOST];
  struct pollfd waiting[MOST];
  gobi_runtime *runtime = NULL;
  gobi_model *model = NULL;
  gobi_tokenizer *tokenizer = NULL;
  gobi_engine *engine = NULL;
  check(gobi_runtime_create(NULL, &runtime, &error));
  check(gobi_model_open(argv[1], runtime, NULL, &model, &error));
  check(gobi_tokenizer_create(model, &tokenizer, &error));
  check(gobi_engine_create(model, NULL, &engine, &error));

  const int count = argc - 2;
  for (int i = 0; i < count; ++i) {
    submit(engine, tokenizer, argv[i + 2], &answers[i]);
    waiting[i] = (struct pollfd){.events = POLLIN};
    check(gobi_generation_descriptor(answers[i].generation, &waiting[i].fd, &error));
  }
  for (int open = count; open > 0;) {
    poll(waiting, (nfds_t)count, -1);
    for (int i = 0; i < count; ++i) {
      if ((waiting[i].revents & POLLIN) == 0 || !take(&answers[i])) continue;
      waiting[i].fd = -1;  // poll passes over it
      --open;
    }
  }
  for (int i = 0; i < count; ++i) {
    fwrite(answers[i].text, 1, answers[i].length, stdout);
    putchar('\n');
    gobi_generation_destroy(answers[i].generation);
  }
  gobi_engine_destroy(engine);
  gobi_tokenizer_destroy(tokenizer);
  gobi_model_close(model);
  gobi_runtime_destroy(runtime);
  return 0;
}
