# What the server has beyond the API: adapters named like models, guesses, priorities.
import concurrent.futures
import json
import os
import random
import struct
import subprocess

import openai

from api import complete, refused
from server import CHAT

ADAPTER = "tuned"
OPTIONS = ["--context", "1024", "--speculate", "6", "--max-priority", "5"]
# Of SmolLM2-135M: layers, and columns and rows of the queries.
LAYERS, WIDTH, RANK = 30, 576, 4
REPEATING = "the red fox, the blue fox, the green fox, " * 6 + "the red fox, the"


def write_adapter(folder):
    """A PEFT adapter of random numbers on the queries, so strong that answers change."""
    numbers = random.Random(7)
    header, data = {}, bytearray()
    for layer in range(LAYERS):
        for part, shape in (("A", (RANK, WIDTH)), ("B", (WIDTH, RANK))):
            values = [numbers.gauss(0, 0.1) for _ in range(shape[0] * shape[1])]
            begin = len(data)
            data += struct.pack(f"<{len(values)}f", *values)
            name = f"base_model.model.model.layers.{layer}.self_attn.q_proj.lora_{part}.weight"
            header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [begin, len(data)]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(os.path.join(folder, "adapter_model.safetensors"), "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)
    config = {"peft_type": "LORA", "r": RANK, "lora_alpha": 16, "bias": "none", "target_modules": ["q_proj"]}
    with open(os.path.join(folder, "adapter_config.json"), "w") as file:
        json.dump(config, file)
    return folder


def adapters(server):
    listed = {model.id: model for model in openai_models(server)}
    assert set(listed) == {CHAT, ADAPTER}, listed
    assert listed[ADAPTER].parent == CHAT and listed[ADAPTER].adapter_rank == RANK
    plain = complete(server, max_tokens=24)
    tuned = complete(server, model=ADAPTER, max_tokens=24)
    assert tuned.model == ADAPTER and plain.model == CHAT
    assert tuned.choices[0].text != plain.choices[0].text
    assert tuned.system_fingerprint != plain.system_fingerprint
    # Side by side in one batch each is what it is alone.
    wanted = {CHAT: plain, ADAPTER: tuned}
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        names = [CHAT, ADAPTER] * 4
        answers = pool.map(lambda name: complete(server, model=name, max_tokens=24), names)
        for name, answer in zip(names, answers):
            assert answer.choices[0].text == wanted[name].choices[0].text, name
    error = refused(openai.NotFoundError, lambda: complete(server, model=ADAPTER + "x"))
    assert error.code == "model_not_found"


def openai_models(server):
    return openai.OpenAI(base_url=f"{server.url}/v1", api_key="none").models.list()


def guesses(server, reference):
    for temperature, text in reference.items():
        answer = complete(server, prompt=REPEATING, max_tokens=64, temperature=temperature, seed=3)
        assert answer.choices[0].text == text, (temperature, answer.choices[0].text, text)
    drafted, accepted = (server.metric(f"gobi_engine_{name}_tokens_total") for name in ("drafted", "accepted"))
    assert 0 < accepted <= drafted, (drafted, accepted)


def without_guesses(server):
    """What the same requests get from a server that never guesses, by temperature."""
    return {
        temperature: complete(server, prompt=REPEATING, max_tokens=64, temperature=temperature, seed=3).choices[0].text
        for temperature in (0, 0.7)
    }


def priorities(server):
    for priority in (-100, 0, 5):
        complete(server, extra_body={"priority": priority})
    for priority in (-101, 6, "high", 1.5):
        error = refused(openai.BadRequestError, lambda: complete(server, extra_body={"priority": priority}))
        assert error.param == "priority", error.body


def wrong_files(program, models):
    """The server says what is wrong with an adapter or a draft model, and ends with 2."""
    model = f"{CHAT}={models}/SmolLM2-135M-Instruct.Q4_1.gguf"
    for options, part in (
        (["--lora", "tuned=/no/such/file"], "/no/such/file"),
        (["--lora", f"tuned={models}/minilm"], "adapter_model.safetensors"),
        (["--lora", f"{CHAT}=/no/such/file"], "two models or adapters"),
        (["--lora", "tuned@other=/no/such/file"], "no --model is called 'other'"),
        (["--lora", "tuned"], "expected LABEL=FILE"),
        (["--draft-model", f"{models}/minilm"], "needs --speculate"),
        (["--draft-model", f"{models}/minilm", "--speculate", "4"], "speculation.draftModel"),
        (["--speculate", "33"], "0 to 32"),
    ):
        ended = subprocess.run(
            [program, "--port", "0", "-m", model, *options], capture_output=True, text=True, timeout=60)
        assert ended.returncode == 2 and part in ended.stderr, (options, ended.returncode, ended.stderr)
