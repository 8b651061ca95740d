#!/usr/bin/env bash
# Installs what WrenchAI needs on Debian 12: packages by apt, and the C sources of tree-sitter by npm.
#
#   scripts/setup.sh build   to build and run wrench
#   scripts/setup.sh test    and to run the tests (default)
#   scripts/setup.sh dev     and to format, lint and measure coverage
#   scripts/setup.sh --list LEVEL   prints the packages of a level and stops
#
# Safe to repeat, and quick when nothing is missing. Only the apt step needs root: an ordinary user is asked through
# sudo, or is shown the one command to run (exit 2).
set -euo pipefail
cd "$(dirname "$0")/.."

# package | why
build_packages='
clang-19 | compiler (docs/adr/0002-clang-19.md)
lld-19 | linker
cmake | build description
ninja-build | build runner
ccache | makes repeated builds quick
pkg-config | finds the libraries below
git | history analysis, fetching
python3 | build and check scripts
libboost-json1.81-dev | JSON
libcli11-dev | command line
libfmt-dev | text formatting
libhowardhinnant-date-dev | time zones
REGEX_ENGINE | scanning for many expressions at once
libjemalloc-dev | memory allocator
libpq-dev | client of PostgreSQL
libpcre2-dev | regular expressions with look-around in rules
libre2-dev | regular expressions in linear time
libsodium-dev | encryption of backups
libsqlite3-dev | embedded database
libssl-dev | digests
libyaml-dev | YAML
libzstd-dev | compression
tzdata | the time zones themselves
'
test_packages='
clang-format-19 | format check
libbenchmark-dev | benchmarks
libclang-rt-19-dev | sanitizers, fuzzing, coverage runtime
libgmock-dev | tests
libgtest-dev | tests
libxml2-utils | validates JUnit and HTML reports in tests
patch | takes back what fixes changed, in tests
postgresql | a real server for the tests of the store
openssl | second opinion on hashes in tests
'
dev_packages='
clang-tidy-19 | lint
iproute2 | networks for workers that are cut off in a test
llvm-19 | coverage reports, symbols in sanitizer reports
'

fail() { echo "setup: $1" >&2; exit 2; }

list_only=no
if [ "${1:-}" = --list ]; then list_only=yes; shift; fi
level=${1:-test}
case $level in
  build) table=$build_packages ;;
  test) table=$build_packages$test_packages ;;
  dev) table=$build_packages$test_packages$dev_packages ;;
  *) fail "unknown level '$level': build, test or dev" ;;
esac

command -v dpkg-query >/dev/null || fail "this needs Debian 12 or a system like it (no dpkg here). Packages: scripts/setup.sh --list $level"
# Hyperscan is for amd64 only; vectorscan is its port with the same interface.
case $(dpkg --print-architecture) in
  amd64) table=${table/REGEX_ENGINE/libhyperscan-dev} ;;
  *) table=${table/REGEX_ENGINE/libvectorscan-dev} ;;
esac

if [ "$list_only" = yes ]; then
  awk -F' \\| ' 'NF == 2 {printf "%-24s %s\n", $1, $2}' <<<"$table"
  exit 0
fi

# npm is only needed while what comes from it isn't in the cache.
node_is_good() { command -v npm >/dev/null && node -e 'process.exit(parseInt(process.versions.node) >= 18 ? 0 : 1)' 2>/dev/null; }
lock=$(sha256sum src/analyzers/code/grammars/package-lock.json | cut -d' ' -f1)
grammars=${WRENCH_BUILD_CACHE:-$PWD/.cache}/grammars/$lock
test_data=${WRENCH_BUILD_CACHE:-$PWD/.cache}/testdata/sarif-schema-2.1.0.json
wants_npm=no
if [ ! -d "$grammars" ] || { [ "$level" != build ] && [ ! -f "$test_data" ]; }; then wants_npm=yes; fi
if [ "$wants_npm" = yes ] && ! node_is_good; then
  table+=$'npm | fetches the pinned tree-sitter sources and test data\n'
fi

names=$(awk -F' \\| ' 'NF == 2 {print $1}' <<<"$table")
# shellcheck disable=SC2086 # the names are words
present=$(dpkg-query -W -f='${binary:Package} ${db:Status-Status}\n' $names 2>/dev/null | sed -n 's/^\([^: ]*\)[^ ]* installed$/\1/p' || true)
missing=$(grep -vxF -e "$present" <<<"$names" || true)

if [ -n "$missing" ]; then
  echo "setup: these packages are missing:"
  while IFS= read -r name; do
    awk -F' \\| ' -v name="$name" '$1 == name {printf "  %-24s %s\n", $1, $2}' <<<"$table"
  done <<<"$missing"
  list=$(tr '\n' ' ' <<<"$missing")
  list=${list% }
  install="apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $list"
  if [ "$(id -u)" -eq 0 ]; then
    sh -c "$install"
  elif command -v sudo >/dev/null && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
    echo "setup: asking sudo for the apt step alone"
    sudo sh -c "$install"
  else
    echo "setup: installing them needs root. Run this once, then repeat the command:" >&2
    echo "  su -c '$install'" >&2
    exit 2
  fi
fi

if [ ! -d "$grammars" ]; then
  node_is_good || fail "node is older than 18: put a newer one first in PATH"
  echo "setup: fetching the tree-sitter sources that src/analyzers/code/grammars/package-lock.json pins (npm)"
  scripts/fetch_grammars.sh >/dev/null
fi

if [ "$level" != build ] && [ ! -f "$test_data" ]; then
  echo "setup: fetching the SARIF schema that a test checks reports with (npm)"
  scripts/fetch_test_data.sh >/dev/null
fi
