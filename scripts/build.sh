#!/usr/bin/env bash
# scripts/build.sh PRESET JOBS TARGET...   configures when needed, then builds.
set -euo pipefail
cd "$(dirname "$0")/.."
preset=$1 jobs=$2
shift 2
log=build/$preset.configure.log
mkdir -p build
if ! cmake --preset "$preset" >"$log" 2>&1; then
  cat "$log" >&2
  exit 1
fi
echo "build: $preset ($*), $jobs jobs"
cmake --build --preset "$preset" -j "$jobs" --target "$@"
