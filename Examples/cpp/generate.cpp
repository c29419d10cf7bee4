// Continues a prompt greedily through gobi.hpp, 32 tokens, by the engine.
//   c++ -std=c++17 generate.cpp $(pkg-config --cflags --libs gobi) -o generate && ./generate MODEL PROMPT
#include <gobi.hpp>

#include <exception>
#include <iostream>

int main(int argc, char **argv) {
  if (argc != 3) {
    std::cerr << "usage: generate MODEL PROMPT\n";
    return 2;
  }
  try {
    gobi::Runtime runtime;
    gobi::Model model(argv[1], runtime);
    gobi::Tokenizer tokenizer(model);
    gobi::Engine engine(model);
    gobi::Request request(tokenizer.encode(argv[2]), tokenizer);
    request.options.max_tokens = 32;
    gobi::Generation generation = engine.submit(request);
    for (const gobi::Event &event : generation) std::cout << event.text << std::flush;
    std::cout << "\n";
  } catch (const gobi::Error &error) {
    std::cerr << "generate: " << error.what() << "\n";
    return 2;
  }
  return 0;
}
