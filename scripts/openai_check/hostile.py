# Bad input and clients that misbehave: what each gets, and that nobody else notices.
import asyncio
import json
import os
import signal
import socket
import threading
import time

from api import MESSAGES, PROMPT
from server import CHAT, EMBED, eventually

COMPLETIONS, CHATS = "/v1/completions", "/v1/chat/completions"


def reference(server):
    """An answer that must be the same whatever else happens."""
    body = {"model": CHAT, "messages": MESSAGES, "max_tokens": 8, "seed": 11, "temperature": 1}
    return server.post(CHATS, body).json()["choices"][0]["message"]["content"]


def wait_for_idle(server):
    assert eventually(server.is_idle), server.metrics()


def error_of(answer, status):
    assert answer.status_code == status, (answer.status_code, answer.text[:300])
    assert answer.headers["content-type"] == "application/json"
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"} and error["message"] and error["type"], error
    return error


def bad_fields(server):
    """Every field out of its range or type is a 400 that names it."""
    both = {
        "temperature": [-0.1, 2.1, "hot", [], True, 10**40], "top_p": [-0.1, 1.5, "x"], "top_k": [-2, 1.5, 10**12],
        "min_p": [-1, 2], "repetition_penalty": [0, -1, 1000], "frequency_penalty": [-2.5, 3], "seed": ["x", 1.5, 2**70],
        "presence_penalty": [-3, 2.5, {}], "n": [0, -1, 17, 1.5, "2"], "stop": [3, [1], [""], "", ["x"] * 17, "x" * 2000],
        "logit_bias": [[], {"x": 1}, {"-1": 1}, {"99999999": 1}, {"5": 101}, {"5": "x"}], "stream": ["yes", 1],
        "stream_options": [{"include_usage": True}, []], "max_tokens": [-1, "x", 0.5, 2**40, 4096], "user": [1, "x" * 5000],
        "ignore_eos": ["x"], "response_format": ["json"], "grammar": [1], "regex": [{}], "metadata": [1],
    }
    only_chat = {
        "messages": [[], "x", {}, [[]], [1]], "logprobs": [3, "yes"], "top_logprobs": [-1, 21, 2],
        "max_completion_tokens": [0, -5, "x"], "tools": ["x"], "tool_choice": ["always", 3], "audio": [{}],
        "parallel_tool_calls": ["x"], "modalities": [["audio"]], "reasoning_effort": [3], "chat_template_kwargs": [1],
        "web_search_options": [{}], "function_call": ["auto"], "functions": [[{"name": "x"}]],
    }
    only_text = {
        "prompt": [3, [], [[]], {}, [None], ["x", 1], [1, "x"], [-1], [1 << 40], [[1, 99_999_999]]], "logprobs": [-1, 21, "x"],
        "suffix": ["x"], "best_of": [2], "echo": ["x"],
    }
    tried = 0
    for path, good, fields in [
        (CHATS, {"model": CHAT, "messages": MESSAGES, "max_tokens": 1}, {**both, **only_chat}),
        (COMPLETIONS, {"model": CHAT, "prompt": PROMPT, "max_tokens": 1}, {**both, **only_text}),
        ("/v1/embeddings", {"model": EMBED, "input": "x"},
         {"input": [3, {}, [1, "x"], [[-1]]], "encoding_format": ["hex", 1], "dimensions": [0, 10_000, "x"]}),
        ("/v1/rerank", {"query": "x", "documents": ["y"]},
         {"documents": [3, [1], [{}], [""]], "query": [1, [], ""], "top_n": [0, "x"], "return_documents": [1]}),
    ]:
        assert server.post(path, good).status_code == 200
        for name, values in fields.items():
            for value in values:
                error = error_of(server.post(path, {**good, name: value}), 400)
                assert error["param"] and error["param"].startswith(name), (path, name, value, error)
                tried += 1
        for missing in good:
            if missing not in ("max_tokens", "model"):
                error = error_of(server.post(path, {k: v for k, v in good.items() if k != missing}), 400)
                assert error["param"] == missing, (path, missing, error)
        for model, status in ((3, 400), ("", 404), ("x" * 10_000, 404)):
            assert error_of(server.post(path, {**good, "model": model}), status)["param"] == "model"
    assert tried > 100


def strangers_are_tolerated(server):
    body = {"model": CHAT, "prompt": PROMPT, "max_tokens": 1, "no_such_field": {"a": [1]}, "store": True, "temperature": None,
            "stop": None, "logit_bias": None, "suffix": None, "seed": 1.0}
    assert server.post(COMPLETIONS, body).status_code == 200


