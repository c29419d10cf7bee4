#!/usr/bin/env bash
# Builds and runs the benchmarks. Usage: bench.sh [ARGUMENT of gobi-benchmarks...]; without any: every table.
set -euo pipefail
cd "$(dirname "$0")/.."
swift build -c release --package-path Benchmarks 2>&1 | tail -1
program=$(swift build -c release --package-path Benchmarks --show-bin-path)/gobi-benchmarks
if [ $# -gt 0 ]; then exec "$program" "$@"; fi
"$program" twins
