#!/usr/bin/env bash
# Runs every command of the README's ```sh blocks in a fresh clone, in order, and fails at the first that fails.
# A line `make test` is left out: who calls this has just run it. A block's next ```output block, if there is one,
# lists fixed words that the commands must print.
set -euo pipefail
cd "$(dirname "$0")/.."
clone=$(mktemp -d)
trap 'rm -rf "$clone"' EXIT
git clone -q . "$clone/gobi"
# Downloads need not be made twice.
[ -d models ] && cp -r models "$clone/gobi/models"
cd "$clone/gobi"
awk '/^```sh$/{inside = 1; next} /^```/{inside = 0} inside' README.md | grep -vE '^(make test|git clone|cd )' >commands.sh
echo "readme: $(grep -cvE '^\s*(#|$)' commands.sh) commands"
PATH=$PWD/bin:$PATH bash -euo pipefail -x commands.sh
test -s capacity-report/capacity.json
test -s capacity-report/capacity.html
echo "readme: every command did what it says"
