#!/usr/bin/env bash
# Builds the C kernels and their conformance tests into one program, without Swift, and runs it.
# Usage: conformance.sh native|address|address-all|thread|aarch64 [ARGUMENT...]   (arguments go to the program: see --help)
# address is with undefined-behaviour checks; aarch64 runs under qemu-user on a processor with dotprod and i8mm.
# The kernels of an ISA are one large file each, which takes minutes to compile with every check. address leaves three
# out there, whose faults the address sanitizer sees when memory is touched; address-all has them.
set -euo pipefail
cd "$(dirname "$0")/.."
mode=${1:-native}
shift || true
compiler=clang
options=(-std=gnu17 -O2 -g -fPIC -Wall -Wextra -D_GNU_SOURCE -ISources/CKernels -ISources/CKernels/include
  -ITests/CKConformance/include)
isa_options=()
libraries=(-lopenblas -llapacke -lm -lpthread)
runner=()
case $mode in
  native) ;;
  address | address-all)
    # Checks keep some loops from being unrolled; nothing depends on it but speed.
    options+=(-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -Wno-pass-failed)
    [ "$mode" = address-all ] || isa_options=(-fno-sanitize=null,object-size,pointer-overflow)
    libraries+=(-fuse-ld=lld)
    ;;
  thread)
    options+=(-fsanitize=thread)
    # Swift's thread sanitizer knows libdispatch and wants it at link time.
    swift_libraries=$(dirname "$(dirname "$(readlink -f "$(command -v swift)")")")/lib/swift/linux
    libraries+=(-fuse-ld=lld -L"$swift_libraries" -ldispatch -lBlocksRuntime "-Wl,-rpath,$swift_libraries")
    ;;
  aarch64)
    options+=(--target=aarch64-linux-gnu --gcc-toolchain=/usr -DCK_WITHOUT_BLAS)
    libraries=(-static -lm -lpthread)
    runner=(qemu-aarch64-static -cpu max)
    ;;
  *) echo "conformance.sh: unknown mode '$mode'" >&2; exit 2 ;;
esac
out=.build-conformance/$mode
mkdir -p "$out"

# The large files first: with them last, one processor would wait for the other.
mapfile -t sources < <(
  find Sources/CKernels/kernels/isa -name '*.c' | sort -r
  find Sources/CKernels Tests/CKConformance Tests/CKConformanceMain -name '*.c' -not -path '*/kernels/isa/*' | sort
)
# Headers are not tracked: everything is built anew when anything is newer than the program.
program=$out/conformance
if [ ! -e "$program" ] || [ -n "$(find Sources/CKernels Tests/CKConformance Tests/CKConformanceMain -newer "$program" -type f -print -quit)" ]; then
  objects=()
  for source in "${sources[@]}"; do objects+=("$out/${source//\//_}.o"); done
  for i in "${!sources[@]}"; do printf '%s\0%s\0' "${sources[i]}" "${objects[i]}"; done |
    xargs -0 -n 2 -P "$(nproc)" sh -c 'case $0 in */kernels/isa/*) set -- "$1" '"${isa_options[*]}"' ;; esac
      object=$1 && shift && '"$compiler ${options[*]}"' "$@" -c "$0" -o "$object"'
  $compiler "${options[@]}" "${objects[@]}" -o "$program" "${libraries[@]}"
fi
exec "${runner[@]}" "$program" "$@"
