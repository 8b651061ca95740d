#!/usr/bin/env bash
# scripts/profile_grammars.sh TREE...   parses the code below each TREE with instrumented grammars and stores which
# branches it took as src/analyzers/code/grammars/parsing.profdata, which release builds of the grammars are optimised
# with. To be run again when the grammars' lock file or the compiler changes. TREEs should be real projects in all of the
# languages, or a language that isn't among them gets slower.
set -euo pipefail
[ $# -gt 0 ] || { sed -n '2,5s/^# //p' "$0"; exit 2; }
trees=()
for tree in "$@"; do trees+=("$(realpath "$tree")"); done
cd "$(dirname "$0")/.."
build=build/profile-grammars
cmake --preset release -B "$build" -DWRENCH_PROFILE_GRAMMARS=ON >/dev/null
cmake --build "$build" --target wrench
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
for tree in "${trees[@]}"; do
  echo "profile: $tree"
  LLVM_PROFILE_FILE="$scratch/%p.profraw" XDG_CACHE_HOME="$scratch" WRENCH_SCAN_CACHE=off \
    "$build/wrench" scan "$tree" --analyses rules,metrics --fail-on none --allow-partial --format json --output "$scratch/report.json"
done
llvm-profdata-19 merge "$scratch"/*.profraw -o src/analyzers/code/grammars/parsing.profdata
ls -l src/analyzers/code/grammars/parsing.profdata
