# Every endpoint and option through the official client, but for tools and formats (tools.py).
import asyncio
import math

import openai

from server import CHAT, EMBED, KEY

MESSAGES = [{"role": "user", "content": "Name three colours."}]
PROMPT = "Once upon a time, there was a little"


def client(server, **options):
    return openai.OpenAI(base_url=f"{server.url}/v1", api_key=server.key or KEY, max_retries=0, **options)


def complete(server, prompt=PROMPT, **options):
    options = {"model": CHAT, "max_tokens": 8, "temperature": 0, **options}
    return client(server).completions.create(prompt=prompt, **options)


def chat(server, messages=MESSAGES, **options):
    options = {"model": CHAT, "max_tokens": 8, "temperature": 0, **options}
    return client(server).chat.completions.create(messages=messages, **options)


def refused(kind, call):
    """The error that the call raises; it must be of that kind."""
    try:
        call()
    except kind as error:
        return error
    raise AssertionError(f"not refused with {kind.__name__}")


def models(server):
    listed = {model.id: model for model in client(server).models.list()}
    assert set(listed) == {CHAT, EMBED}, listed
    one = client(server).models.retrieve(CHAT)
    assert one.object == "model" and one.owned_by == "gobi" and one.created > 1_700_000_000
    error = refused(openai.NotFoundError, lambda: client(server).models.retrieve("no such/model"))
    assert error.code == "model_not_found" and error.param == "model", error.body
    error = refused(openai.NotFoundError, lambda: complete(server, model="gpt-4"))
    assert error.code == "model_not_found"
    error = refused(openai.BadRequestError, lambda: complete(server, model=EMBED))
    assert error.param == "model"


def keys(server):
    for key in ("sk-wrong", KEY + "x", KEY[:-1], " "):
        bad = openai.OpenAI(base_url=f"{server.url}/v1", api_key=key, max_retries=0)
        error = refused(openai.AuthenticationError, lambda: bad.models.list())
        assert error.code == "invalid_api_key", error.body
    assert server.http.get("/health", headers={"Authorization": ""}).status_code == 200
    assert server.http.get("/metrics", headers={"Authorization": ""}).status_code == 401


def completion(server):
    answer = complete(server)
    choice = answer.choices[0]
    assert answer.object == "text_completion" and answer.id.startswith("cmpl-") and answer.model == CHAT
    assert answer.system_fingerprint.startswith("gobi-")
    assert choice.text and choice.finish_reason == "length" and choice.index == 0
    assert answer.usage.completion_tokens == 8 and answer.usage.prompt_tokens > 5
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + 8
    assert complete(server).choices[0].text == choice.text
    assert complete(server, max_tokens=0).choices[0].text == ""


def completion_stream(server):
    whole = complete(server)
    chunks = list(complete(server, stream=True, stream_options={"include_usage": True}))
    assert "".join(c.choices[0].text for c in chunks if c.choices) == whole.choices[0].text
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "length"
    assert len({c.id for c in chunks}) == 1
    assert chunks[-1].choices == [] and chunks[-1].usage.completion_tokens == 8
    assert all(c.usage is None for c in chunks[:-1])
    assert all(c.usage is None for c in complete(server, stream=True))


def prompts(server):
    texts = [PROMPT, "The capital of France is"]
    answer = complete(server, texts, n=2, max_tokens=4)
    assert [choice.index for choice in answer.choices] == [0, 1, 2, 3]
    alone = [complete(server, text, max_tokens=4).choices[0].text for text in texts]
    assert [choice.text for choice in answer.choices] == [alone[0], alone[0], alone[1], alone[1]]
    ids = [100, 2000, 300, 4000]
    tokens = complete(server, ids, max_tokens=4, echo=True)
    lists = complete(server, [ids, ids[:2]], max_tokens=4, echo=True)
    assert lists.choices[0].text == tokens.choices[0].text and tokens.usage.prompt_tokens == 4
    assert complete(server, PROMPT, echo=True).choices[0].text.startswith(PROMPT)
    echoed = "".join(c.choices[0].text for c in complete(server, PROMPT, echo=True, stream=True))
    assert echoed == complete(server, PROMPT, echo=True).choices[0].text


def several_answers(server):
    alone = complete(server, temperature=1, seed=7).choices[0].text
    three = complete(server, temperature=1, seed=7, n=3)
    assert three.choices[0].text == alone
    assert [choice.text for choice in complete(server, temperature=1, seed=7, n=3).choices] == [
        choice.text for choice in three.choices]
    assert len({choice.text for choice in three.choices}) > 1
    streamed = {0: "", 1: "", 2: ""}
    for chunk in complete(server, temperature=1, seed=7, n=3, stream=True):
        streamed[chunk.choices[0].index] += chunk.choices[0].text
    assert list(streamed.values()) == [choice.text for choice in three.choices]
    assert len({complete(server, temperature=1).choices[0].text for _ in range(4)}) > 1