def bad_json(server):
    deep = "[" * 200_000
    bodies = [
        b"", b"{", b"null", b"[]", b'"x"', b"{'a': 1}", b'{"a": NaN}', b'{"temperature": 1e999}', b'{"a": "\xff\xfe"}',
        b'{"prompt": "\xed\xa0\x80"}', b'{"a": "\\ud800"}', b"\xef\xbb\xbf{}", b'{"a":1}x', deep.encode(),
        ('{"messages":' + deep).encode(), ('{"a":' * 100_000).encode(), b"\x00" * 1000, os.urandom(1000),
    ]
    for body in bodies:
        answer = server.http.post(CHATS, content=body, headers={"content-type": "application/json"})
        assert error_of(answer, 400)["code"] == "invalid_json", body[:40]
    huge = '{"prompt": "x", "max_tokens": 1%s}' % ("0" * 400)
    assert server.http.post(COMPLETIONS, content=huge, headers={"content-type": "application/json"}).status_code == 400


def wrong_requests(server):
    assert error_of(server.http.get("/v1/nothing"), 404)["code"] == "not_found"
    assert server.http.get("/").status_code == server.http.get("/v1/models/%ff").status_code == 404
    answer = server.http.get(CHATS)
    assert error_of(answer, 405) and answer.headers["allow"] == "POST"
    assert error_of(server.http.post("/v1/models", json={}), 405)
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        error_of(server.http.post(CHATS, content=b"{}", headers={"content-type": kind}), 415)
    error_of(server.http.post(CHATS, content=b"{}"), 415)
    gzip = {"content-type": "application/json", "content-encoding": "gzip"}
    error_of(server.http.post(CHATS, content=b"{}", headers=gzip), 415)
    assert server.http.post(CHATS.removeprefix("/v1"), json={}).status_code == 400


def huge_bodies(server):
    before = server.resident()
    body = {"model": CHAT, "prompt": "x" * (600 << 10)}
    assert error_of(server.post(COMPLETIONS, body), 413)["code"] == "body_too_large"

    def endless():
        for _ in range(64):
            yield b" " * (32 << 10)
    answer = server.http.post(COMPLETIONS, content=endless(), headers={"content-type": "application/json"})
    assert answer.status_code == 413
    with connection(server) as link:
        link.sendall(head(server, COMPLETIONS, 10**15))
        assert b"413" in link.recv(4096).split(b"\r\n")[0]
    assert eventually(lambda: server.metric("gobi_http_body_bytes") == 0)
    assert server.resident() < before + 64


def connection(server):
    return socket.create_connection(("127.0.0.1", server.port), timeout=30)


def head(server, path, length, method="POST"):
    key = f"Authorization: Bearer {server.key}\r\n" if server.key else ""
    return (f"{method} {path} HTTP/1.1\r\nHost: x\r\n{key}Content-Type: application/json\r\n"
            f"Content-Length: {length}\r\n\r\n").encode()


def request(server, path, body):
    text = json.dumps(body).encode()
    return head(server, path, len(text)) + text


