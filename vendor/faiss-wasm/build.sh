#!/usr/bin/env bash
# Builds faiss.wasm from Debian's FAISS source package.
#   ./build.sh [OUTPUT_FOLDER]      default: this folder
# Needs Debian 12; as root it installs the compiler itself.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "${1:-$here}"
output=$(cd "${1:-$here}" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

version=1.7.3
archive=faiss_$version.orig.tar.gz
sha256=3e4fac26d8c9e9008ecea4ae5fc414c658998fce4ba75835058b1a71d3516002

# What an IndexFlatCodes with an IDSelectorBitmap needs, and no more.
sources=(
  Index.cpp
  IndexFlatCodes.cpp
  impl/AuxIndexStructures.cpp
  impl/FaissException.cpp
  impl/IDSelector.cpp
  utils/Heap.cpp
)

# -fwasm-exceptions: exceptions cost nothing until thrown and need no JavaScript.
# -fassociative-math (with the two flags it requires): without it the sums of the distance kernels are not vectorised.
compile_flags=(
  -std=c++17 -O3 -msimd128 -fwasm-exceptions -ffunction-sections -fdata-sections -w
  -fassociative-math -fno-signed-zeros -fno-trapping-math
  -I. -I"faiss-$version" "-ffile-prefix-map=$work=."
)

# A stand-alone module needs no generated JavaScript. Its memory grows up to the 4 GiB that 32-bit addresses reach.
link_flags=(
  -O3 -msimd128 -fwasm-exceptions --no-entry
  -s STANDALONE_WASM=1
  -s INITIAL_MEMORY=1048576 -s TOTAL_STACK=131072
  -s ALLOW_MEMORY_GROWTH=1 -s MAXIMUM_MEMORY=4294967296
  -s EXPORTED_FUNCTIONS=_malloc,_free,_fm_error,_fm_create,_fm_free,_fm_resize,_fm_search,_fm_sum
)

install_tools() {
  if command -v em++ >/dev/null && command -v dpkg-source >/dev/null; then return; fi
  apt-get update
  apt-get install -y --no-install-recommends emscripten dpkg-dev
}

# The source package comes through a source list of its own; the machine's lists stay untouched.
fetch_source() {
  cat >"$work/debian.sources" <<END
Types: deb-src
URIs: ${DEBIAN_MIRROR:-http://deb.debian.org/debian}
Suites: bookworm
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
END
  mkdir -p "$work/lists/partial"
  local apt=(apt-get -qq
    -o "Dir::Etc::sourcelist=$work/debian.sources" -o Dir::Etc::sourceparts=/dev/null
    -o "Dir::State::lists=$work/lists" -o APT::Sandbox::User=root)
  cd "$work"
  "${apt[@]}" update
  "${apt[@]}" source --download-only "faiss=$version-2"
  echo "$sha256  $archive" | sha256sum --check
  tar xzf "$archive"
}

compile() {
  cp "$here/faiss-abi.cpp" "$work"
  cd "$work"
  printf '%s\n' "${sources[@]/#/faiss-$version/faiss/}" faiss-abi.cpp |
    xargs -P 2 -I{} sh -c 'source=$1; shift; em++ "$@" -c "$source" -o "$(basename "$source" .cpp).o"' \
      _ {} "${compile_flags[@]}"
}

link() {
  cd "$work"
  # In one fixed order, so that the same objects give the same bytes.
  LC_ALL=C em++ "${link_flags[@]}" $(printf '%s\n' ./*.o | LC_ALL=C sort) -o faiss.wasm
  install -m 644 faiss.wasm "$output/"
}

install_tools
fetch_source
compile
link
(cd "$output" && sha256sum faiss.wasm | tee SHA256SUMS)
