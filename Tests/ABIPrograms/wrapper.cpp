// Uses every class of gobi.hpp: values, errors, moves, ranges. Prints what was not as documented.
// Usage: wrapper MODEL
#include <gobi.hpp>

#include <cmath>
#include <cstdio>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

int failures;

void require(int line, bool holds, const char *what) {
  if (holds) return;
  std::printf("wrapper.cpp:%d: %s\n", line, what);
  ++failures;
}

#define REQUIRE(condition) require(__LINE__, condition, #condition)

// Whether the action throws an error with that status and a sentence.
template <class Action>
bool throws(gobi_status status, Action action) {
  try {
    action();
  } catch (const gobi::Error &error) {
    return error.status() == status && error.what()[0] != 0;
  }
  return false;
}

gobi::Request request_for(const std::vector<std::int32_t> &prompt, const gobi::Tokenizer &tokenizer) {
  gobi::Request request(prompt, tokenizer);
  request.options.max_tokens = 8;
  request.options.ignore_eos = true;
  return request;
}

// The tokens of a session, evaluated and sampled step by step, and the engine's.
void answers(const gobi::Model &model, const gobi::Tokenizer &tokenizer, gobi::Engine &engine) {
  const std::vector<std::int32_t> prompt = tokenizer.encode("Once upon a time");
  REQUIRE(tokenizer.decode(tokenizer.encode("Once")).find("Once") != std::string::npos);
  gobi::Session session(model);
  gobi::Sampler sampler;
  gobi::Decoder decoder(tokenizer);
  const gobi_sequence sequence = session.add_sequence();
  std::string expected;
  std::vector<std::int32_t> next = prompt;
  for (int i = 0; i < 8; ++i) {
    next.assign(1, sampler.sample(session.evaluate(sequence, next)).token);
    expected += decoder.append(next[0]);
  }
  expected += decoder.finish();
  REQUIRE(session.position(sequence) == prompt.size() + 7);
  REQUIRE(session.position(session.restore(session.save(sequence))) == prompt.size() + 7);
  session.trim(sequence, 1);
  REQUIRE(session.position(session.branch(sequence)) == 1);
  session.remove(sequence);
  REQUIRE(throws(GOBI_INVALID_ARGUMENT, [&] { session.position(sequence); }));

  std::string text;
  gobi::Generation generation = engine.submit(request_for(prompt, tokenizer));
  std::int32_t last = -1;
  for (const gobi::Event &event : generation) {
    text += event.text;
    last = event.kind;
  }
  REQUIRE(text == expected && last == GOBI_EVENT_FINISHED);
  REQUIRE(!generation.next() && generation.begin() == generation.end());
  REQUIRE(generation.usage().completion_tokens == 8 && engine.counters().submitted >= 1);

  // A moved handle is empty, and what it held lives on in the other.
  gobi::Generation moved = std::move(generation);
  REQUIRE(generation.get() == nullptr && moved.usage().completion_tokens == 8);
  REQUIRE(throws(GOBI_INVALID_ARGUMENT, [&] { generation.next(); }));
  moved = engine.submit(request_for(prompt, tokenizer));
  REQUIRE(moved.descriptor() >= 0);
  std::thread([&] { moved.cancel(); }).join();
  while (const auto event = moved.next()) last = event->finish;
  REQUIRE(last == GOBI_FINISH_CANCELLED || last == GOBI_FINISH_LENGTH);
  REQUIRE(throws(GOBI_INVALID_ARGUMENT, [&] { engine.submit(gobi::Request({})); }));
}

void grammars(const gobi::Tokenizer &tokenizer, gobi::Engine &engine) {
  const gobi::Grammar grammar = gobi::Grammar::regex(tokenizer, "(yes|no), certainly");
  gobi::Request request(tokenizer.encode("Is it?"), tokenizer);
  request.options.grammar = grammar.get();
  request.stop_strings = {", cert"};
  std::string text;
  for (const gobi::Event &event : engine.submit(request)) text += event.text;
  REQUIRE(text == "yes" || text == "no");
  gobi::Matcher matcher(gobi::Grammar::json_schema(tokenizer, "{\"const\": [1]}"));
  const gobi::Matcher before = matcher.clone();
  for (const std::int32_t token : matcher.forced()) matcher.accept(token);
  REQUIRE(before.state() == GOBI_MATCHER_OPEN && before.mask() != std::vector<std::uint64_t>());
  REQUIRE(throws(GOBI_BAD_TEXT, [&] { gobi::Grammar::gbnf(tokenizer, "root ::= nothing"); }));
  REQUIRE(throws(GOBI_UNSUPPORTED, [&] { gobi::Grammar::regex(tokenizer, "(?=a)"); }));
}

void others(const gobi::Model &model, const gobi::Tokenizer &tokenizer, const std::string &path) {
  REQUIRE(throws(GOBI_BAD_FILE, [&] { gobi::Adapter(path, model); }));
  gobi::ChatParser parser(model);
  std::string content;
  for (const gobi::ChatEvent &event : parser.append("an answer")) content += event.text;
  for (const gobi::ChatEvent &event : parser.finish()) content += event.text;
  REQUIRE(content == "an answer");
  gobi::Embedder embedder(model);
  const auto one = tokenizer.encode("the sand"), other = tokenizer.encode("a camel");
  const std::vector<float> vector = embedder.submit(one).values();
  REQUIRE(vector.size() == model.describe().width);
  const std::vector<float> scores = embedder.rerank(one, {other, one}).values();
  REQUIRE(scores.size() == 2 && std::fabs(scores[1] - 1) < 1e-4F && scores[0] <= scores[1]);
  embedder.drain();
  REQUIRE(embedder.wait());
  REQUIRE(embedder.prometheus().find("gobi_embedding") != std::string::npos);
}

}  // namespace

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  try {
    gobi::Runtime runtime;
    REQUIRE(runtime.threads() > 0 && !runtime.isa().empty());
    REQUIRE(throws(GOBI_BAD_FILE, [&] { gobi::Model("/nonexistent.gguf", runtime); }));
    gobi::Model model(argv[1], runtime);
    REQUIRE(!model.architecture().empty() && !model.render_chat("[]").empty());
    const gobi::Tokenizer tokenizer(model);
    gobi::Engine engine(model);
    answers(model, tokenizer, engine);
    grammars(tokenizer, engine);
    others(model, tokenizer, argv[1]);
    engine.clear_cache();
    engine.drain();
    REQUIRE(engine.wait() && engine.prometheus("a=\"b\"").find("{a=\"b\"}") != std::string::npos);
    REQUIRE(throws(GOBI_SHUTTING_DOWN, [&] { engine.submit(request_for({1}, tokenizer)); }));
  } catch (const gobi::Error &error) {
    std::printf("wrapper.cpp: %s\n", error.what());
    return 1;
  }
  return failures == 0 ? 0 : 1;
}
