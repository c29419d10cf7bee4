#!/usr/bin/env python3
"""Our tool and the peer on the same file, in turn (A B A B ...), and the ratio of their medians.

Usage: compare.py --gobi PATH --peer-python PATH [--rounds 3] [-t 2] [-p 512] [-n 64] [-d 0] [-np 1] MODEL..."""
import argparse
import json
import os
import statistics
import subprocess
import sys


def rows(command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}\nended with {done.returncode}: {done.stderr.strip()[-2000:]}")
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def spread(values):
    return f"{statistics.median(values):8.1f} [{min(values):.1f}, {max(values):.1f}]"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gobi", required=True)
    parser.add_argument("--peer-python", required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("-t", "--threads", default="2")
    parser.add_argument("-p", "--n-prompt", default="512")
    parser.add_argument("-n", "--n-gen", default="64")
    parser.add_argument("-d", "--n-depth", default="0")
    parser.add_argument("-np", "--parallel", default="1")
    parser.add_argument("models", nargs="+")
    options = parser.parse_args()

    shared = ["-p", options.n_prompt, "-n", options.n_gen, "-d", options.n_depth, "-t", options.threads, "-r", "1"]
    driver = os.path.join(os.path.dirname(os.path.abspath(__file__)), "llama_cpp_bench.py")
    print("| model | test | gobi token/s (median [min, max]) | peer token/s | ratio |\n|---|---|---|---|---|")
    for model in options.models:
        ours, theirs = {}, {}
        for _ in range(options.rounds):
            for store, command in (
                (ours, [options.gobi, "bench", "-m", model, "-o", "jsonl", "--parallel", options.parallel, *shared]),
                (theirs, [options.peer_python, driver, "-m", model, "-np", options.parallel, *shared]),
            ):
                for row in rows(command):
                    store.setdefault((row["n_prompt"], row["n_gen"]), []).append(row["avg_ts"])
        for key, values in ours.items():
            name = f"pp{key[0]}" if key[0] else f"tg{key[1]}"
            if options.parallel != "1":
                name += f" × {options.parallel}"
            if options.n_depth != "0":
                name += f" @ d{options.n_depth}"
            ratio = statistics.median(values) / statistics.median(theirs[key])
            print(f"| {os.path.basename(model)} | {name} | {spread(values)} | {spread(theirs[key])} | {ratio:.2f} |",
                  flush=True)


if __name__ == "__main__":
    main()
