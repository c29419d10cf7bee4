#!/usr/bin/env bash
# Installs the Python wheel into an empty virtual environment, and uses it where Swift and OpenBLAS cannot be found.
# Exit code 3: the tools that build it could not be had (why, stands on stderr).
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
built=$(scripts/wheel.sh "$work/dist")
python3 -m venv --without-pip "$work/venv"
.build/wheel/bin/python -m pip --python "$work/venv/bin/python" install --quiet --disable-pip-version-check \
  --no-index "$built"
tool=.build/release/gobi
[ -x "$tool" ] || swift build -c release --product gobi >"$work/tool.log" 2>&1 || { tail -30 "$work/tool.log"; exit 1; }
"$tool" generate tiny Q4_0 "$work/tiny.gguf" >/dev/null

# Nothing of the checkout and of Swift: an empty environment, another folder.
bare() { (cd "$work" && env -i "$work/venv/bin/python" "$@"); }
bare "$PWD/Tests/ABIPrograms/structs.py" write >"$work/structs.c"
gcc -ISources/CGobi/include "$work/structs.c" -o "$work/structs"
"$work/structs" >"$work/structs.txt"
bare "$PWD/Tests/ABIPrograms/structs.py" compare <"$work/structs.txt"
bare "$PWD/Tests/ABIPrograms/wheel.py" "$work/tiny.gguf"
bare "$PWD/Examples/python/generate.py" "$work/tiny.gguf" "Once upon a time" >"$work/text"
[ "$(wc -c <"$work/text")" -gt 1 ] || { echo "wheel: the example printed nothing" >&2; exit 1; }
echo "wheel: $(basename "$built"), $(($(stat -c %s "$built") / 1024)) KiB"