def bad_http(server):
    for text in (b"\x16\x03\x01\x02\x00\x01\x00", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\r\n" * 10,
                 b"GET / HTTP/1.1\r\nX: " + b"y" * 100_000 + b"\r\n\r\n", b"POST / HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
                 b"POST /v1/completions HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n"):
        with connection(server) as link:
            link.sendall(text)
            link.shutdown(socket.SHUT_WR)
            try:
                while link.recv(65_536):
                    pass
            except ConnectionResetError:
                pass
    assert server.http.get("/health").status_code == 200
    with connection(server) as link:
        text = json.dumps({"model": CHAT, "prompt": "x", "max_tokens": 1}).encode()
        link.sendall(head(server, COMPLETIONS, len(text)).replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n"))
        assert link.recv(4096).startswith(b"HTTP/1.1 100")
        link.sendall(text)
        assert link.recv(4096).startswith(b"HTTP/1.1 200")


def exploding_schemas(server):
    """Refused in bounded time, while others are answered."""
    wide = {"type": "object", "properties": {f"p{i}": {"type": "string", "pattern": f"^(a|b)*a(a|b){{{i % 9 + 14}}}$"}
                                              for i in range(200)}}
    product = {"allOf": [{"anyOf": [{"properties": {f"k{i}{j}": {"const": j}}} for j in range(8)]} for i in range(8)]}
    nested = {"type": "string"}
    for _ in range(55):
        nested = {"type": "array", "items": nested, "minItems": 1_000, "maxItems": 19_000}
    shapes = [wide, product, nested, {"type": "string", "minLength": 10**9}, {"enum": [str(i) * 20 for i in range(20_000)]}]
    waits = []

    def ask(schema):
        body = {"model": CHAT, "messages": MESSAGES, "max_tokens": 1,
                "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}}
        begin = time.monotonic()
        answer = server.post(CHATS, body)
        # What can be compiled within the limits is fine too.
        assert answer.status_code in (200, 400), answer.text
        if answer.status_code == 400:
            assert answer.json()["error"]["code"] in ("invalid_grammar", "invalid_json"), answer.text
        waits.append((time.monotonic() - begin, answer.status_code))
    threads = [threading.Thread(target=ask, args=(schema,)) for schema in shapes]
    for thread in threads:
        thread.start()
    begin = time.monotonic()
    assert server.http.get("/health").status_code == 200
    assert time.monotonic() - begin < 2
    for thread in threads:
        thread.join()
    assert len(waits) == len(shapes) and max(wait for wait, _ in waits) < 20, waits
    assert sum(status == 400 for _, status in waits) >= 3, waits


def too_long_prompts(server):
    error = error_of(server.post(COMPLETIONS, {"model": CHAT, "prompt": "word " * 3_000, "max_tokens": 1}), 400)
    assert error["code"] == "context_length_exceeded" and error["param"] == "prompt"
    talk = [{"role": "user", "content": "word " * 3_000}]
    error = error_of(server.post(CHATS, {"model": CHAT, "messages": talk}), 400)
    assert error["code"] == "context_length_exceeded" and error["param"] == "messages"


LONG = {"model": CHAT, "prompt": PROMPT, "max_tokens": 1_500, "ignore_eos": True, "stream": True}


def vanishing_clients(server):
    """What is generated for a client that has gone ends at once."""
    before = server.metric("gobi_http_clients_vanished_total")
    for body, waits in ((LONG, True), ({**LONG, "n": 4}, True), ({**LONG, "stream": False}, False)):
        link = connection(server)
        link.sendall(request(server, COMPLETIONS, body))
        if waits:
            assert b"data: " in link.recv(65_536) + link.recv(65_536)
        else:
            assert eventually(lambda: server.metric("gobi_engine_sequences_running") > 0)
        link.close()
        assert eventually(server.is_idle, 5), server.metrics()
    assert server.metric("gobi_http_clients_vanished_total") == before + 3
    # Those that go before they have asked in full.
    for size in (10, 100, 200):
        with connection(server) as link:
            link.sendall(request(server, COMPLETIONS, LONG)[:size])
    wait_for_idle(server)


def crowd(server, count):
    """So many connections at once; others are served, and the memory comes back."""
    expected = reference(server)
    wait_for_idle(server)

    async def hold():
        links = []
        for _ in range(count):
            links.append(await asyncio.open_connection("127.0.0.1", server.port))
        for _, writer in links[::10]:
            writer.write(head(server, "/health", 0, "GET"))
        for reader, _ in links[::10]:
            assert (await reader.read(64)).startswith(b"HTTP/1.1 200")
        answer = await asyncio.to_thread(reference, server)
        held = await asyncio.to_thread(server.metric, "gobi_http_connections")
        for _, writer in links:
            writer.close()
        return answer, held
    asyncio.run(hold())  # warms up what one crowd leaves behind in the allocator
    assert eventually(lambda: server.metric("gobi_http_connections") < 20)
    level = server.resident()
    answer, held = asyncio.run(hold())
    assert answer == expected and held >= count
    assert eventually(lambda: server.metric("gobi_http_connections") < 20)
    assert server.resident() < level * 1.02 + 8, (level, server.resident())


def nothing_remains(server):
    """After all of it: the same answer, the same memory, no request, no byte of a body."""
    expected = reference(server)
    rounds = []
    for _ in range(2):
        bad_json(server)
        vanishing_clients(server)
        wait_for_idle(server)
        rounds.append(server.resident())
    assert reference(server) == expected
    assert rounds[1] < rounds[0] * 1.02 + 8, rounds
    assert server.metric("gobi_http_body_bytes") == 0
    assert server.metric("gobi_http_requests_in_flight") == 1  # the one that asks


def drains(server):
    """SIGTERM: what runs ends whole, what comes is refused, then the server ends."""
    expected = reference(server)
    body = {"model": CHAT, "messages": MESSAGES, "max_tokens": 400, "stream": True, "ignore_eos": True}
    with server.http.stream("POST", CHATS, json=body) as answer:
        lines = answer.iter_lines()
        next(lines)
        server.signal()
        assert eventually(lambda: server.http.get("/health").status_code == 503)
        assert server.http.get("/health").json() == {"status": "draining"}
        refused = server.post(CHATS, {"model": CHAT, "messages": MESSAGES})
        assert error_of(refused, 503)["code"] == "shutting_down" and refused.headers["retry-after"]
        text = [line for line in lines if line]
    assert text[-1] == "data: [DONE]" and json.loads(text[-2][6:])["choices"][0]["finish_reason"] == "length"
    assert server.process.wait(20) == 0 and expected
    assert server.log() == "" or "draining" in server.log()


# MARK: Against a server with little of everything


def full_queue(server):
    wait_for_idle(server)
    links = []
    for _ in range(3):
        links.append(connection(server))
        links[-1].sendall(request(server, COMPLETIONS, {**LONG, "max_tokens": 500}))
        time.sleep(0.05)
    assert eventually(lambda: server.metric("gobi_engine_requests_waiting") == 2), server.metrics()
    answer = server.post(COMPLETIONS, {"model": CHAT, "prompt": PROMPT})
    assert error_of(answer, 429)["code"] == "queue_full" and int(answer.headers["retry-after"]) >= 1
    # Several answers are taken together or not at all.
    assert server.post(COMPLETIONS, {"model": CHAT, "prompt": PROMPT, "n": 8}).status_code == 429
    for link in links:
        link.close()
    wait_for_idle(server)
    assert server.post(COMPLETIONS, {"model": CHAT, "prompt": PROMPT, "max_tokens": 1}).status_code == 200


def out_of_time(server):
    body = {"model": CHAT, "prompt": PROMPT, "max_tokens": 1_000, "ignore_eos": True}
    with connection(server) as link:  # the only sequence, so that the other waits
        link.sendall(request(server, COMPLETIONS, {**body, "stream": True}))
        assert link.recv(1024)
        assert error_of(server.post(COMPLETIONS, body), 504)["code"] == "deadline_exceeded"
        text = b""
        while b"\n\n0\r\n\r\n" not in text[-20:] and (piece := link.recv(65_536)):
            text += piece
    last = text.decode().split("data: ")[-1]
    assert "deadline_exceeded" in last or "[DONE]" in last, last


def out_of_memory(server):
    """More keys and values than the budget has room for: refused before anything is computed."""
    many = {"model": CHAT, "prompt": "word " * 900, "max_tokens": 100}
    error = error_of(server.post(COMPLETIONS, many), 400)
    assert error["code"] == "memory_budget_exceeded" and error["param"] == "max_tokens", error
    assert server.post(COMPLETIONS, {**many, "prompt": "word", "max_tokens": 1}).status_code == 200


def slow_body(server):
    text = request(server, COMPLETIONS, {"model": CHAT, "prompt": "x"})
    with connection(server) as link:
        link.sendall(text[:-5])
        assert link.recv(4096).startswith(b"HTTP/1.1 408")


def slow_reader(server):
    """A client that asks and asks and never reads loses its connection."""
    before = server.metric("gobi_http_readers_stalled_total")
    with connection(server) as link:
        link.setblocking(False)
        ask = head(server, "/metrics", 0, "GET") * 64
        try:
            for _ in range(200_000):
                link.send(ask)
        except BlockingIOError:
            pass
        end = time.monotonic() + 15
        while server.metric("gobi_http_readers_stalled_total") == before:
            assert time.monotonic() < end
            try:
                link.send(ask)
            except (BlockingIOError, ConnectionError):
                pass
            time.sleep(0.02)


def slow_reader_of_a_long_answer(server):
    """Its events wait, the engine goes on with others, and in the end it loses the connection."""
    before = server.metric("gobi_http_readers_stalled_total")
    expected = reference(server)
    body = {**LONG, "max_tokens": 900, "logprobs": 20}
    for _ in range(30):
        link = socket.socket()
        link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        link.connect(("127.0.0.1", server.port))
        link.sendall(request(server, COMPLETIONS, {**body, "max_tokens": 900}))
        time.sleep(2.5)
        assert reference(server) == expected
        if server.metric("gobi_http_readers_stalled_total") > before:
            break
        link.close()
    wait_for_idle(server)


def second_signal_ends_at_once(server):
    with connection(server) as link:
        link.sendall(request(server, COMPLETIONS, {**LONG, "max_tokens": 1_000}))
        assert link.recv(1024)
        server.signal(signal.SIGINT)
        assert eventually(lambda: server.http.get("/health").status_code == 503)
        server.signal(signal.SIGINT)
        assert server.process.wait(5) == 130


GENTLE = [
    bad_fields, strangers_are_tolerated, bad_json, wrong_requests, huge_bodies, bad_http, exploding_schemas,
    too_long_prompts, vanishing_clients, nothing_remains,
]
NARROW = [full_queue, out_of_time, out_of_memory, slow_body, slow_reader]
