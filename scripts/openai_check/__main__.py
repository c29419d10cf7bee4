# openai_check SERVER MODELS [--long]: runs every check against servers of its own and says which failed.
import sys
import time
import traceback

import api
import hostile
import tools
from server import EMBED, KEY, Server


def run(checks, *arguments):
    failed = 0
    for check in checks:
        begin = time.monotonic()
        try:
            check(*arguments)
        except Exception:
            failed += 1
            print(f"FAILED {check.__module__}.{check.__name__}")
            traceback.print_exc(limit=-4, file=sys.stdout)
        else:
            took = time.monotonic() - begin
            if took > 1:
                print(f"{took:5.1f} s  {check.__module__}.{check.__name__}")
    return len(checks), failed


def main():
    program, models = sys.argv[1:3]
    long = "--long" in sys.argv
    counts = []
    options = ["-m", f"{EMBED}={models}/minilm", "--context", "2048", "--max-body", "512", "--queue", "512"]
    with Server(program, models, *options, key=KEY) as server:
        counts.append(run(api.CHECKS + tools.CHECKS, server))
        counts.append(run(hostile.GENTLE, server))
        counts.append(run([lambda server: hostile.crowd(server, 10_000 if long else 1_000)], server))
        counts.append(run([hostile.drains], server))
    small = ["--context", "1024", "--sequences", "1", "--queue", "2", "--max-seconds", "3", "--body-timeout", "1"]
    small += ["--stall-timeout", "1", "--kv-budget", "16", "--cache", "0", "--max-connections", "64"]
    with Server(program, models, *small) as server:
        counts.append(run(hostile.NARROW, server))
        if long:
            counts.append(run([hostile.slow_reader_of_a_long_answer], server))
        counts.append(run([hostile.second_signal_ends_at_once], server))
    ran, failed = (sum(column) for column in zip(*counts))
    print(f"{ran} checks, {failed} failed")
    sys.exit(1 if failed else 0)


main()
