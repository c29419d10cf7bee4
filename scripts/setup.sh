#!/usr/bin/env bash
# Installs the Debian packages that a target needs, if they are missing. Usage: setup.sh build|models|test
set -euo pipefail

build=(libopenblas-dev liblapacke-dev libsqlite3-dev pkg-config)
case "${1:-build}" in
  build) packages=("${build[@]}") ;;
  models) packages=("${build[@]}" python3 python3-pip) ;;
  test)
    packages=("${build[@]}" python3 python3-pip gcc g++ cmake gcc-aarch64-linux-gnu libc6-dev-arm64-cross
      qemu-user-static valgrind abigail-tools)
    ;;
  *) echo "setup.sh: unknown set '$1' (build, models, test)" >&2; exit 2 ;;
esac

command -v swift >/dev/null || {
  echo "setup: Swift 6.3 is needed and not on PATH: see https://www.swift.org/install/linux" >&2
  exit 1
}

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

command -v apt-get >/dev/null || {
  echo "setup: install these by your system's package manager: ${missing[*]}" >&2
  exit 1
}
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "setup: run as root, or install sudo; needed: ${missing[*]}" >&2; exit 1; }
  as_root=(sudo)
fi
echo "setup: installing ${missing[*]} with apt"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
install_missing() { "${as_root[@]}" apt-get install -y --no-install-recommends "${missing[@]}" >"$log" 2>&1; }
if ! install_missing; then
  "${as_root[@]}" apt-get update >"$log" 2>&1 || { tail -5 "$log" >&2; exit 1; }
  install_missing || { tail -20 "$log" >&2; echo "setup: apt could not install ${missing[*]}" >&2; exit 1; }
fi
