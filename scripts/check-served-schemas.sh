#!/usr/bin/env bash
# check-served-schemas.sh: whether a public validator finds valid what a real model answers under schemas at temperature 1,
# by way of the server: 20 answers for each of at least 100 schemas of the public suite.
#
# Needs a release build and the model smollm2 (fetch-models.sh). Minutes.
# Exit codes: 0 all valid; 1 something is not; 3 the validator or the model could not be had (why, stands on stderr).
set -euo pipefail
cd "$(dirname "$0")/.."
model=models/SmolLM2-135M-Instruct.Q4_1.gguf
[ -e "$model" ] || { echo "check-served-schemas: needs $model: run scripts/fetch-models.sh" >&2; exit 3; }
python=$(scripts/venv.sh check-schemas "jsonschema, rfc3339_validator" "jsonschema[format-nongpl]==4.26.0") || exit 3
source scripts/served.sh
serve -m "smollm2=$model" --context 1024
PYTHONDONTWRITEBYTECODE=1 "$python" scripts/check-served-schemas.py "127.0.0.1:$port"
