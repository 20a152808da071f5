#!/usr/bin/env bash
# Builds faiss.wasm and its loader faiss.mjs from Debian's FAISS source package.
#   ./build.sh [OUTPUT_FOLDER]      default: this folder
# Needs Debian 12 (as root it installs emscripten itself). Sources and objects go to FAISS_BUILD_DIR
# (default: a temporary folder that is removed).
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
output=$(mkdir -p "${1:-$here}" && cd "${1:-$here}" && pwd)
version=1.7.3
sha256=3e4fac26d8c9e9008ecea4ae5fc414c658998fce4ba75835058b1a71d3516002
if [ -n "${FAISS_BUILD_DIR:-}" ]; then
  work=$FAISS_BUILD_DIR
  mkdir -p "$work"
else
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
fi

install_compiler() {
  if command -v em++ >/dev/null && [ -d /usr/share/nodejs/acorn ]; then return; fi
  apt-get update
  apt-get install -y --no-install-recommends emscripten node-acorn dpkg-dev
}

# Debian's source lists are used without touching the machine's own.
fetch_source() {
  cd "$work"
  if [ ! -f "faiss_$version.orig.tar.gz" ]; then
    mkdir -p lists/partial
    sed 's/^Types: deb$/Types: deb-src/' /etc/apt/sources.list.d/debian.sources >source.sources
    local options=(-o "Dir::Etc::sourcelist=$work/source.sources" -o Dir::Etc::sourceparts=/dev/null -o "Dir::State::lists=$work/lists")
    apt-get "${options[@]}" update
    apt-get "${options[@]}" source --download-only faiss
  fi
  echo "$sha256  faiss_$version.orig.tar.gz" | sha256sum --check
  rm -rf "faiss-$version"
  tar xzf "faiss_$version.orig.tar.gz"
  # A size_t has 4 bytes here and 8 in FAISS's file format: with 8, files are the same on every platform.
  sed -i -E 's/^( *)size_t size(;| =)/\1uint64_t size\2/' "faiss-$version/faiss/impl/io_macros.h"
}

# The distance kernels are vectorised only with -ffast-math; nothing else may be compiled with it.
compile() {
  cd "$work"
  mkdir -p objects
  cp "$here"/faiss-abi.cpp "$here"/blas-stubs.cpp "$here"/omp.h .
  local flags="-O3 -msimd128 -fexceptions -std=c++17 -I. -Ifaiss-$version -DFINTEGER=int -w -ffile-prefix-map=$work=."
  find "faiss-$version/faiss" -maxdepth 2 -name '*.cpp' \
    \( -path '*/faiss/*.cpp' -o -path '*/impl/*.cpp' -o -path '*/invlists/*.cpp' -o -path '*/utils/*.cpp' \) \
    -not -path '*/gpu/*' -not -path '*/python/*' | LC_ALL=C sort >sources
  printf '%s\n' faiss-abi.cpp blas-stubs.cpp >>sources
  FLAGS=$flags xargs -P "$(nproc)" -I{} sh -c '
    object=objects/$(echo {} | tr / _).o
    case {} in
      */utils/distances_simd.cpp | */utils/distances.cpp | */IndexFlat.cpp | faiss-abi.cpp) fast=-ffast-math ;;
      *) fast= ;;
    esac
    [ "$object" -nt {} ] || em++ $FLAGS $fast -c {} -o "$object"' <sources
}

# The loader gets the bytes from its caller; built for the web, it touches neither files nor the process.
link() {
  cd "$work"
  local functions=_malloc,_free,_fm_error,_fm_create,_fm_free,_fm_count,_fm_add,_fm_set,_fm_remove_swap,_fm_search,_fm_score,_fm_save,_fm_saved_size,_fm_release_saved,_fm_load
  sed 's,.*,objects/&,' sources | sed -E 's,objects/(.*),\1,' | while read -r source; do
    echo "objects/$(echo "$source" | tr / _).o"
  done >object-list
  NODE_PATH=/usr/share/nodejs em++ -O3 -msimd128 -fexceptions @object-list -o faiss.mjs \
    -s MODULARIZE=1 -s EXPORT_ES6=1 -s ENVIRONMENT=web -s FILESYSTEM=0 -s USE_ES6_IMPORT_META=1 \
    -s ALLOW_MEMORY_GROWTH=1 -s INITIAL_MEMORY=16777216 -s MAXIMUM_MEMORY=2147418112 -s ABORTING_MALLOC=0 \
    -s ERROR_ON_UNDEFINED_SYMBOLS=0 -s "EXPORTED_FUNCTIONS=$functions" -s EXPORTED_RUNTIME_METHODS=UTF8ToString
  cp faiss.mjs faiss.wasm "$output/"
}

install_compiler
fetch_source
compile
link
cd "$output"
sha256sum faiss.mjs faiss.wasm | tee SHA256SUMS
