#!/usr/bin/env bash
# check-openai.sh [--long]: holds gobi-serve to the OpenAI API with the official Python client (PyPI's openai), and to its
# own promises with requests and clients that misbehave. --long adds 10,000 connections and a slow reader of a long answer.
#
# Needs a release build with tests or of the product gobi-serve, and the models smollm2 and minilm (fetch-models.sh).
# Exit codes: 0 all as it should be; 1 something is not; 3 the client or a model could not be had (why, stands on stderr).
set -euo pipefail
cd "$(dirname "$0")/.."
models=${GOBI_MODELS:-models}
for model in SmolLM2-135M-Instruct.Q4_1.gguf minilm/model.safetensors; do
  [ -f "$models/$model" ] || { echo "check-openai: needs $models/$model: run scripts/fetch-models.sh" >&2; exit 3; }
done
python=$(scripts/venv.sh check-openai "openai" "openai==3.57.0") || exit 3
server=$(swift build -c release --show-bin-path)/gobi-serve
[ -x "$server" ] || { echo "check-openai: no $server: swift build -c release --product gobi-serve" >&2; exit 1; }
PYTHONDONTWRITEBYTECODE=1 exec "$python" scripts/openai_check "$server" "$models" "$@"
