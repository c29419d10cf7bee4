#!/usr/bin/env bash
# Proves the direction of the arrows: prints each file that reaches into a room it may not know, exits 1 if any.
set -uo pipefail
cd "$(dirname "$0")/.."
failures=0
complain() { echo "layers: $*"; failures=1; }
forbid() {  # forbid WHY PATTERN FILES...
  local why=$1 pattern=$2 hits
  shift 2
  hits=$(grep -rnE "$pattern" "$@" 2>/dev/null | grep -vE '^[^:]*:[0-9]+:[[:space:]]*(//|\*)') && complain "$why"$'\n'"$hits"
}

inference=Sources/Inference
# FormatTable reads the C list of formats, which Weights needs before there is a kernel; PageMemory takes pages.
mapfile -t outside_kernels < <(find $inference -name "*.swift" -not -path "*/Kernels/*" \
  -not -name FormatTable.swift -not -name PageMemory.swift)
forbid "only Inference/Kernels imports CKernels" '^(@_?[a-zA-Z]+ )?import CKernels' "${outside_kernels[@]}"
forbid "the library does without Foundation" 'import Foundation' $inference Sources/GobiABI
forbid "Capacity is above Inference" 'import Capacity' $inference Sources/GobiABI
forbid "swift-metrics is for InferenceMetrics" '^import (Core)?Metrics' \
  $inference Sources/GobiABI Sources/Capacity Sources/Serving Sources/gobi Sources/gobi-serve
forbid "only the server knows the web" '^import (Hummingbird|HummingbirdCore|HTTPTypes|NIO|ServiceLifecycle|Serving)' \
  $inference Sources/GobiABI Sources/Capacity Sources/gobi
forbid "the server links the library's public part alone" \
  '^(@testable )?import (Capacity|CKernels|CGobi|GobiABI)|@testable|@_spi' Sources/Serving Sources/gobi-serve
forbid "swift-log is for the tool and the server" '^import Logging' $inference Sources/GobiABI Sources/Capacity
forbid "kernels know no file" '#include [<"](stdio|fcntl)\.h' Sources/CKernels/{kernels,ops,formats,simd,dispatch}
forbid "ISA macros stay in simd, kernels/isa and hardware" \
  '(__AVX|__SSE|__ARM_FEATURE|__ARM_NEON|_mm(256|512)?_|immintrin|arm_neon)' \
  Sources/CKernels/{ops,dispatch,kernels/generic,kernels/reference,runtime,formats,blas}
forbid "the library neither prints nor ends the process" '\b(printf|fprintf|puts|abort|exit|assert)\(' \
  Sources/CKernels --include=*.c --include=*.h
forbid "the library neither prints nor ends the process" '(\bfatalError\(|\btry!|(^|[^.a-zA-Z])print\()' \
  $inference Sources/GobiABI Sources/Serving
forbid "no unsafeFlags" 'unsafeFlags' Package.swift

# A folder of Inference uses only folders before it in this list: no type declared later may be named earlier.
rooms=(Weights Conversion Tensors Kernels Text Grammar Chat Models Session Generation Engine)
declared() {
  grep -rhoE '^public (final )?(class|struct|enum|protocol|actor) [A-Z][A-Za-z0-9]*' "$inference/$1" 2>/dev/null |
    awk '{print $NF}'
}
for ((j = 1; j < ${#rooms[@]}; j++)); do
  later=$(declared "${rooms[j]}" | paste -sd'|')
  [ -n "$later" ] || continue
  for ((i = 0; i < j; i++)); do
    hits=$(grep -rnwE "($later)" "$inference/${rooms[i]}" 2>/dev/null | grep -vE ':[0-9]+:[[:space:]]*//|GGUFWriter|FileType' | head -5)
    [ -n "$hits" ] && complain "${rooms[i]} names a type of ${rooms[j]}"$'\n'"$hits"
  done
done
[ $failures -eq 0 ] && echo "layers: clean"
exit $failures
