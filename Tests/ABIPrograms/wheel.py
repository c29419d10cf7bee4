# Uses the Python package in every way that it documents, with a model of random weights.
# Usage: wheel.py MODEL
import json
import pathlib
import selectors
import sys
import threading

import gobi

PROMPT = "Once upon a time"


def raises(kind, action, *arguments, **options):
    try:
        action(*arguments, **options)
    except kind as error:
        assert str(error), "an error without a message"
        return error
    raise AssertionError(f"{action} did not raise {kind.__name__}")


def answers(model, engine):
    tokens = model.tokenizer.encode(PROMPT)
    with engine.submit(PROMPT, max_tokens=16, ignore_eos=True, top_logprobs=3) as generation:
        events = list(generation)
    assert isinstance(events[0], gobi.Started) and isinstance(events[-1], gobi.Finished)
    assert events[-1].reason is gobi.FinishReason.LENGTH
    chosen = [event for event in events if isinstance(event, gobi.Token)]
    assert len(chosen) == 16 and all(len(event.top) == 3 for event in chosen)
    assert all(event.top[0].log_probability >= event.log_probability for event in chosen)
    text = "".join(event.text for event in events)
    assert text and text == engine.generate(tokens, max_tokens=16, ignore_eos=True)
    with engine.submit(tokens, max_tokens=4, ignore_eos=True, text=False) as generation:
        assert [event.token for event in list(generation)[1:-1]] == [event.token for event in chosen[:4]]
        assert generation.usage.prompt_tokens == len(tokens) and generation.usage.completion_tokens == 4
    return [event.token for event in chosen]


def sessions(model, expected):
    tokens = model.tokenizer.encode(PROMPT)
    with gobi.Session(model, context=128) as session, gobi.Sampler() as sampler:
        sequence = session.sequence()
        found, following = [], tokens
        for _ in expected:
            following = [sampler.sample(sequence.evaluate(following)).token]
            found += following
        assert found == expected, "the engine's tokens are those of a session"
        saved, position = sequence.save(), len(sequence)
        sequence.trim(len(tokens))
        assert len(session.restore(saved)) == position and len(sequence.branch()) == len(tokens)
        rows = session.evaluate({sequence: tokens}, output="all")
        assert len(rows) == len(tokens) and len(memoryview(rows[0])) == model.info.vocabulary
        raises(gobi.BadState, session.restore, saved[:-1])
        raises(gobi.ContextExceeded, sequence.evaluate, tokens * 100)
        raises(TypeError, sampler.sample, b"text")
    raises(gobi.InvalidArgument, sequence.evaluate, tokens)


