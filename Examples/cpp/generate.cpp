// Continues a prompt greedily through gobi.h, 32 tokens, with handles that give themselves back.
//   c++ -std=c++11 generate.cpp $(pkg-config --cflags --libs gobi) -o generate && ./generate MODEL PROMPT
#include <gobi.h>

#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

// Turns a status into an exception, and owns the error object meanwhile.
struct Check {
  gobi_error *error = nullptr;
  ~Check() { gobi_error_free(error); }
  void operator()(gobi_status status) const {
    if (status != GOBI_OK) throw std::runtime_error(gobi_error_message(error));
  }
};

template <class T>
using Handle = std::unique_ptr<T, void (*)(T *)>;

// Calls create(arguments..., &handle, &error).
template <class T, class Create, class... Arguments>
Handle<T> make(void (*destroy)(T *), Create create, Arguments... arguments) {
  T *raw = nullptr;
  Check check;
  check(create(arguments..., &raw, &check.error));
  return Handle<T>(raw, destroy);
}

void generate(const char *path, const std::string &prompt) {
  const gobi_runtime_options *defaults = nullptr;
  auto runtime = make(gobi_runtime_destroy, gobi_runtime_create, defaults);
  const gobi_model_options *loading = nullptr;
  auto model = make(gobi_model_close, gobi_model_open, path, runtime.get(), loading);
  auto tokenizer = make(gobi_tokenizer_destroy, gobi_tokenizer_create, model.get());
  auto decoder = make(gobi_decoder_destroy, gobi_decoder_create, tokenizer.get(), false, false);
  const gobi_session_options *shape = nullptr;
  auto session = make(gobi_session_destroy, gobi_session_create, model.get(), shape);
  const gobi_sampler_options *greedy = nullptr;
  auto sampler = make(gobi_sampler_destroy, gobi_sampler_create, greedy);
  Check check;
  gobi_model_info info = gobi_model_info();
  info.struct_size = sizeof info;
  check(gobi_model_describe(model.get(), &info, &check.error));
  gobi_sequence sequence = 0;
  check(gobi_sequence_create(session.get(), &sequence, &check.error));

  // No tokenizer makes more tokens than bytes, the opening and closing ones apart.
  std::vector<int32_t> tokens(prompt.size() + 2);
  size_t count = 0;
  check(gobi_encode(tokenizer.get(), prompt.data(), prompt.size(), nullptr, tokens.data(), tokens.size(), &count,
                    &check.error));
  tokens.resize(count);
  std::string text;
  char piece[256];
  for (int step = 0; step < 32; ++step) {
    gobi_batch_entry entry = gobi_batch_entry();
    entry.sequence = sequence;
    entry.tokens = tokens.data();
    entry.count = tokens.size();
    const float *logits = nullptr;
    gobi_choice choice;
    check(gobi_evaluate(session.get(), &entry, 1, nullptr, &check.error));
    check(gobi_logits(session.get(), 0, &logits, &check.error));
    check(gobi_sample(sampler.get(), logits, info.vocabulary, &choice, nullptr, 0, nullptr, &check.error));
    if (gobi_token_ends_generation(tokenizer.get(), choice.token)) break;
    check(gobi_decoder_append(decoder.get(), choice.token, piece, sizeof piece, &count, &check.error));
    text.append(piece, count);
    tokens.assign(1, choice.token);
  }
  check(gobi_decoder_finish(decoder.get(), piece, sizeof piece, &count, &check.error));
  std::cout << text << std::string(piece, count) << "\n";
}

}  // namespace

int main(int argc, char **argv) {
  if (argc != 3) {
    std::cerr << "usage: generate MODEL PROMPT\n";
    return 2;
  }
  try {
    generate(argv[1], argv[2]);
  } catch (const std::exception &error) {
    std::cerr << "generate: " << error.what() << "\n";
    return 2;
  }
  return 0;
}
