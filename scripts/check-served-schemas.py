# check-served-schemas.py HOST:PORT: 20 answers at temperature 1 for every schema of the fixtures that the server takes,
# each judged by jsonschema. An answer that the limit of tokens cut off is no answer: others are drawn in its place.
import collections
import concurrent.futures
import json
import sys
import urllib.error
import urllib.request

import jsonschema

from schema_validator import validator

ANSWERS, TRIES, AT_ONCE = 20, 3, 8


def ask(address, schema, seed):
    """The finished and the cut-off answers; None where the server does not take the schema."""
    body = {
        "messages": [{"role": "user", "content": "Give an example of JSON for this schema: " + json.dumps(schema)[:600]}],
        "response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}},
        "temperature": 1, "n": 10, "seed": seed, "max_tokens": 200,
    }
    request = urllib.request.Request(
        f"http://{address}/v1/chat/completions", json.dumps(body).encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=300) as response:
            choices = json.load(response)["choices"]
    except urllib.error.HTTPError as error:
        refusal = json.load(error)["error"]
        assert error.code == 400 and refusal["code"] == "invalid_grammar", (error.code, refusal, schema)
        return None
    finished = [choice["message"]["content"] for choice in choices if choice["finish_reason"] == "stop"]
    return finished, len(choices) - len(finished)


def answers(address, entry):
    finished, cut = [], 0
    for attempt in range(2 * TRIES):
        result = ask(address, entry["schema"], 1_000 * attempt)
        if result is None:
            return None
        finished += result[0]
        cut += result[1]
        if len(finished) >= ANSWERS:
            break
    return finished[:ANSWERS], cut


def main():
    address = sys.argv[1]
    entries = []
    for name in ("suite", "everyday"):
        with open(f"Tests/Fixtures/json-schemas/{name}.json", encoding="utf-8") as file:
            entries += json.load(file)
    counts, distinct = collections.Counter(), set()
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        for entry, result in zip(entries, pool.map(lambda entry: answers(address, entry), entries)):
            if result is None:
                counts["schemas that are not taken"] += 1
                continue
            finished, cut = result
            counts["answers cut off"] += cut
            counts["answers"] += len(finished)
            if len(finished) == ANSWERS and entry["source"] != "everyday":
                distinct.add(json.dumps(entry["schema"]))
            for text in finished:
                try:
                    validator(entry["source"], entry["schema"]).validate(json.loads(text))
                except (ValueError, jsonschema.ValidationError) as error:
                    counts["invalid"] += 1
                    if counts["invalid"] <= 20:
                        print(f"{entry['source']}: {entry['description']}: {text!r}: {str(error).splitlines()[0]}")
    print(f"{len(distinct)} schemas of the suite with {ANSWERS} answers each; invalid: {counts['invalid']}")
    print(", ".join(f"{name}: {counts[name]}" for name in sorted(counts) if name != "invalid"))
    sys.exit(1 if counts["invalid"] or len(distinct) < 100 else 0)


main()
