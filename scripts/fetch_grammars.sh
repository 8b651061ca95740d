#!/usr/bin/env bash
# Copies the C sources of the tree-sitter core and grammars from their npm packages into the build cache and prints
# the folder. The lock file's integrity hashes are the pin, and its SHA-256 names the folder: no network when it exists.
set -euo pipefail
cd "$(dirname "$0")/.."

pins=src/analyzers/code/grammars
cache=${WRENCH_BUILD_CACHE:-$PWD/.cache}
target=$cache/grammars/$(sha256sum "$pins/package-lock.json" | cut -d' ' -f1)
if [ -d "$target" ]; then
  echo "$target"
  exit 0
fi
command -v npm >/dev/null || { echo "fetch_grammars: needs npm: run 'scripts/setup.sh build'" >&2; exit 2; }

mkdir -p "$cache/grammars"
# Unpacked beside the target, so that the last step is a rename: a second run at the same time loses the race harmlessly.
work=$(mktemp -d "$cache/grammars/unpack.XXXXXX")
trap 'rm -rf "$work"' EXIT
cp "$pins/package.json" "$pins/package-lock.json" "$pins/.npmrc" "$work/"
(cd "$work" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2)

core=$work/node_modules/tree-sitter
mkdir -p "$work/out/core"
cp -R "$core/vendor/tree-sitter/lib" "$work/out/core/lib"
cp "$core/LICENSE" "$work/out/core/"
rm -rf "$work/out/core/lib/binding_web" "$work/out/core/lib/binding_rust"
for from in "$work"/node_modules/tree-sitter-* "$work"/node_modules/@*/tree-sitter-*; do
  to=$work/out/${from##*/tree-sitter-}
  mkdir -p "$to"
  cp "$from/LICENSE" "$to/"
  if [ -d "$from/common" ]; then cp -R "$from/common" "$to/common"; fi
  for sources in src typescript/src tsx/src php/src php_only/src; do
    if [ -d "$from/$sources" ]; then
      mkdir -p "$to/$(dirname "$sources")"
      cp -R "$from/$sources" "$to/$sources"
    fi
  done
done
# mv -T refuses a folder that is there and not empty.
mv -T "$work/out" "$target" 2>/dev/null || [ -d "$target" ]
echo "$target"
