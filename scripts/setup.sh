#!/usr/bin/env bash
# Installs what a part of the work needs, from Debian's packages and npm only. Quick when nothing is to do.
#   scripts/setup.sh build    to build and run wrench
#   scripts/setup.sh test     build, and what the tests and the checks need
#   scripts/setup.sh dev      test, and what formatting, tidy, coverage and benchmarks need
set -euo pipefail
cd "$(dirname "$0")/.."

case "$(uname -m)" in
  x86_64) hyperscan=libhyperscan-dev ;;
  *) hyperscan=libvectorscan-dev ;;
esac
build=(clang-19 lld-19 ccache cmake ninja-build pkg-config "$hyperscan" libre2-dev libpcre2-dev libyaml-dev
  libsqlite3-dev libboost-json1.81-dev libfmt-dev libcli11-dev libgtest-dev libgmock-dev libbenchmark-dev libssl-dev libzstd-dev git
  ca-certificates)
test=(libclang-rt-19-dev python3 libxml2-utils clang-format-19)
dev=(clang-tidy-19 llvm-19)

case "${1:-build}" in
  build) packages=("${build[@]}") ;;
  test) packages=("${build[@]}" "${test[@]}") ;;
  dev) packages=("${build[@]}" "${test[@]}" "${dev[@]}") ;;
  *) echo "setup.sh: unknown part '$1': build, test or dev" >&2; exit 2 ;;
esac
# The grammars come from npm; a machine with its own Node.js keeps it.
if [ -f src/analyzers/code/grammars/package.json ] && ! command -v npm >/dev/null; then packages+=(npm); fi

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
done
if [ "${#missing[@]}" -gt 0 ]; then
  echo "setup: installing from Debian: ${missing[*]}"
  install="apt-get install -y --no-install-recommends ${missing[*]}"
  if [ "$(id -u)" = 0 ]; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -q >/dev/null
    $install >/dev/null
  elif command -v sudo >/dev/null; then
    sudo sh -c "apt-get update -q >/dev/null && DEBIAN_FRONTEND=noninteractive $install >/dev/null"
  else
    echo "setup: needs root once. Run this, then try again:" >&2
    echo "  apt-get update && $install" >&2
    exit 2
  fi
fi
if [ -x scripts/fetch_grammars.sh ]; then scripts/fetch_grammars.sh; fi
