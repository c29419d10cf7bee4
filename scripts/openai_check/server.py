# A gobi-serve of our own, and what its metrics and its memory say.
import os
import re
import signal
import subprocess
import tempfile
import time

import httpx

KEY = "sk-check-openai"
CHAT = "smollm2"
EMBED = "minilm"


class Server:
    """Runs gobi-serve on a free port until the end of the with block."""

    def __init__(self, program, models, *options, key=None):
        self.arguments = [program, "--port", "0", "-m", f"{CHAT}={models}/SmolLM2-135M-Instruct.Q4_1.gguf", *options]
        self.key = key

    def __enter__(self):
        environment = dict(os.environ)
        environment.pop("GOBI_API_KEY", None)
        if self.key:
            environment["GOBI_API_KEY"] = self.key
        self.errors = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            self.arguments, stdout=subprocess.PIPE, stderr=self.errors, text=True, env=environment)
        line = self.process.stdout.readline()
        match = re.search(r"listening on http://127\.0\.0\.1:(\d+)", line)
        if not match:
            self.process.wait()
            raise RuntimeError(f"the server did not start: {line!r} {self.log()}")
        self.port = int(match.group(1))
        self.url = f"http://127.0.0.1:{self.port}"
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        self.http = httpx.Client(base_url=self.url, headers=headers, timeout=60)
        return self

    def __exit__(self, *_):
        self.http.close()
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.errors.close()

    def log(self):
        self.errors.seek(0)
        return self.errors.read()

    def signal(self, number=signal.SIGTERM):
        self.process.send_signal(number)

    def post(self, path, body, **options):
        return self.http.post(path, json=body, **options)

    def metrics(self):
        """The sample lines of /metrics: name with labels to value."""
        text = self.http.get("/metrics").text
        return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line[:1] != "#"}

    def metric(self, name):
        """The sum of a family's samples."""
        return sum(value for key, value in self.metrics().items() if key.split("{")[0] == name)

    def resident(self):
        """MiB of memory."""
        with open(f"/proc/{self.process.pid}/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20

    def is_idle(self):
        names = ("gobi_engine_sequences_running", "gobi_engine_requests_waiting", "gobi_engine_sequences_paused")
        return all(self.metric(name) == 0 for name in names)


def eventually(holds, seconds=10.0):
    """Whether it comes to hold in that time: other processes may be busy."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.02)
    return holds()
