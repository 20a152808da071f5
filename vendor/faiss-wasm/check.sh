#!/usr/bin/env bash
# Rebuilds into a temporary folder and proves that the committed files are what the sources give.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
(cd "$here" && sha256sum --check SHA256SUMS)
rebuilt=$(mktemp -d)
trap 'rm -rf "$rebuilt"' EXIT
"$here/build.sh" "$rebuilt"
node "$here/check.mjs" "$rebuilt"
