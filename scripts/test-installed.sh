#!/usr/bin/env bash
# Installs the library into a temporary prefix and uses it as a stranger would: C, C++, CMake, ctypes, without Swift.
# GOBI_LONG_TESTS=1 builds and runs the Swift example too. The Python package is test-wheel.sh's.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
prefix=$work/prefix
warnings=(-Wall -Wextra -Wpedantic -Werror)
skip() { echo "skipped: $*"; }
fail() { echo "test-installed: $*" >&2; exit 1; }

scripts/install.sh "" "$prefix" --library-only >"$work/install.log" 2>&1 || { tail -30 "$work/install.log"; exit 1; }
library=$prefix/lib/libgobi.so.1
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig

# What the library promises to the linker. Local entries of the dynamic table are no exports: hence -g.
readelf -d "$library" | grep -q 'SONAME.*\[libgobi\.so\.1\]' || fail "the soname is not libgobi.so.1"
if readelf -d "$library" | grep -E 'NEEDED.*(swift|Foundation|dispatch)'; then fail "the library needs Swift"; fi
# The exports are those of the map, at their version, and each is declared.
nm -D -g --defined-only "$library" | awk '$2 != "A" {print $3}' | LC_ALL=C sort >"$work/exported"
awk '/^GOBI_[0-9.]+ [{]/{node = $1} /^ +(gobi|ck)_[a-z0-9_]+;/{sub(";", ""); print $1 "@@" node}' packaging/libgobi.map |
  LC_ALL=C sort >"$work/listed"
diff "$work/listed" "$work/exported" || fail "< in libgobi.map, > exported"
printf '#include <gobi.h>\n#include <ckernels.h>\n' | gcc -E -P -I"$prefix/include" -x c - |
  python3 scripts/abi-stub.py symbols | LC_ALL=C sort >"$work/declared"
diff "$work/declared" <(sed 's/@.*//' "$work/exported") || fail "< declared in a header, > exported"

# The headers compile alone, in every language and compiler at hand.
echo '#include <gobi.hpp>' >"$work/alone.cpp"
for compiler in g++ clang++; do
  command -v "$compiler" >/dev/null || { skip "gobi.hpp with $compiler: not installed"; continue; }
  "$compiler" -std=c++17 "${warnings[@]}" -I"$prefix/include" -fsyntax-only "$work/alone.cpp" Examples/cpp/generate.cpp
done
for header in gobi.h ckernels.h; do
  echo "#include <$header>" >"$work/alone.c"
  for compiler in "gcc -std=c11 -x c" "g++ -std=c++11 -x c++" "clang -std=c11 -x c" "clang++ -std=c++11 -x c++"; do
    command -v "${compiler%% *}" >/dev/null || { skip "$header with ${compiler%% *}: not installed"; continue; }
    # shellcheck disable=SC2086
    $compiler "${warnings[@]}" -I"$prefix/include" -fsyntax-only "$work/alone.c"
  done
done

read -ra flags <<<"$(pkg-config --cflags --libs gobi)"
gcc -std=c11 "${warnings[@]}" Examples/c/generate.c "${flags[@]}" -o "$work/generate-c"
gcc -std=c11 "${warnings[@]}" Examples/c/kernels.c "${flags[@]}" -lm -o "$work/kernels"
gcc -std=c11 "${warnings[@]}" Examples/c/serve.c "${flags[@]}" -o "$work/serve"
gcc -std=c11 -g "${warnings[@]}" Tests/ABIPrograms/misuse.c "${flags[@]}" -lm -o "$work/misuse"
gcc -std=c11 -g "${warnings[@]}" Tests/ABIPrograms/engine.c "${flags[@]}" -pthread -o "$work/engine"
# The sanitizers see the program, and what the library takes, gives back, locks and copies through libc: memory of the
# caller's used after it was given back, leaks, and races on what is lent. They do not see the library's own accesses.
for sanitizer in address thread; do
  gcc -std=c11 -g -O1 -fsanitize=$sanitizer "${warnings[@]}" Tests/ABIPrograms/engine.c "${flags[@]}" -pthread \
    -o "$work/engine-$sanitizer"
done
g++ -std=c++17 "${warnings[@]}" Examples/cpp/generate.cpp "${flags[@]}" -o "$work/generate-cpp"

