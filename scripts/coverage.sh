#!/usr/bin/env bash
# Line coverage of the inference library and the kernels by the tests; fails under 85 %.
# Files for another architecture are not compiled here and do not count.
set -euo pipefail
cd "$(dirname "$0")/.."
floor=${1:-85}
scratch=.build-coverage
# Quick sweeps: threads that share counters are slow, and a line is covered by its first shape.
GOBI_QUICK_SWEEPS=1 swift test --scratch-path $scratch -c release --enable-code-coverage \
  -Xcc -fprofile-instr-generate -Xcc -fcoverage-mapping -Xlinker --no-gc-sections >.build-coverage.log 2>&1 || {
  tail -30 .build-coverage.log
  exit 1
}
bin=$(swift build --scratch-path $scratch -c release --show-bin-path)
profile=$bin/codecov/default.profdata
cov=$(dirname "$(readlink -f "$(command -v swift)")")/llvm-cov
status=0
for room in Sources/Inference Sources/CKernels; do
  report=$("$cov" report "$bin"/gobiPackageTests.xctest -instr-profile "$profile" "$PWD/$room" 2>/dev/null)
  percent=$(awk '/^TOTAL/{print $10}' <<<"$report")
  echo "coverage: $room $percent of lines"
  awk -v p="${percent%\%}" -v f="$floor" 'BEGIN{exit !(p >= f)}' || {
    echo "coverage: below $floor %"
    status=1
  }
  [ "${2:-}" = --files ] && awk 'NR>2{print $10, $1}' <<<"$report" | sort -n | head -25
done
exit $status
