#!/usr/bin/env python3
"""Drives a server of OpenAI's protocol beyond its capacity, with clients that behave badly, and holds it to its word.

At 1.2 times what it finishes in a closed loop there come, at random times: requests that are read to their end, ones
that are cancelled half-way, clients that vanish, ones that read slowly, and requests that nobody should send. Answers
of fixed requests must be, bit for bit (text, tokens, logarithms of probabilities), those that the idle server gave; a
server must say no with a reason and never fail; and its memory must not grow.

Standard library alone. Exit code 1 if something did not hold.
"""
import argparse, asyncio, collections, json, random, statistics, sys, time

WORDS = ("the a of and to in is was for that with on as by at from it his her an were which are this be had not or but "
         "river stone market engine garden window letter morning number summer winter music paper question answer").split()


def text(rng, words):
    return " ".join(rng.choice(WORDS) for _ in range(words))


class Answer(Exception):
    """A response that could not be read as HTTP."""


async def exchange(address, path, body, on_event=None, key=None, pause=0.0, limit=None):
    """Sends one request and reads the response: (status, whole body). `on_event` is called for each event of a stream
    and ends it by returning False. `pause` waits before each piece is read. `limit`: seconds for all of it."""
    async def run():
        reader, writer = await asyncio.open_connection(*address, limit=1 << 20)
        try:
            head = [f"POST {path} HTTP/1.1", f"Host: {address[0]}", "Content-Type: application/json",
                    f"Content-Length: {len(body)}", "Connection: close"]
            if key:
                head.append(f"Authorization: Bearer {key}")
            writer.write(("\r\n".join(head) + "\r\n\r\n").encode() + body)
            await writer.drain()
            line = await reader.readline()
            if not line.startswith(b"HTTP/1.1 "):
                raise Answer(f"no status line: {line[:80]!r}")
            status, headers = int(line.split()[1]), {}
            while (line := await reader.readline()) not in (b"\r\n", b""):
                name, _, value = line.decode("latin-1").partition(":")
                headers[name.strip().lower()] = value.strip().lower()
            whole, pending = bytearray(), bytearray()
            while True:
                if pause:
                    await asyncio.sleep(pause)
                piece = await next_piece(reader, headers, len(whole))
                if not piece:
                    return status, bytes(whole)
                whole += piece
                if on_event is None or status != 200:
                    continue
                pending += piece
                while (end := pending.find(b"\n\n")) >= 0:
                    event = bytes(pending[:end])
                    del pending[:end + 2]
                    if event.startswith(b"data: ") and on_event(event[6:]) is False:
                        return status, bytes(whole)
        finally:
            writer.transport.abort()
    return await asyncio.wait_for(run(), limit)


async def next_piece(reader, headers, have):
    if headers.get("transfer-encoding") == "chunked":
        size = int((await reader.readline()).split(b";")[0] or b"0", 16)
        piece = await reader.readexactly(size)
        await reader.readline()
        return piece
    if "content-length" in headers:
        left = int(headers["content-length"]) - have
        return await reader.read(min(left, 1 << 16)) if left else b""
    return await reader.read(1 << 16)


