#!/usr/bin/env bash
# Checks that every C++ file is formatted; with --fix, formats them. Rule tests and test data are as their authors mean them.
set -euo pipefail
cd "$(dirname "$0")/.."
mode=(--dry-run -Werror)
[ "${1:-}" = --fix ] && mode=(-i)
git ls-files -z --cached --others --exclude-standard '*.cpp' '*.hpp' ':!rules/' ':(exclude,glob)**/testdata/**' |
  { while IFS= read -r -d '' file; do [ -f "$file" ] && printf '%s\0' "$file"; done; true; } |
  xargs -0 -r -n 40 -P "$(nproc)" clang-format-19 "${mode[@]}"
