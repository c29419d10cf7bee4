#!/usr/bin/env bash
# The Swift tests under the address and undefined-behaviour sanitizers, then those of threads under the thread
# sanitizer. Usage: sanitize.sh [address|thread]
# Swift refuses --sanitize=undefined, so C alone is told; its checks trap.
set -euo pipefail
cd "$(dirname "$0")/.."
what=${1:-all}
run() {  # run NAME FILTER SANITIZER OPTION...
  local name=$1 filter=$2 log=.build-logs/sanitize-$1.log
  shift 2
  mkdir -p .build-logs
  # XCTest itself leaks; leaks are looked for in the C program of conformance.sh.
  if ! ASAN_OPTIONS=detect_leaks=0 GOBI_QUICK_SWEEPS=1 swift test -c release --scratch-path ".build-$name" "$@" \
    --filter "$filter" >"$log" 2>&1; then
    grep -E 'ERROR: |WARNING: ThreadSanitizer|SUMMARY|recorded an issue|error:' "$log" | head -20
    tail -15 "$log"
    return 1
  fi
  grep -E 'Test run with|Executed [0-9]+ test' "$log" | tail -2
}
if [ "$what" != thread ]; then
  run address '.*' --sanitize=address -Xcc -fsanitize=undefined -Xcc -fsanitize-trap=undefined
fi
if [ "$what" != address ]; then
  run thread 'Thread|Pool|Session|Concurren|ABI|Engine|ServingTests' --sanitize=thread
fi
