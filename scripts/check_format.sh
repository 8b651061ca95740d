#!/usr/bin/env bash
# Checks that every C++ file is formatted; --fix formats them.
set -euo pipefail
cd "$(dirname "$0")/.."
git ls-files -z 'src/*.cpp' 'src/*.hpp' 'tests/*.cpp' 'tests/*.hpp' 'bench/*.cpp' |
  if [ "${1:-}" = --fix ]; then xargs -0 -r clang-format-19 -i; else xargs -0 -r clang-format-19 --dry-run --Werror; fi
