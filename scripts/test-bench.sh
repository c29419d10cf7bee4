#!/usr/bin/env bash
# A smoke run of the benchmark program: no kernel without a row, right answers, the gate's two ends, refusals, no orphans.
# Proves that it works, not what it measures. Needs a release build.
set -euo pipefail
cd "$(dirname "$0")/.."
program=$(swift build -c release --show-bin-path)/gobi-benchmarks
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
complain() {
  echo "FAILED: $*"
  exit 1
}
# status WANTED COMMAND...: fails unless the command ends with it.
status() {
  local wanted=$1 got=0
  shift
  "$@" >"$work/out" 2>&1 || got=$?
  [ "$got" -eq "$wanted" ] || { cat "$work/out"; complain "$* ended with $got, not $wanted"; }
}

status 0 "$program" kernels --list --all
[ "$(wc -l <"$work/out")" -gt 1000 ] || complain "the list of rows is short"
# One row of each kind, in every format on the smallest matrix.
rows=(--filter 'matmul/.*/smollm2-135m/k/m=(1|16)$' --filter 'matmul-f32/Q4_0/.*m=1$'
  --filter '(attention|kv_store)/.*/smollm2-135m/.*(decode/depth=512|m=1)$' --filter '(lookup|pack)/Q4_K'
  --filter '(norm|gated|add|rope|softmax|topk|softcap).*/smollm2-135m/m=1' --filter 'activations/.*llama-3.2-1b/m=1$')
status 0 "$program" kernels --seconds 0.01 "${rows[@]}" --json "$work/table.json"
status 0 "$program" kernels --seconds 0.01 --filter rms_norm/smollm2 --baseline "$work/table.json"
grep -q baseline "$work/out" || complain "the baseline is not compared"
awk 'length > 80' "$work/out" | grep . && complain "lines of more than 80 columns"

row=matmul/Q4_0/smollm2-135m/k/m=16
status 0 "$program" compare --base "$program" --launches 2 --quads 1 --filter "$row"
status 0 "$program" gate-trial --kind planted --slowdown 0.5 --trials 1 --filter "$row"
grep -q 'caught: 1 of 1' "$work/out" || complain "the gate did not see a slow-down of 50 %"

status 2 "$program" kernels --filter 'no such row'
status 2 "$program" kernels --filter '('
status 2 "$program" kernels --isa no-such-isa
status 2 "$program" compare --base "$program" --filter 'no such row'
status 2 "$program" gate --base "$work/no-program"
status 2 "$program" kernels --filter rms_norm/smollm2 --baseline "$work/none.json"
status 1 "$program" gate --base /bin/cat
grep -q 'worker protocol' "$work/out" || complain "a base without the protocol is not named"
status 2 scripts/bench-pair.sh gate no-such-revision

# A driver that is interrupted, or killed, leaves no worker behind.
for signal in INT KILL; do
  "$program" compare --base "$program" --launches 500 --filter "$row" >/dev/null 2>&1 &
  driver=$!
  workers=
  for _ in $(seq 100); do
    workers=$(pgrep -P "$driver" || true)
    [ -n "$workers" ] && break
    sleep 0.05
  done
  [ -n "$workers" ] || complain "the driver started no worker"
  kill -"$signal" "$driver"
  wait "$driver" 2>/dev/null || true
  sleep 0.5
  for worker in $workers; do
    case "$(ps -o stat= -p "$worker" || true)" in
      "" | Z*) ;;
      *) complain "a worker outlived its driver after SIG$signal" ;;
    esac
  done
done
echo "benchmark program: rows, answers, gate, refusals and ends are as they should be"
