#!/usr/bin/env bash
# Proves that `make review` and `make test` work on a fresh Debian 12: makes a clean root that holds git, make and
# ca-certificates, clones this repository's HEAD in it, runs both, and prints how long each took and what it installed.
#
#   scripts/fresh_machine_test.sh [--keep] [--only review|test] [SCRATCH_DIR]
#
# Needs root and mmdebstrap (or debootstrap). How this machine reaches its package registries (proxy variables, npm
# configuration, own certificate authorities, name servers) is taken along at run time, and nothing else.
set -euo pipefail
cd "$(dirname "$0")/.."
keep=no only="review test"
while [ $# -gt 0 ]; do
  case $1 in
    --keep) keep=yes ;;
    --only) only=$2; shift ;;
    -*) echo "fresh_machine_test: unknown option '$1'" >&2; exit 2 ;;
    *) break ;;
  esac
  shift
done
[ "$(id -u)" -eq 0 ] || { echo "fresh_machine_test: needs root (chroot)" >&2; exit 2; }

scratch=$(mktemp -d "${1:-${TMPDIR:-/tmp}}/wrench-fresh.XXXXXX")
root=$scratch/root
leave() {
  for mount in dev/shm dev/pts dev proc; do
    if mountpoint -q "$root/$mount"; then umount -l "$root/$mount"; fi
  done
  # Never delete through a mount that would not go away.
  if grep -q " $root/" /proc/self/mounts; then echo "fresh_machine_test: still mounted below $root: not removed" >&2; return; fi
  if [ "$keep" = yes ]; then echo "kept: $root"; else rm -rf "$scratch"; fi
}
trap leave EXIT

base_packages=git,make,ca-certificates
if command -v mmdebstrap >/dev/null; then
  mmdebstrap --quiet --variant=minbase --include=$base_packages bookworm "$scratch/root.tar"
  mkdir "$root" && tar -C "$root" -xf "$scratch/root.tar" --exclude=./dev/* && rm "$scratch/root.tar"
else
  debootstrap --variant=minbase --include=$base_packages bookworm "$root" >/dev/null
fi

mkdir -p "$root/proc" "$root/dev"
mount -t proc proc "$root/proc"
mount --rbind --make-rslave /dev "$root/dev"

# The way to the registries.
cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
for file in /etc/npmrc /usr/etc/npmrc "$HOME/.npmrc"; do
  if [ -f "$file" ]; then mkdir -p "$root$(dirname "$file")" && cp -p "$file" "$root$file"; fi
done
if compgen -G '/usr/local/share/ca-certificates/*.crt' >/dev/null; then
  cp /usr/local/share/ca-certificates/*.crt "$root/usr/local/share/ca-certificates/"
  chroot "$root" update-ca-certificates >/dev/null 2>&1
fi
forward=()
while IFS='=' read -r name value; do
  case ${name,,} in http_proxy | https_proxy | no_proxy | npm_config_registry) forward+=("$name=$value") ;; esac
done < <(env)
inside() {
  chroot "$root" env -i HOME="$HOME" PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
    NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt "${forward[@]}" sh -c "$1"
}

git clone --quiet --bare . "$root/srv/wrench.git"
inside 'git clone --quiet /srv/wrench.git /srv/wrench'
packages() { inside "dpkg-query -W -f '\${binary:Package} \${Installed-Size}\n'" | sort; }

packages >"$scratch/before"
echo "fresh Debian $(cat "$root/etc/debian_version"), $(wc -l <"$scratch/before") packages, $(nproc) cores, $(git rev-parse --short HEAD)"
for what in $only; do
  begun=$SECONDS
  if ! inside "cd /srv/wrench && make $what" >"$scratch/$what.log" 2>&1; then
    tail -60 "$scratch/$what.log"
    echo "fresh_machine_test: make $what failed after $((SECONDS - begun)) s" >&2
    exit 1
  fi
  tail -25 "$scratch/$what.log"
  packages >"$scratch/after"
  comm -13 "$scratch/before" "$scratch/after" |
    awk -v what="$what" -v s=$((SECONDS - begun)) '{n++; kb += $2} END {printf "== make %s: %d s; installed %d packages, %.0f MB\n", what, s, n, kb / 1024}'
  mv "$scratch/after" "$scratch/before"
done
