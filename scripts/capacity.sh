#!/usr/bin/env bash
# What `make capacity` does: sets up, builds, gets the real model or says that it can't, measures, writes the report.
# Usage: capacity.sh MODELS REPORT [ARGUMENT of `gobi capacity`...]
set -euo pipefail
cd "$(dirname "$0")/.."
models=$1 report=$2
shift 2
scripts/setup.sh models
echo "building (release) ..."
swift build -c release --product gobi 2>&1 | tail -1
gobi=$(swift build -c release --show-bin-path)/gobi
arguments=()
if scripts/fetch-models.sh --dir "$models" smollm2; then
  arguments+=(--model "SmolLM2-135M Q4_1=$models/SmolLM2-135M-Instruct.Q4_1.gguf")
else
  echo "no real model: generated weights of the same shape stand in"
  arguments+=(--synthetic smollm2-135m:Q4_1)
fi
arguments+=(--models "$models" --output "$report")
case " $* " in
  # A health check has no time for the standard set of models.
  *" quick "* | *"=quick "*) arguments+=(--synthetic llama-3.2-1b:Q4_0) ;;
  *" --level"* | *" --seconds"*) ;;
  # With the packages and the build it is to be over in 15 minutes on two cores.
  *) arguments+=(--seconds 420) ;;
esac
exec "$gobi" capacity "${arguments[@]}" "$@"
