#!/usr/bin/env bash
# Installs the peer from PyPI (it builds upstream llama.cpp for this CPU), generates or finds the models, and prints
# our figure, the peer's and the ratio, interleaved.
# Usage: [FORMATS="Q4_0 Q8_0"] [EXPERTS=6] run.sh [ARGUMENT of compare.py...]
#   FORMATS  of the 1B shape (default Q4_0; Q4_0 Q8_0 Q4_K_M Q6_K Q5_0 BF16 are what docs/BENCHMARKING.md has)
#   EXPERTS  also that many layers of Qwen3-30B-A3B
set -euo pipefail
cd "$(dirname "$0")/../.."
peer=.build-peer
scripts/setup.sh models
if [ ! -x $peer/bin/python ]; then
  dpkg-query -W python3-venv cmake g++ >/dev/null 2>&1 || {
    echo "installing python3-venv cmake g++ with apt"
    sudo=""
    [ "$(id -u)" -eq 0 ] || sudo=sudo
    $sudo apt-get install -y --no-install-recommends python3-venv python3-dev cmake g++ >/dev/null
  }
  python3 -m venv $peer
  echo "building the peer; this takes some minutes"
  CMAKE_BUILD_PARALLEL_LEVEL=$(nproc) $peer/bin/pip install -q "llama-cpp-python==0.3.36"
fi
swift build -c release --product gobi 2>&1 | tail -1
gobi=$(swift build -c release --show-bin-path)/gobi
models=models
mkdir -p $models
scripts/fetch-models.sh --dir $models smollm2 gemma3 || true
# Two real models, and one shape in every format that is compared: the same file for both.
files=($models/SmolLM2-135M-Instruct.Q4_1.gguf $models/gemma-3-270m-q4_k_m.gguf)
for type in ${FORMATS:-Q4_0}; do
  synthetic=$models/llama-3.2-1b.$type.gguf
  [ -e "$synthetic" ] || "$gobi" generate llama-3.2-1b "$type" "$synthetic"
  files+=("$synthetic")
done
[ -z "${EXPERTS:-}" ] || {
  experts=$models/qwen3-30b-a3b.$EXPERTS-layers.Q4_0.gguf
  [ -e "$experts" ] || "$gobi" generate qwen3-30b-a3b Q4_0 "$experts" --layers "$EXPERTS"
  files+=("$experts")
}
present=()
for file in "${files[@]}"; do
  if [ -e "$file" ]; then present+=("$file"); else echo "not at hand, left out: $file" >&2; fi
done
exec $peer/bin/python Benchmarks/peers/compare.py --gobi "$gobi" --peer-python $peer/bin/python "$@" "${present[@]}"