def grammars(model, engine):
    schema = {"type": "object", "properties": {"city": {"enum": ["Ulaanbaatar", "Dalanzadgad"]}}, "required": ["city"]}
    with gobi.Grammar.json_schema(model.tokenizer, schema) as grammar:
        for seed in range(3):
            text = engine.generate(PROMPT, grammar=grammar, temperature=1, seed=seed, max_tokens=200)
            assert json.loads(text)["city"] in schema["properties"]["city"]["enum"], text
    matcher = gobi.Matcher(gobi.Grammar.regex(model.tokenizer, "a(b|c)"))
    for letter, state in (("a", gobi.MatcherState.OPEN), ("c", gobi.MatcherState.EXHAUSTED)):
        token = model.tokenizer.encode(letter, add_bos=False)[0]
        assert matcher.mask()[token // 64] >> token % 64 & 1
        matcher.accept(token)
        assert matcher.state is state
    raises(gobi.InvalidArgument, matcher.accept, token)
    raises(gobi.BadText, gobi.Grammar.gbnf, model.tokenizer, "start ::= 1")
    raises(gobi.Unsupported, gobi.Grammar.regex, model.tokenizer, r"\bword")


def chats(model):
    parser = gobi.ChatParser(model, prompt="hello")
    events = parser.append("an ans") + parser.append("wer") + parser.finish()
    assert "".join(event.text for event in events) == "an answer"
    assert all(event.kind is gobi.ChatKind.CONTENT for event in events)
    raises(gobi.BadText, gobi.ChatParser, model, tools=[{"type": "nothing"}])
    tools = [{"type": "function", "function": {"name": "weather"}}]
    raises(gobi.Unsupported, gobi.force_call, model, tools)  # the template of this model has no calls
    assert gobi.shows_special(model) in (False, True)


def embeddings(model):
    with gobi.Embedder(model, chunk_tokens=64) as embedder:
        first, other, again = embedder.embed(["the sand", "a camel " * 100, "the sand"])
        assert len(first) == model.info.width and list(first) == list(again) != list(other)
        assert abs(sum(value * value for value in first) - 1) < 1e-4
        scores = embedder.rerank("the sand", ["a camel", "the sand"]).values()
        assert len(scores) == 2 and abs(scores[1] - 1) < 1e-4 and scores[1] >= scores[0]
        raises(gobi.ContextExceeded, lambda: embedder.submit("a camel " * 100, excess="refuse").values())
        raises(gobi.InvalidArgument, embedder.submit, "the sand", labels=True)
        raises(gobi.BadFile, gobi.Adapter, sys.argv[1], model)  # a model, no adapter
        embedder.drain()
        assert embedder.wait(30) and "gobi_embedding" in embedder.prometheus()


def several(model):
    """Many requests, waited for by a selector; another thread cancels one; one thread at a time takes events."""
    with gobi.Engine(model, max_sequences=4) as engine:
        selector = selectors.DefaultSelector()
        texts = {}
        for seed in range(8):
            generation = engine.submit(PROMPT, max_tokens=8, ignore_eos=True, temperature=1, seed=seed % 2)
            selector.register(generation, selectors.EVENT_READ)
            texts[generation] = ""
        while selector.get_map():
            for key, _ in selector.select(30):
                while (event := key.fileobj.next(0)) is not None:
                    texts[key.fileobj] += event.text
                    if isinstance(event, gobi.Finished):
                        selector.unregister(key.fileobj)
                        break
        assert len(set(texts.values())) == 2, "the same seed gives the same text"
        endless = engine.submit(PROMPT, ignore_eos=True)
        threading.Timer(0.05, endless.cancel).start()
        *_, last = endless
        assert last.reason in (gobi.FinishReason.CANCELLED, gobi.FinishReason.CONTEXT)
        raises(gobi.ContextExceeded, engine.submit, [1] * (engine.context + 1))
        raises(gobi.InvalidArgument, engine.submit, PROMPT, priority=1_000)
        raises(gobi.DeadlineExceeded, list, engine.submit(PROMPT, deadline=1e-9))
        assert "gobi_engine_generated_tokens_total" in engine.prometheus('model="tiny"')
        engine.drain()
        assert engine.wait(30)
        assert engine.counters["finished"] >= 8 and engine.counters["failed"] == 1
        raises(gobi.ShuttingDown, engine.submit, PROMPT)
    raises(gobi.InvalidArgument, engine.drain)


def main(path):
    assert raises(gobi.BadFile, gobi.Model, path + ".none").status == 6
    assert gobi.inspect(path)["format"] == "GGUF" or "files" in gobi.inspect(path)
    with gobi.Runtime(threads=2) as runtime, gobi.Model(path, runtime) as model:
        assert gobi.__version__.startswith("1.") and model.info.vocabulary > 0 and model.architecture
        assert model.tokenizer.decode(model.tokenizer.encode("Zürich", add_bos=False)) == "Zürich"
        assert model.encode_chat([{"role": "user", "content": "hi"}])
        with gobi.Engine(model) as engine:
            chosen = answers(model, engine)
            grammars(model, engine)
        sessions(model, chosen)
        several(model)
        chats(model)
        embeddings(model)
    mapped = pathlib.Path("/proc/self/maps").read_text()
    assert "libgobi" in mapped and not any(word in mapped for word in ("libswift", "blas", "lapack")), "strangers"
    print(f"gobi {gobi.__version__} from {pathlib.Path(gobi.__file__).parent.name}: every use as documented")


main(sys.argv[1])
