#!/usr/bin/env bash
# check-quantize.sh [GOBI]: whether a public reader (PyPI's gguf) decodes our quantised files to the values that we do.
#
# GOBI is the tool, .build/release/gobi by default. A generated model goes through every file type; what the reader
# makes of it is compared bit by bit with what the library does.
# Exit codes: 0 all equal; 1 something differs; 3 the reader could not be had (why, stands on stderr).
set -euo pipefail
cd "$(dirname "$0")/.."
gobi=${1:-.build/release/gobi}
[ -x "$gobi" ] || { echo "check-quantize: $gobi is not there: make build" >&2; exit 3; }

python=$(scripts/venv.sh check-quantize gguf gguf==0.19.0) || exit 3

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$gobi" generate tiny-moe F32 "$work/source.gguf" >/dev/null
status=0
# The types that hold one format each, and a mix.
for type in F16 BF16 Q8_0 Q4_0 Q4_1 Q5_0 Q5_1 Q2_K Q3_K Q4_K Q5_K Q6_K IQ4_NL IQ4_XS MXFP4; do
  "$gobi" quantize "$work/source.gguf" "$type" "$work/quantised.gguf" --pure --force >/dev/null
  "$gobi" quantize "$work/quantised.gguf" F32 "$work/decoded.gguf" --force >/dev/null
  printf '%-7s ' "$type"
  "$python" scripts/check-quantize.py "$work/quantised.gguf" "$work/decoded.gguf" || status=1
done
exit $status
