#!/usr/bin/env bash
# Makes a virtual environment with packages of PyPI, unless it is there, and prints the path of its python.
# Usage: venv.sh CALLER MODULES PACKAGE...   (.build/CALLER; MODULES as import takes them)
# Exit code 3: it could not be had (why, stands on stderr).
set -euo pipefail
cd "$(dirname "$0")/.."
caller=$1 modules=$2
shift 2
python=.build/$caller/bin/python
if ! "$python" -c "import $modules" 2>/dev/null; then
  python3 -m venv --clear ".build/$caller" >&2 || { echo "$caller: needs python3 with venv" >&2; exit 3; }
  "$python" -m pip install --quiet --disable-pip-version-check "$@" >&2 ||
    { echo "$caller: $* could not be had from PyPI" >&2; exit 3; }
fi
echo "$python"
