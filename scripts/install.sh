#!/usr/bin/env bash
# Builds and installs the C library, its headers, the tool and the server. Usage: install.sh DESTDIR PREFIX [--library-only]
# Swift's standard library is linked in: neither the library nor the programs need Swift where they run.
set -euo pipefail
cd "$(dirname "$0")/.."
destination=$1 prefix=$2 what=${3:-all}
version=$(awk '/define GOBI_VERSION_(MAJOR|MINOR|PATCH)/{v = v s $3; s = "."} END{print v}' Sources/CGobi/include/gobi.h)
major=${version%%.*}
root=$destination$prefix
scratch=.build-install
flags=(-c release --scratch-path "$scratch" -Xswiftc -static-stdlib)

swift build "${flags[@]}" --product libgobi \
  -Xlinker "-soname=libgobi.so.$major" -Xlinker "--version-script=$PWD/packaging/libgobi.map" -Xlinker --gc-sections
mkdir -p "$root/lib/pkgconfig" "$root/lib/cmake/gobi" "$root/include"
products=$(swift build "${flags[@]}" --show-bin-path)

# Written aside and renamed: a program that has the old library mapped keeps it.
place() {  # place MODE SOURCE TARGET
  install -m "$1" "$2" "$3.new.$$"
  mv -f "$3.new.$$" "$3"
}
place 755 "$products/liblibgobi.so" "$root/lib/libgobi.so.$version"
strip --strip-unneeded "$root/lib/libgobi.so.$version"
ln -sfn "libgobi.so.$version" "$root/lib/libgobi.so.$major"
ln -sfn "libgobi.so.$major" "$root/lib/libgobi.so"
for header in Sources/CGobi/include/{gobi.h,gobi.hpp} Sources/CKernels/include/{ckernels.h,ck_formats.def,ck_isas.def}; do
  place 644 "$header" "$root/include/$(basename "$header")"
done
sed -e "s|@PREFIX@|$prefix|" -e "s|@VERSION@|$version|" packaging/gobi.pc.in >"$scratch/gobi.pc"
place 644 "$scratch/gobi.pc" "$root/lib/pkgconfig/gobi.pc"
place 644 packaging/gobi-config.cmake "$root/lib/cmake/gobi/gobi-config.cmake"
[ "$what" = --library-only ] && exit 0

swift build "${flags[@]}" --product gobi
swift build "${flags[@]}" --product gobi-serve
mkdir -p "$root/bin"
place 755 "$products/gobi" "$root/bin/gobi"
place 755 "$products/gobi-serve" "$root/bin/gobi-serve"
echo "installed gobi $version in $root"
