#!/usr/bin/env python3
"""Calls a token and a layer, from callgrind profiles of one layer and of two, each with few tokens and with more.

Usage: token_loop.py NAME TOKENS ONE_FEW ONE_MORE TWO_FEW TWO_MORE, where TOKENS is how many more. Exit code 1 if there
are calls that should not be."""
import re
import sys

# What is counted, by the names that the callee may have.
KINDS = {
    "allocations": r"(malloc|calloc|realloc|aligned_alloc|posix_memalign|swift_allocObject|swift_slowAlloc)(@@?\S+)?",
    "locks": r"pthread_(mutex_lock|mutex_trylock|rwlock_\w+|spin_lock)(@@?\S+)?",
    "retains and releases": r"swift_(retain|release|retain_n|release_n|bridgeObjectRetain|bridgeObjectRelease)",
    "parallel regions": r"ck_pool_run",
}
REGIONS = 5  # at most a layer
# A layer of experts copies its lists of experts, gates, ups and downs among them: a retain and a release each, which is
# 40 ns beside milliseconds.
LISTS = 4


def profile(path):
    """Calls by callee."""
    names, calls, callee = {}, {}, None
    for line in open(path):
        if line.startswith("cfn="):
            number, name = re.match(r"cfn=\((\d+)\)(?: (.*))?", line.rstrip("\n")).groups()
            if name:
                names[number] = name
            callee = number
        elif line.startswith("fn="):
            number, name = re.match(r"fn=\((\d+)\)(?: (.*))?", line.rstrip("\n")).groups()
            if name:
                names[number] = name
        elif line.startswith("calls="):
            calls[callee] = calls.get(callee, 0) + int(line[6:].split()[0])
    total = {}
    for number, count in calls.items():
        name = re.sub(r"'\d+$", "", names[number])  # callgrind numbers the levels of a recursion
        total[name] = total.get(name, 0) + count
    return total


def main():
    name, tokens = sys.argv[1], int(sys.argv[2])
    profiles = [profile(path) for path in sys.argv[3:7]]

    def token(kind, few, more):
        matching = [f for f in more if re.fullmatch(KINDS[kind], f)]
        return sum(more[f] - few.get(f, 0) for f in matching) / tokens

    one = {kind: token(kind, *profiles[:2]) for kind in KINDS}
    layer = {kind: token(kind, *profiles[2:]) - one[kind] for kind in KINDS}
    for kind in KINDS:
        print(f"{name}: {kind}: {one[kind]:.2f} a token of one layer, {layer[kind]:.2f} more with each layer")
    regions = "parallel regions"
    if one[regions] < 1 or layer[regions] < 1:
        sys.exit(f"{name}: the profiles show no tokens or no layers")
    faults = []
    # Start-up's own calls differ a little from run to run; half a call a token is far above that.
    if one["allocations"] > 0.5 or layer["allocations"] > 0.5:
        faults.append("a token allocates")
    if one["locks"] > one[regions] + 0.5 or layer["locks"] > layer[regions] + 0.5:
        faults.append("something but the parallel regions takes a lock")
    if layer[regions] > REGIONS + (2 * LISTS if "moe" in name else 0):
        faults.append(f"more than {REGIONS} parallel regions a layer")
    if layer["retains and releases"] > 0.5 + (2 * LISTS if "moe" in name else 0):
        faults.append("a layer retains or releases")
    if faults:
        sys.exit(f"{name}: {'; '.join(faults)}")


if __name__ == "__main__":
    main()