tool=.build/release/gobi
[ -x "$tool" ] || swift build -c release --product gobi >"$work/tool.log" 2>&1 || { tail -30 "$work/tool.log"; exit 1; }
model=$work/tiny.gguf prompt="Once upon a time"
"$tool" generate tiny Q4_0 "$model" >/dev/null
head -c 400000 "$model" >"$work/truncated.gguf"

# Nothing of Swift: an empty environment, and only the prefix on the library path.
python=$(python3 -c 'import sys; print(sys.executable)')
bare() { env -i LD_LIBRARY_PATH="$prefix/lib" "$@"; }
bare "$work/generate-c" "$model" "$prompt" >"$work/c.txt"
bare "$work/generate-cpp" "$model" "$prompt" >"$work/cpp.txt"
bare "$work/serve" "$model" "$prompt" "Another one" "$prompt" >"$work/serve.txt"
[ "$(wc -c <"$work/c.txt")" -gt 1 ] || fail "the C example printed nothing"
cmp "$work/c.txt" "$work/cpp.txt"
head -c "$(stat -c %s "$work/c.txt")" "$work/serve.txt" | cmp "$work/c.txt" -
tail -c "$(stat -c %s "$work/c.txt")" "$work/serve.txt" | cmp "$work/c.txt" -
env -i "$python" -c "import ctypes; print('loaded by path, version', ctypes.CDLL('$library').gobi_version())"
bare "$work/kernels"
if bare "$work/generate-c" "$work/truncated.gguf" "$prompt" 2>"$work/error.txt"; then fail "a truncated model was run"; fi
grep -q truncated.gguf "$work/error.txt" || fail "the error does not name the file: $(cat "$work/error.txt")"

bare "$work/misuse" "$model" "$work/truncated.gguf"
bare "$work/engine" "$model"
for sanitizer in address thread; do
  if bare "$work/engine-$sanitizer" "$model" brief >"$work/sanitizer.log" 2>&1; then continue; fi
  # Older sanitizers do not start where the kernel lays memory out with more chance than they know of.
  grep -q 'unexpected memory mapping' "$work/sanitizer.log" || { head -60 "$work/sanitizer.log"; exit 1; }
  skip "the engine under the $sanitizer sanitizer: it does not start here"
done
if command -v valgrind >/dev/null; then
  # One thread: valgrind runs one at a time, and spinning threads starve the working one.
  env -i PATH="$PATH" LD_LIBRARY_PATH="$prefix/lib" OPENBLAS_NUM_THREADS=1 valgrind --quiet --error-exitcode=9 \
    --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite \
    "$work/misuse" "$model" "$work/truncated.gguf"
else
  skip "misuse under valgrind: not installed"
fi

if command -v cmake >/dev/null; then
  mkdir "$work/cmake"
  cp Examples/c/generate.c "$work/cmake"
  cat >"$work/cmake/CMakeLists.txt" <<'CMAKE'
cmake_minimum_required(VERSION 3.16)
project(example C)
find_package(gobi REQUIRED)
add_executable(generate generate.c)
target_link_libraries(generate gobi::gobi)
CMAKE
  cmake -S "$work/cmake" -B "$work/cmake/build" -DCMAKE_PREFIX_PATH="$prefix" >"$work/cmake.log"
  cmake --build "$work/cmake/build" >>"$work/cmake.log" || { cat "$work/cmake.log"; exit 1; }
  bare "$work/cmake/build/generate" "$model" "$prompt" | cmp "$work/c.txt" -
else
  skip "find_package(gobi): cmake is not installed"
fi

# The Swift example: built in the long tests, type-checked against the module that is built anyway otherwise.
if [ "${GOBI_LONG_TESTS:-0}" = 1 ]; then
  swift build -c release --package-path Examples/swift --scratch-path .build-example >"$work/swift.log" 2>&1 ||
    { tail -30 "$work/swift.log"; exit 1; }
  .build-example/release/generate "$model" "$prompt" | cmp "$work/c.txt" -
else
  swiftc -typecheck -swift-version 6 -I .build-install/release/Modules -I Sources/CKernels/include \
    Examples/swift/Sources/generate/main.swift
  skip "running the Swift example: make test-long does"
fi
echo "installed library: every example gives the same text"
