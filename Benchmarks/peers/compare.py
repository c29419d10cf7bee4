#!/usr/bin/env python3
"""Our tool and the peer on the same files, in turn (A B, B A, ...), and the ratio of token rates.

A test is pp512 (prefill of 512 tokens), tg64 (decode of 64), or either @4096 (after so many tokens), or tg32x8 (decode
of 8 sequences together). A row's ratio is the median over the rounds, and beside it the least and the largest one."""
import argparse
import json
import os
import re
import statistics
import subprocess
import sys

USUAL = "pp512,tg64"
ALL = "pp512,tg64,pp512@4096,tg32@4096,tg16@16384,tg32x8,tg32x32"


class Test:
    def __init__(self, name):
        match = re.fullmatch(r"(pp|tg)(\d+)(?:x(\d+))?(?:@(\d+))?", name)
        if not match:
            raise argparse.ArgumentTypeError(f"'{name}' is not a test such as pp512, tg64, pp512@4096 or tg32x8")
        kind, tokens, parallel, depth = match.groups()
        self.name = name
        self.prompt, self.generate = (tokens, "0") if kind == "pp" else ("0", tokens)
        self.parallel, self.depth = parallel or "1", depth or "0"

    def arguments(self, parallel_flag, threads):
        return ["-p", self.prompt, "-n", self.generate, "-d", self.depth, parallel_flag, self.parallel,
                "-t", threads, "-r", "1"]


def tests(text):
    return [Test(name) for name in (ALL if text == "all" else text).split(",")]


def rate(command):
    """Tokens a second of the one row that the command prints."""
    done = subprocess.run(command, capture_output=True, text=True)
    rows = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode != 0 or len(rows) != 1:
        sys.exit(f"{' '.join(command)}\nended with {done.returncode}: {done.stderr.strip()[-2000:]}")
    return rows[0]["avg_ts"]


def spread(values, digits=1):
    return f"{statistics.median(values):.{digits}f} [{min(values):.{digits}f}, {max(values):.{digits}f}]"


def measure(model, test, options):
    """Rates of ours and of the peer, one a round each."""
    driver = os.path.join(os.path.dirname(os.path.abspath(__file__)), "llama_cpp_bench.py")
    ours = [options.gobi, "bench", "-m", model, "-o", "jsonl", "--no-roof", *test.arguments("--parallel", options.threads)]
    theirs = [options.peer_python, driver, "-m", model, *test.arguments("-np", options.threads)]
    if options.kv:
        ours += ["--kv", options.kv]
    rates = ([], [])
    for round_number in range(options.rounds):
        order = (0, 1) if round_number % 2 == 0 else (1, 0)
        for which in order:
            rates[which].append(rate((ours, theirs)[which]))
    return rates


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gobi", required=True, help="our tool")
    parser.add_argument("--peer-python", required=True, help="the Python that has llama-cpp-python")
    parser.add_argument("--tests", type=tests, default=tests(USUAL), help=f"by comma, or all for {ALL}")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--kv", help="our keys and values; default: what the tool prefers here. The peer's are f16")
    parser.add_argument("-t", "--threads", default=str(os.cpu_count()))
    parser.add_argument("--at-least", type=float, help="exit 1 if a row's ratio is below")
    parser.add_argument("--output", help="append every row as a line of JSON to this file")
    parser.add_argument("models", nargs="+")
    options = parser.parse_args()
    behind = []
    print("| model | test | gobi token/s, median [min, max] | peer token/s | ratio |\n|---|---|---:|---:|---:|", flush=True)
    for model in options.models:
        name = os.path.basename(model)
        for test in options.tests:
            ours, theirs = measure(model, test, options)
            ratios = [a / b for a, b in zip(ours, theirs)]
            print(f"| {name} | {test.name} | {spread(ours)} | {spread(theirs)} | {spread(ratios, 2)} |", flush=True)
            if options.at_least and statistics.median(ratios) < options.at_least:
                behind.append(f"{name} {test.name}")
            if options.output:
                with open(options.output, "a", encoding="utf-8") as file:
                    row = {"model": name, "test": test.name, "threads": options.threads, "gobi": ours, "peer": theirs}
                    file.write(json.dumps(row) + "\n")
    if behind:
        sys.exit(f"behind {options.at_least}: {', '.join(behind)}")


if __name__ == "__main__":
    main()
