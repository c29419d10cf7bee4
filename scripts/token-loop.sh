#!/usr/bin/env bash
# Shows what one more token, and one more layer, cost in calls that a token loop should not make: the tool decodes under
# callgrind with few tokens and with more, with one layer and with two, and the differences are theirs. Fails if a token
# allocates, if anything but the parallel regions takes a lock, if a layer has more than 5 of those, or if it retains or
# releases (a layer of experts may, for its lists of experts).
# Usage: token-loop.sh [SHAPE...] (of gobi generate --list; default: tiny tiny-moe tiny-gemma). Exit code 3: valgrind is missing.
set -euo pipefail
cd "$(dirname "$0")/.."
command -v valgrind >/dev/null || { echo "valgrind is not installed"; exit 3; }
[ $# -gt 0 ] || set -- tiny tiny-moe tiny-gemma
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$(swift build -c release --show-bin-path)/gobi" "$work/gobi"
strip --strip-debug "$work/gobi"  # valgrind cannot read all of Swift's debug information
decode() {  # decode MODEL TOKENS OUT: valgrind has no AVX-512, so that AVX2 kernels run
  # The seed of hashing would differ from run to run, and with it how often the command line's dictionaries are searched.
  SWIFT_DETERMINISTIC_HASHING=1 GOBI_ISA=$([ "$(uname -m)" = x86_64 ] && echo avx2 || echo auto) valgrind --tool=callgrind \
    --callgrind-out-file="$3" "$work/gobi" bench -m "$1" -p 0 -n "$2" -t 1 -r 1 --no-roof -o jsonl >"$work/log" 2>&1 ||
    { cat "$work/log"; exit 1; }
}
for shape in "$@"; do
  for layers in 1 2; do
    "$work/gobi" generate "$shape" Q4_0 "$work/$layers.gguf" --layers $layers --force >/dev/null
    decode "$work/$layers.gguf" 8 "$work/$layers.8"
    decode "$work/$layers.gguf" 72 "$work/$layers.72"
  done
  # A test runs twice, once to warm up: runs of 8 and of 72 tokens differ by 2 × 64.
  python3 scripts/token_loop.py "$shape" 128 "$work"/{1.8,1.72,2.8,2.72}
done
