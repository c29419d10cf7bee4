#!/usr/bin/env bash
# Everything `make test` proves, step by step; a table of what ran, what was skipped and why comes last.
# Usage: test.sh [--long]
set -uo pipefail
cd "$(dirname "$0")/.."
long=0
[ "${1:-}" = --long ] && long=1
export GOBI_LONG_TESTS=$long

rows=() failed=0 started=$SECONDS
logs=.build-logs
mkdir -p "$logs"
record() { rows+=("$(printf '%-9s %5s s  %s' "$1" "$2" "$3")"); }
step() {  # step NAME COMMAND...
  local name=$1 begin=$SECONDS
  shift
  echo "== $name"
  if "$@"; then record ok $((SECONDS - begin)) "$name"; else
    record FAILED $((SECONDS - begin)) "$name"
    failed=1
  fi
}
skip() { record skipped 0 "$1: $2"; }

build() {
  swift build -c release --build-tests 2>&1 | tee "$logs/build.log" | grep -E '(error|warning):|Compiling|Build complete' |
    grep -vE 'Compiling' || true
  grep -q 'Build complete' "$logs/build.log" || { tail -40 "$logs/build.log"; return 1; }
  if grep -E '(Sources|Tests|Benchmarks)/.*warning:' "$logs/build.log"; then echo "compiler warnings above"; return 1; fi
}
# The last lines tell how many ran; what failed or was skipped is shown whole.
summarised() {
  local log=$logs/$1.log
  shift
  "$@" >"$log" 2>&1
  local status=$?
  grep -E 'Test run with|Executed [0-9]+ test|recorded an issue|failed after|[0-9]+ failed|FAILED|skipped|error:|Sanitizer:|a token of one layer' "$log" |
    grep -vE '^(Test Suite|\[)' | sort -u | head -60
  [ $status -eq 0 ] || { echo "exit $status; the end of $log:"; tail -30 "$log"; }
  return $status
}

# optional NAME LOG COMMAND...: exit code 3 says that something which it needs cannot be had here.
optional() {
  local name=$1 log=$logs/$2.log begin=$SECONDS status=0
  shift 2
  echo "== $name"
  "$@" >"$log" 2>&1 || status=$?
  case $status in
    0) record ok $((SECONDS - begin)) "$name" ;;
    3) skip "$name" "$(tail -1 "$log")" ;;
    *)
      cat "$log"
      record FAILED $((SECONDS - begin)) "$name"
      failed=1
      ;;
  esac
}

step "set-up" scripts/setup.sh test
step "layers" scripts/check-layers.sh
step "format" swift format lint -r --strict Sources Tests Package.swift Benchmarks
step "build without warnings" build
if scripts/fetch-models.sh --dir models smollm2 gemma3 minilm qwen >"$logs/models.log" 2>&1; then
  record ok 0 "real models at hand"
else
  skip "real models" "$(tail -1 "$logs/models.log")"
fi
step "tests" summarised tests swift test -c release --skip-build
optional "a public reader decodes our files to our values" quantize scripts/check-quantize.sh
optional "a public validator finds generated JSON valid" schemas scripts/check-schemas.sh
optional "the C ABI is the one in packaging/abi" abi scripts/check-abi.sh
optional "each kind of break of the C ABI is noticed" abi-breaks scripts/check-abi.sh --self-test
step "installed library: C, C++, Swift" scripts/test-installed.sh
optional "the Python wheel, where no Swift is" wheel scripts/test-wheel.sh
openai_arguments=()
[ $long -eq 1 ] && openai_arguments=(--long)
optional "the server with the official OpenAI client, and with clients that misbehave" openai \
  scripts/check-openai.sh "${openai_arguments[@]}"
step "a token allocates nothing, and layers neither lock nor retain" summarised token-loop scripts/token-loop.sh
step "benchmark program: answers, workers, refusals" summarised bench scripts/test-bench.sh
step "kernels under address and undefined-behaviour sanitizers" summarised address scripts/conformance.sh address --quick --isa best
step "kernels under the thread sanitizer" summarised thread scripts/conformance.sh thread --quick --isa best pool vector
if command -v qemu-aarch64-static >/dev/null; then
  step "kernels on aarch64 (emulated)" summarised aarch64 scripts/conformance.sh aarch64 --quick --isa neon-dotprod \
    formats vector
  step "products on aarch64 with i8mm (emulated)" summarised i8mm scripts/conformance.sh aarch64 --quick --isa neon-i8mm matmul
else
  skip "kernels on aarch64" "qemu-aarch64-static is not installed"
fi
if [ $long -eq 1 ]; then
  step "library under sanitizers" scripts/sanitize.sh
  step "kernels under address and undefined-behaviour sanitizers, every ISA" \
    summarised address-long scripts/conformance.sh address-all --quick
  step "kernels under the thread sanitizer, every suite" summarised thread-long scripts/conformance.sh thread --quick
  step "coverage" scripts/coverage.sh
  optional "a model's answers under a public suite's schemas are valid" served-schemas scripts/check-served-schemas.sh
  optional "half an hour of a server beyond its capacity" soak scripts/soak.sh
  step "roofs beside loops written apart from them" summarised roofs scripts/check-roofs.sh
  step "kernels, long sweep" summarised long scripts/conformance.sh native --long
  step "kernels on aarch64, long sweep" summarised aarch64-long scripts/conformance.sh aarch64
fi

echo
echo "== summary"
printf '%s\n' "${rows[@]}"
[ $long -eq 1 ] || echo "not run: Swift under sanitizers, long sweeps, coverage (make test-long)"
echo "total $((SECONDS - started)) s"
exit $failed
