#!/usr/bin/env bash
# check-schemas.sh: whether a public validator (PyPI's jsonschema) finds everything valid that is generated for schemas.
#
# The tests generate 20 texts for each schema of the fixtures that compiles, uniformly from what the masks allow over
# a real vocabulary; the validator judges each. At least 100 schemas of the public suite have to be among them.
# Exit codes: 0 all valid; 1 something is not; 3 the validator could not be had (why, stands on stderr).
set -euo pipefail
cd "$(dirname "$0")/.."
python=$(scripts/venv.sh check-schemas "jsonschema, rfc3339_validator" "jsonschema[format-nongpl]==4.26.0") || exit 3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
GOBI_SCHEMA_OUTPUT=$work/texts.jsonl swift test -c release --skip-build --filter 'SchemaTests.whatIsGeneratedIsJSON' \
  >"$work/log" 2>&1 || { tail -20 "$work/log"; exit 1; }
"$python" scripts/check-schemas.py "$work/texts.jsonl"
