#!/usr/bin/env bash
# A server under more than it can do, for half an hour: scripts/soak.py says what must hold. Usage: soak.sh [SECONDS]
# Exit code 3: there is no model to serve.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-1800}
model=models/SmolLM2-135M-Instruct.Q4_1.gguf
[ -e "$model" ] || { echo "no $model: scripts/fetch-models.sh gets it"; exit 3; }
source scripts/served.sh
# A prefix cache that is full before the level of memory is taken.
serve -m "smollm2=$model" --cache 64
status=0
PYTHONDONTWRITEBYTECODE=1 python3 scripts/soak.py "127.0.0.1:$port" --model smollm2 --pid "$server" --seconds "$seconds" || status=$?
[ $status -eq 0 ] || { echo "the end of the server's log:"; tail -20 "$work/log"; exit $status; }
kill -TERM "$server"
ended=0
wait "$server" || ended=$?
server=
[ $ended -eq 0 ] || { echo "the server ended with $ended"; tail -20 "$work/log"; exit 1; }
