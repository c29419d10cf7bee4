#!/usr/bin/env bash
# Builds the benchmark program of the working tree and of a base revision, and runs both in turn.
# Usage: bench-pair.sh compare|gate BASE [ARGUMENT of that command...]
# The base is built in .build-bench/base, a work tree of git's that is kept, so that the next base builds fast;
# `make clean` removes it.
set -euo pipefail
cd "$(dirname "$0")/.."
fail() {
  echo "bench: $*" >&2
  exit 2
}
[ $# -ge 2 ] || fail "usage: bench-pair.sh compare|gate BASE [ARGUMENT...]"
command=$1 base=$2
shift 2
git rev-parse --git-dir >/dev/null 2>&1 || fail "the base revision comes from git, and this is no clone"
revision=$(git rev-parse --verify --quiet --end-of-options "$base^{commit}") || fail "there is no revision '$base'"

folder=.build-bench tree=.build-bench/base
mkdir -p "$folder"
exec 9>"$folder/lock"
flock -n 9 || fail "another comparison runs in this clone"
if ! git -C "$tree" rev-parse --git-dir >/dev/null 2>&1 ||
  [ "$(git -C "$tree" rev-parse --show-toplevel)" != "$PWD/$tree" ]; then
  rm -rf "$tree"
  git worktree prune
  git worktree add --quiet --force --detach "$tree" "$revision"
else
  git -C "$tree" checkout --quiet --force --detach "$revision"
fi
[ -d "$tree/Benchmarks/Sources" ] || fail "$base has no benchmark program: it is too old to be compared"

# program PACKAGE-ROOT SIDE: builds, and puts the program where both sides have names of one length: a longer path
# would move the stack of one of them.
program() {
  local package=$1
  # Older revisions have it in a package of its own.
  [ -f "$1/Benchmarks/Package.swift" ] && package=$1/Benchmarks
  echo "bench: building $3"
  swift build -c release --package-path "$package" --product gobi-benchmarks >"$folder/$2.log" 2>&1 || {
    tail -20 "$folder/$2.log" >&2
    fail "$3 does not build: $folder/$2.log"
  }
  mkdir -p "$folder/$2"
  cp -f "$(swift build -c release --package-path "$package" --show-bin-path)/gobi-benchmarks" "$folder/$2/"
}
program "$tree" a "$base ($(git rev-parse --short "$revision"))"
program . b "the working tree"
status=0
"$folder/b/gobi-benchmarks" "$command" --base "$folder/a/gobi-benchmarks" --test "$folder/b/gobi-benchmarks" "$@" ||
  status=$?
exit $status
