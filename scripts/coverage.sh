#!/usr/bin/env bash
# Runs the tests instrumented and prints the line coverage of src/ (tests, benchmarks and fuzz targets not counted).
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/build.sh coverage "$(nproc)" all
profiles=$PWD/build/coverage/profiles
rm -rf "$profiles"
# %m merges runs of one program into a few files, or the tests that start it a thousand times would fill the disk.
LLVM_PROFILE_FILE="$profiles/%4m.profraw" ctest --preset coverage -LE long -j "$(nproc)"
llvm-profdata-19 merge -sparse "$profiles"/*.profraw -o build/coverage/all.profdata
objects=()
while IFS= read -r program; do objects+=(-object "$program"); done < <(find build/coverage \( -name 'wrench_*_test' -o -name wrench \) -type f -perm -u+x)
llvm-cov-19 report -instr-profile build/coverage/all.profdata "${objects[@]}" \
  -ignore-filename-regex='_(test|bench|fuzz)\.[ch]pp$|(^|/)(build|\.cache|usr|tests)/' -show-region-summary=false \
  -show-branch-summary=false | tee build/coverage/report.txt
awk '/^TOTAL/ {print "coverage: lines of src/ covered: " $NF}' build/coverage/report.txt
