#!/usr/bin/env bash
# Lints with clang-tidy 19 what changed against main (or the given revision); --all lints every source.
set -euo pipefail
cd "$(dirname "$0")/.."
cmake --preset dev >/dev/null
if [ "${1:-}" = --all ]; then
  files=$(git ls-files 'src/*.cpp')
else
  base=$(git merge-base HEAD "${1:-main}")
  files=$({ git diff --name-only --diff-filter=d "$base" -- 'src/*.cpp'; git ls-files --others --exclude-standard 'src/*.cpp'; } | sort -u)
fi
# Only what the preset compiles: fuzz targets and benchmarks have no compile command in it, test data is no code of ours.
files=$(grep -vE '_(fuzz|bench)\.cpp$|/testdata/' <<<"$files" || true)
[ -n "$files" ] || { echo "tidy: nothing changed"; exit 0; }
xargs -n 1 -P "$(nproc)" clang-tidy-19 -p build/dev --quiet <<<"$files"
echo "tidy: $(wc -l <<<"$files") files are clean"