class Soak:
    def __init__(self, options):
        self.options = options
        host, _, port = options.address.partition(":")
        self.address = (host, int(port))
        self.rng = random.Random(options.seed)
        self.counts = collections.Counter()
        self.problems = []
        self.memory = []
        self.references = {}

    # Requests

    def completion(self, rng, prompt, tokens, **more):
        body = {"model": self.options.model, "prompt": prompt, "max_tokens": tokens, "seed": rng.randrange(1 << 31),
                "temperature": rng.choice([0, 0.8, 1]), "logprobs": 1}
        return body | more

    def hostile(self, rng):
        """Bodies that must be refused with a 4xx."""
        base = self.completion(rng, "x", 4)
        deep = 20_000
        return rng.choice([
            b"{", b"", b"[]", b"\xff\xfe{}", b"[" * deep + b"]" * deep, b'{"prompt": "\xc3\x28"}',
            json.dumps(base | {"max_tokens": -1}).encode(), json.dumps(base | {"temperature": "hot"}).encode(),
            json.dumps(base | {"top_p": 7}).encode(), json.dumps(base | {"n": 100_000}).encode(),
            json.dumps(base | {"prompt": text(rng, 60_000)}).encode(), json.dumps(base | {"model": "none"}).encode(),
            json.dumps(base | {"logit_bias": {"x": 1}}).encode(), json.dumps(base | {"stop": [1, 2]}).encode(),
            json.dumps(base | {"temperature": 1e400}).encode(), b'{"seed": ' + b"9" * 400 + b"}",
        ])

    def note(self, what):
        self.counts["problem"] += 1
        if len(self.problems) < 20:
            self.problems.append(what)
            print("problem:", what, file=sys.stderr, flush=True)

    def check_status(self, status, body, kind):
        self.counts[f"{kind} {status}"] += 1
        if status >= 400:
            try:
                error = json.loads(body)["error"]
                if not error["message"]:
                    raise ValueError
            except (ValueError, KeyError, TypeError):
                self.note(f"{kind}: {status} without a reason: {body[:200]!r}")
        if status >= 500 and status not in (503, 504):
            self.note(f"{kind}: {status} {body[:200]!r}")

    async def send(self, body, **more):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await exchange(self.address, "/v1/completions", data, key=self.options.key, **more)

    async def one(self, number):
        rng = random.Random(f"{self.options.seed}:{number}")
        kind = rng.choices(["whole", "reference", "cancelled", "vanished", "slow", "hostile"], [50, 15, 15, 5, 5, 10])[0]
        try:
            if kind == "reference":
                index = rng.randrange(len(self.references))
                body, wanted = self.references[index]
                status, answer = await self.send(body, limit=300)
                self.check_status(status, answer, kind)
                if status == 200 and choices(answer) != wanted:
                    self.note(f"reference {index}: another answer under load")
            elif kind == "hostile":
                status, answer = await self.send(self.hostile(rng), limit=300)
                self.check_status(status, answer, kind)
                if not 400 <= status < 500 and status != 503:
                    self.note(f"hostile: {status} {answer[:100]!r}")
            elif kind == "vanished":
                try:
                    await self.send(self.completion(rng, text(rng, 40), 200, stream=True), limit=rng.uniform(0, 0.2))
                except asyncio.TimeoutError:
                    pass
                self.counts["vanished"] += 1
            else:
                left = rng.randrange(1, 12) if kind == "cancelled" else 1 << 30
                def on_event(event):
                    nonlocal left
                    left -= 1
                    return left > 0
                body = self.completion(rng, text(rng, rng.randrange(8, 120)), rng.randrange(4, 48), stream=True)
                status, answer = await self.send(
                    body, on_event=on_event, pause=0.05 if kind == "slow" else 0, limit=300)
                self.check_status(status, answer, kind)
                if kind == "whole" and status == 200 and b"data: [DONE]" not in answer:
                    self.note(f"whole: a stream without an end: {answer[-100:]!r}")
        except (OSError, Answer, asyncio.IncompleteReadError, asyncio.TimeoutError, ValueError) as error:
            self.counts[f"{kind} broken"] += 1
            self.note(f"{kind}: {type(error).__name__} {error}")

    # The run

    async def learn(self):
        """What the idle server answers to the fixed requests, one after the other; twice, so that chance shows."""
        rng = random.Random(7)
        for index in range(12):
            body = self.completion(rng, text(rng, 10 + 12 * index), 24)
            answers = []
            for _ in range(2):
                status, answer = await self.send(body)
                if status != 200:
                    sys.exit(f"the idle server answers {status}: {answer[:300]!r}")
                answers.append(choices(answer))
            if answers[0] != answers[1]:
                self.note(f"reference {index}: the idle server gives two answers")
            self.references[index] = (body, answers[0])

    async def capacity(self, seconds=20.0, width=64):
        """Requests of the mix a second that are over with when `width` are always there."""
        done, number, end = 0, -1, time.monotonic() + seconds
        async def worker():
            nonlocal done, number
            while time.monotonic() < end:
                number -= 1
                await self.one(number)
                if time.monotonic() < end:
                    done += 1
        await asyncio.gather(*(worker() for _ in range(width)))
        self.counts.clear()
        return done / seconds

    def resident(self):
        with open(f"/proc/{self.options.pid}/status") as file:
            for line in file:
                if line.startswith("VmRSS:"):
                    return int(line.split()[1]) * 1024
        raise OSError("the server has no resident memory: it has ended")

    async def watch(self, start):
        while True:
            self.memory.append((time.monotonic() - start, self.resident()))
            await asyncio.sleep(2)

    async def run(self):
        await self.learn()
        capacity = await self.capacity()
        rate = 1.2 * capacity
        print(f"capacity {capacity:.2f} requests/s; {self.options.seconds:.0f} s at {rate:.2f}", flush=True)
        start, number, due = time.monotonic(), 0, 0.0
        watcher = asyncio.create_task(self.watch(start))
        tasks = set()
        while due < self.options.seconds:
            due += self.rng.expovariate(rate)
            await asyncio.sleep(max(0.0, start + due - time.monotonic()))
            if watcher.done():
                break
            task = asyncio.create_task(self.one(number))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            number += 1
        await asyncio.gather(*list(tasks))
        if watcher.done():
            self.note(f"the server ended: {watcher.exception()}")
        watcher.cancel()
        return self.report(number, time.monotonic() - start)

    def report(self, number, seconds):
        for name, count in sorted(self.counts.items()):
            print(f"{count:8} {name}")
        def level(first, last):
            return statistics.median(m for t, m in self.memory if first * seconds <= t <= last * seconds)
        try:
            before, after = level(0.2, 0.4), level(0.85, 1)
            growth = after / before - 1
            print(f"{number} requests in {seconds:.0f} s; resident memory {before / 1e6:.1f} MB after warm-up, "
                  f"{after / 1e6:.1f} MB at the end: {100 * growth:+.2f} %")
            if growth > 0.02:
                self.note(f"memory grew by {100 * growth:.2f} %")
        except statistics.StatisticsError:
            self.note("the server's memory could not be watched to the end")
        if not any(name.startswith("reference 200") for name in self.counts):
            self.note("no reference request was answered: nothing was compared")
        return 1 if self.problems else 0


def choices(answer):
    """What must be equal: all but the request's own id and time."""
    return json.loads(answer)["choices"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("address", help="HOST:PORT")
    parser.add_argument("--model", required=True)
    parser.add_argument("--pid", type=int, required=True, help="the server's process, whose memory is watched")
    parser.add_argument("--seconds", type=float, default=1800)
    parser.add_argument("--key")
    parser.add_argument("--seed", type=int, default=1)
    sys.exit(asyncio.run(Soak(parser.parse_args()).run()))


if __name__ == "__main__":
    main()
