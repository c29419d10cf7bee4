#!/usr/bin/env bash
# A server under more than it can do, for half an hour: scripts/soak.py says what must hold. Usage: soak.sh [SECONDS]
# Exit code 3: there is no model to serve.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-1800}
model=models/SmolLM2-135M-Instruct.Q4_1.gguf
[ -e "$model" ] || { echo "no $model: scripts/fetch-models.sh gets it"; exit 3; }
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill -KILL "$server" 2>/dev/null || true; rm -rf "$work"' EXIT
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
# A prefix cache that is full before the level of memory is taken.
"$(swift build -c release --show-bin-path)/gobi-serve" -m "smollm2=$model" --cache 64 --port "$port" >"$work/log" 2>&1 &
server=$!
for _ in $(seq 300); do
  if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then break; fi
  kill -0 "$server" 2>/dev/null || { cat "$work/log"; exit 1; }
  sleep 0.1
done
status=0
python3 scripts/soak.py "127.0.0.1:$port" --model smollm2 --pid "$server" --seconds "$seconds" || status=$?
[ $status -eq 0 ] || { echo "the end of the server's log:"; tail -20 "$work/log"; exit $status; }
kill -TERM "$server"
ended=0
wait "$server" || ended=$?
server=
[ $ended -eq 0 ] || { echo "the server ended with $ended"; tail -20 "$work/log"; exit 1; }