def prefix_cache(server):
    text = "A long story about the sea. " * 30
    first = complete(server, text, max_tokens=2)
    again = complete(server, text, max_tokens=2, n=2)
    assert again.usage.prompt_tokens == first.usage.prompt_tokens > 128
    assert again.usage.prompt_tokens_details.cached_tokens >= first.usage.prompt_tokens - 64
    other = complete(server, text, max_tokens=2, user="somebody else")
    assert other.usage.prompt_tokens_details.cached_tokens == 0
    assert other.choices[0].text == first.choices[0].text


def stops(server):
    whole = complete(server, max_tokens=24).choices[0].text
    word = whole.split()[3]
    for stop in (word, ["§§§", word]):
        answer = complete(server, max_tokens=24, stop=stop)
        assert answer.choices[0].finish_reason == "stop"
        assert answer.choices[0].text == whole[:whole.index(word)], (whole, answer.choices[0].text)
    streamed = "".join(c.choices[0].text for c in complete(server, max_tokens=24, stop=word, stream=True))
    assert streamed == whole[:whole.index(word)]


def sampling(server):
    greedy = complete(server, max_tokens=16).choices[0].text
    assert complete(server, max_tokens=16, temperature=1.5, top_p=0).choices[0].text == greedy
    assert complete(server, max_tokens=16, temperature=1.5, extra_body={"top_k": 1}).choices[0].text == greedy
    token = complete(server, [1234], max_tokens=1, echo=True, logit_bias={"1234": 100})
    biased = complete(server, [1234], max_tokens=3, echo=True, logit_bias={"1234": 100}).choices[0].text
    assert biased == token.choices[0].text[:len(token.choices[0].text) // 2] * 4, biased
    banned = complete(server, [1234], max_tokens=3, echo=True, logit_bias={"1234": -100}).choices[0].text
    assert biased not in banned
    repeats = "one two three one two three one two three one"
    plain = complete(server, repeats, max_tokens=12).choices[0].text
    assert complete(server, repeats, max_tokens=12, frequency_penalty=2).choices[0].text != plain
    assert complete(server, repeats, max_tokens=12, presence_penalty=2).choices[0].text != plain
    more = complete(server, max_tokens=6, extra_body={"min_p": 0.1, "repetition_penalty": 1.1, "ignore_eos": True})
    assert more.usage.completion_tokens == 6


def completion_log_probabilities(server):
    answer = complete(server, logprobs=3)
    log = answer.choices[0].logprobs
    assert "".join(log.tokens) == answer.choices[0].text and len(log.tokens) == 8
    assert len(log.token_logprobs) == len(log.top_logprobs) == len(log.text_offset) == 8
    for token, value, top in zip(log.tokens, log.token_logprobs, log.top_logprobs):
        assert len(top) == 3 and max(top, key=top.get) == token and abs(top[token] - value) < 1e-6
        assert value <= 0 and sum(math.exp(v) for v in top.values()) <= 1.0001
    assert log.text_offset == [len("".join(log.tokens[:index])) for index in range(8)]
    streamed = [c.choices[0].logprobs for c in complete(server, logprobs=3, stream=True) if c.choices[0].logprobs]
    assert [value for part in streamed for value in part.token_logprobs] == log.token_logprobs


def chats(server):
    answer = chat(server)
    message = answer.choices[0].message
    assert answer.object == "chat.completion" and answer.id.startswith("chatcmpl-")
    assert message.role == "assistant" and message.content and message.tool_calls is None
    assert answer.choices[0].finish_reason == "length" and answer.usage.completion_tokens == 8
    assert chat(server, max_tokens=None, max_completion_tokens=4).usage.completion_tokens == 4
    assert chat(server, max_tokens=None, stop="\n").choices[0].finish_reason == "stop"
    chunks = list(chat(server, stream=True, stream_options={"include_usage": True}))
    assert chunks[0].choices[0].delta.role == "assistant" and chunks[0].object == "chat.completion.chunk"
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == message.content
    assert chunks[-1].usage == answer.usage.model_copy(update={"prompt_tokens_details": chunks[-1].usage.prompt_tokens_details})
    assert chunks[-2].choices[0].finish_reason == "length"
    parts = [{"role": "developer", "content": "You are a poet."},
             {"role": "user", "content": [{"type": "text", "text": "Name three "}, {"type": "text", "text": "colours."}]}]
    flat = [{"role": "system", "content": "You are a poet."}, MESSAGES[0]]
    assert chat(server, parts).choices[0].message == chat(server, flat).choices[0].message
    talk = MESSAGES + [{"role": "assistant", "content": message.content}, {"role": "user", "content": "More."}]
    assert chat(server, talk).usage.prompt_tokens_details.cached_tokens > 0
    assert len({c.message.content for c in chat(server, n=3, temperature=1, seed=3).choices}) > 1
    with client(server).chat.completions.stream(model=CHAT, messages=MESSAGES, max_tokens=8, temperature=0) as stream:
        assert stream.get_final_completion().choices[0].message.content == message.content


def chat_log_probabilities(server):
    answer = chat(server, logprobs=True, top_logprobs=4)
    content = answer.choices[0].logprobs.content
    assert bytes(b for entry in content for b in entry.bytes).decode() == answer.choices[0].message.content
    for entry in content:
        assert len(entry.top_logprobs) == 4 and entry.top_logprobs[0].logprob == entry.logprob
    chunks = chat(server, logprobs=True, top_logprobs=4, stream=True)
    streamed = [entry for c in chunks if c.choices[0].logprobs for entry in c.choices[0].logprobs.content]
    assert [entry.logprob for entry in streamed] == [entry.logprob for entry in content]
    error = refused(openai.BadRequestError, lambda: chat(server, top_logprobs=2))
    assert error.param == "top_logprobs"


def together(server):
    """Answers do not depend on what runs beside them."""
    async def ask():
        options = {"base_url": f"{server.url}/v1", "api_key": KEY, "max_retries": 0}
        async with openai.AsyncOpenAI(**options) as beside:
            return await asyncio.gather(*[
                beside.completions.create(model=CHAT, prompt=f"{index} {PROMPT}", max_tokens=8, seed=index)
                for index in range(8)])
    answers = [answer.choices[0].text for answer in asyncio.run(ask())]
    assert answers == [
        complete(server, f"{index} {PROMPT}", temperature=1, seed=index).choices[0].text for index in range(8)]


def embeddings(server):
    texts = ["A cat sits on the mat.", "A kitten rests on a rug.", "Interest rates rose again."]
    answer = client(server).embeddings.create(model=EMBED, input=texts)
    vectors = [entry.embedding for entry in answer.data]
    assert [entry.index for entry in answer.data] == [0, 1, 2] and answer.usage.prompt_tokens > 15
    assert all(len(vector) == 384 and abs(dot(vector, vector) - 1) < 1e-4 for vector in vectors)
    assert dot(vectors[0], vectors[1]) > dot(vectors[0], vectors[2]) + 0.2
    floats = client(server).embeddings.create(model=EMBED, input=texts[0], encoding_format="float")
    assert max(abs(a - b) for a, b in zip(floats.data[0].embedding, vectors[0])) < 1e-6
    short = client(server).embeddings.create(model=EMBED, input=texts[0], dimensions=64).data[0].embedding
    assert len(short) == 64 and abs(dot(short, short) - 1) < 1e-4
    assert abs(dot(short, vectors[0][:64]) / math.sqrt(dot(vectors[0][:64], vectors[0][:64])) - 1) < 1e-4
    tokens = client(server).embeddings.create(model=EMBED, input=[[101, 4937, 102], [101, 3899, 102]])
    assert len(tokens.data) == 2 and tokens.usage.prompt_tokens == 2
    long = client(server).embeddings.create(model=EMBED, input="The cat sat on the mat. " * 300)
    assert abs(dot(long.data[0].embedding, long.data[0].embedding) - 1) < 1e-4 and long.usage.prompt_tokens > 1_500
    for bad in ({"input": ""}, {"input": []}, {"input": [[]]}, {"input": [1 << 40]}, {"dimensions": 385}):
        error = refused(openai.BadRequestError, lambda: client(server).embeddings.create(
            **{"model": EMBED, "input": "x", **bad}))
        assert error.param.startswith(next(iter(bad))), error.body


def dot(a, b):
    return sum(x * y for x, y in zip(a, b))


def reranking(server):
    documents = ["Interest rates rose.", "A kitten rests on a rug.", "Rain is expected."]
    body = {"model": EMBED, "query": "Where is the cat?", "documents": documents, "top_n": 2, "return_documents": True}
    answer = server.post("/v1/rerank", body).json()
    assert [result["index"] for result in answer["results"]][0] == 1 and len(answer["results"]) == 2
    assert answer["results"][0]["document"]["text"] == documents[1]
    assert answer["results"][0]["relevance_score"] > answer["results"][1]["relevance_score"]
    assert answer["usage"]["total_tokens"] > 10
    assert len(server.post("/v1/rerank", {"query": "x", "documents": documents}).json()["results"]) == 3
    for body in ({}, {"query": "x"}, {"query": "x", "documents": []}, {"query": "", "documents": ["x"]}):
        assert server.post("/v1/rerank", body).status_code == 400


def health_and_metrics(server):
    assert server.http.get("/health").json() == {"status": "ok"}
    assert server.http.head("/health").status_code == 200
    text = server.http.get("/metrics").text
    types = [line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")]
    assert len(types) == len(set(types)) > 20
    before = server.metrics()
    complete(server)
    after = server.metrics()
    route = 'gobi_http_requests_total{route="/v1/completions",status="200"}'
    tokens = f'gobi_engine_generated_tokens_total{{model="{CHAT}"}}'
    assert after[route] == before[route] + 1 and after[tokens] == before[tokens] + 8


def headers(server):
    answer = client(server).completions.with_raw_response.create(
        model=CHAT, prompt=PROMPT, max_tokens=1, extra_headers={"x-request-id": "mine-1"})
    assert answer.headers["x-request-id"] == "mine-1"
    assert server.http.get("/v1/models").headers["x-request-id"].startswith("req_")


CHECKS = [
    models, keys, completion, completion_stream, prompts, several_answers, prefix_cache, stops, sampling,
    completion_log_probabilities, chats, chat_log_probabilities, together, embeddings, reranking, health_and_metrics,
    headers,
]
