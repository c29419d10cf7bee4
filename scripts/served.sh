# To be sourced by scripts that need a server: serve OPTION... starts gobi-serve on a free port, sets `server` (its process),
# `port` and `work` (a folder with its `log`), and ends it when the script ends.
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill -KILL "$server" 2>/dev/null || true; rm -rf "$work"' EXIT

serve() {
  : >"$work/log"
  "$(swift build -c release --show-bin-path)/gobi-serve" --port 0 "$@" >"$work/log" 2>&1 &
  server=$!
  for _ in $(seq 600); do
    port=$(sed -n 's/^listening on http:\/\/.*:\([0-9]*\) with .*/\1/p' "$work/log")
    [ -z "$port" ] || return 0
    kill -0 "$server" 2>/dev/null || break
    sleep 0.1
  done
  cat "$work/log"
  return 1
}
