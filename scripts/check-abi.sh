#!/usr/bin/env bash
# Holds the C ABI that the headers and packaging/libgobi.map declare against the dump in packaging/abi, with libabigail.
# Usage: check-abi.sh [--update | --self-test]
#   --update     writes the dump anew: a part of every commit that adds to the headers
#   --self-test  breaks copies of the header in every way that counts, and fails unless each is noticed
# A dump of C made from the headers, because the library's own debug information is mostly Swift's. That the library
# exports what the map lists is proven by test-installed.sh.
# Exit codes: 0 the same; 1 something differs; 3 libabigail is not here (why, stands on stderr).
set -euo pipefail
cd "$(dirname "$0")/.."
dump=packaging/abi/libgobi.abi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for tool in abidiff gcc python3; do
  command -v "$tool" >/dev/null || { echo "check-abi: $tool is not installed (Debian: abigail-tools)" >&2; exit 3; }
done
[ "$(uname -m)" = x86_64 ] || { echo "check-abi: the dump is of x86-64, this is $(uname -m)" >&2; exit 3; }

# dump_of HEADER MAP OUT: HEADER stands for gobi.h.
dump_of() {
  printf '#include "%s"\n#include "ckernels.h"\n' "$1" | gcc -E -P -ISources/CKernels/include -x c - >"$work/headers.i"
  python3 scripts/abi-stub.py stub <"$work/headers.i" >"$work/stub.c"
  sed 's/^  global:/&\n    constants_from_*;/' "$2" >"$work/stub.map"
  gcc -g -w -shared -fPIC "$work/stub.c" -Wl,-soname,libgobi.so.1 -Wl,--version-script="$work/stub.map" \
    -o "$work/stub.so"
  abidw --no-show-locs --no-corpus-path --no-comp-dir-path --type-id-style hash "$work/stub.so" >"$3"
}
# What a program that was linked against the old one would notice, and what is new. Both print what they found.
breaks() {
  python3 scripts/abi-growth.py "$1" "$2" >"$work/growth.ini"
  ! abidiff --no-added-syms --suppressions "$work/growth.ini" "$1" "$2"
}
differs() { ! abidiff --harmless "$1" "$2"; }

header=$PWD/Sources/CGobi/include/gobi.h map=packaging/libgobi.map
if [ "${1:-}" = --update ]; then
  dump_of "$header" $map "$dump"
  echo "abi: wrote $dump"
  exit 0
fi

if [ "${1:-}" = --self-test ]; then
  dump_of "$header" $map "$work/before.abi"
  # changed SED-EXPRESSION...: the dump of the header after all of them; each must change something.
  changed() {
    local expression
    cp "$header" "$work/changed.h"
    for expression in "$@"; do
      sed -E "$expression" "$work/changed.h" >"$work/next.h"
      ! cmp -s "$work/changed.h" "$work/next.h" || { echo "abi: '$expression' changes nothing any more"; exit 1; }
      mv "$work/next.h" "$work/changed.h"
    done
    sed 's/^  global:/&\n    gobi_later;/' $map >"$work/changed.map"
    dump_of "$work/changed.h" "$work/changed.map" "$work/after.abi"
  }
  # A function less; types of a parameter, of a result, of a field; a field in the middle; a struct without a size that
  # gets longer; a constant's value; a constant less.
  changed '/gobi_status gobi_matcher_accept/d' 's/(gobi_sampler_accept\(.*)int32_t token/\1int64_t token/' \
    's/^(GOBI_API )uint32_t( gobi_version)/\1uint64_t\2/' 's/^  double decode_time;/  float decode_time;/' \
    's/^  uint64_t cache_key;/&\n  uint64_t middle_key;/' 's/^  float log_probability;$/&\n  float odds;/' \
    's/GOBI_KV_Q8 = 3/GOBI_KV_Q8 = 7/' 's/, GOBI_ADD_ALWAYS = 2//'
  breaks "$work/before.abi" "$work/after.abi" >"$work/report" || { echo "abi: no break was noticed"; exit 1; }
  for name in gobi_matcher_accept gobi_sampler_accept gobi_version decode_time middle_key odds GOBI_KV_Q8 \
    GOBI_ADD_ALWAYS; do
    grep -qw "$name" "$work/report" || { cat "$work/report"; echo "abi: the change of $name was not noticed"; exit 1; }
  done
  # What a minor version may do: a function, a constant, a field at the end of a struct with a size.
  changed 's/^GOBI_API uint32_t gobi_version.*/&\nGOBI_API uint32_t gobi_later(void);/' \
    's/GOBI_KV_BF16 = 4/&, GOBI_KV_LATER = 5/' 's/^  bool at_text_start;/&\n  uint64_t later_field;/'
  if breaks "$work/before.abi" "$work/after.abi" >"$work/report"; then
    cat "$work/report"
    echo "abi: additions are taken for breaks"
    exit 1
  fi
  differs "$work/before.abi" "$work/after.abi" >"$work/report" || { echo "abi: no addition was noticed"; exit 1; }
  for name in gobi_later GOBI_KV_LATER later_field; do
    grep -qw "$name" "$work/report" || { cat "$work/report"; echo "abi: $name was not noticed"; exit 1; }
  done
  echo "abi: eight breaks and three additions were told apart"
  exit 0
fi

dump_of "$header" $map "$work/now.abi"
listed=$(sed -nE 's/^ +((gobi|ck)_[a-z0-9_]+);$/\1/p' $map | LC_ALL=C sort)
declared=$(python3 scripts/abi-stub.py symbols <"$work/headers.i")
diff <(echo "$declared") <(echo "$listed") || { echo "abi: < declared in a header, > listed in $map"; exit 1; }
if breaks "$dump" "$work/now.abi" >"$work/report"; then
  cat "$work/report"
  echo "abi: programs that use libgobi.so.1 would break"
  exit 1
fi
if differs "$dump" "$work/now.abi" >"$work/report"; then
  cat "$work/report"
  echo "abi: $dump does not have the above: run scripts/check-abi.sh --update"
  exit 1
fi
echo "abi: $(echo "$listed" | wc -l) functions as in $dump"
