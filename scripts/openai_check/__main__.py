# openai_check SERVER MODELS [--long]: runs every check against servers of its own and says which failed.
import resource
import sys
import tempfile
import time
import traceback

import api
import extras
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
    # A connection takes a descriptor here and one in the server, which inherits the limit.
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    links = min(10_000 if long else 1_000, most - 256)
    counts = []
    options = ["-m", f"{EMBED}={models}/minilm", "--context", "2048", "--max-body", "512", "--queue", "512"]
    options += ["--stall-timeout", "2"]
    with Server(program, models, *options, key=KEY) as server:
        counts.append(run(api.CHECKS + tools.CHECKS, server))
        counts.append(run(hostile.GENTLE, server))
        counts.append(run([lambda server: hostile.crowd(server, links)], server))
        if long:
            counts.append(run([hostile.slow_reader_of_a_long_answer], server))
        plain = extras.without_guesses(server)
        counts.append(run([hostile.drains], server))
    with tempfile.TemporaryDirectory() as folder:
        options = [*extras.OPTIONS, "--lora", f"{extras.ADAPTER}={extras.write_adapter(folder)}"]
        with Server(program, models, *options) as server:
            counts.append(run([extras.adapters, extras.priorities], server))
            counts.append(run([extras.guesses], server, plain))
    counts.append(run([extras.wrong_files], program, models))
    small = ["--context", "1024", "--sequences", "1", "--queue", "2", "--max-seconds", "1.5", "--body-timeout", "1"]
    small += ["--stall-timeout", "1", "--kv-budget", "20", "--cache", "0", "--max-connections", "64"]
    with Server(program, models, *small) as server:
        counts.append(run(hostile.NARROW, server))
        counts.append(run([hostile.second_signal_ends_at_once], server))
    ran, failed = (sum(column) for column in zip(*counts))
    print(f"{ran} checks, {links} connections at once, {failed} failed")
    sys.exit(1 if failed else 0)


main()
