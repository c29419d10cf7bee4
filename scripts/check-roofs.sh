#!/usr/bin/env bash
# The roofs beside loops that were written apart from them (Tests/RoofPrograms), in turns, within 3 %.
# A measurement: only a machine that does nothing else passes it. Usage: check-roofs.sh [THREADS [PAIRS]]
set -euo pipefail
cd "$(dirname "$0")/.."
swift build -c release --product gobi >/dev/null
objects=$(swift build -c release --show-bin-path)/CKernels.build
mkdir -p .build-conformance
mapfile -t kernels < <(find "$objects" -name '*.o')
clang -std=gnu17 -O2 -D_GNU_SOURCE -Wall -Wextra -ISources/CKernels/include Tests/RoofPrograms/independent.c "${kernels[@]}" \
  -o .build-conformance/independent -lopenblas -llapacke -lm -lpthread
exec .build-conformance/independent "$@"
