#!/usr/bin/env bash
# Builds and runs the benchmarks. Usage: bench.sh [ARGUMENT of gobi-benchmarks...]; without any: the table of kernels.
# What begins with a dash goes to the table: bench.sh --filter 'matmul/Q4_0'.
set -euo pipefail
cd "$(dirname "$0")/.."
swift build -c release --product gobi-benchmarks 2>&1 | tail -1
program=$(swift build -c release --show-bin-path)/gobi-benchmarks
case "${1:-}" in
  "" | -*) exec "$program" kernels "$@" ;;
  *) exec "$program" "$@" ;;
esac
