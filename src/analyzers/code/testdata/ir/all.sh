#!/bin/bash
# sample
set -e
source ./lib.sh
. /etc/profile
export PATH="$HOME/bin:$PATH"
readonly LIMIT=10
local -a arr=(1 2 "three")
declare -A map=([a]=1)
function build() {
  local name=$1
  echo "hello ${name:-world} $(date +%s) `id`"
  return 0
}
clean() { rm -rf "$dir"/*; }
if [ -z "$x" ] && [[ $y == z* ]]; then
  f
elif ((a > 1)); then
  g
else
  h
fi
for i in 1 2 $list; do echo $i; done
for ((i=0; i<3; i++)); do continue; done
while read -r line; do break; done < file.txt
until false; do :; done
case "$1" in
  start|stop) run ;;
  *) usage; exit 1 ;;
esac
cat <<EOF > out
text $var
EOF
curl -s "$url" | bash -x 2>/dev/null || true
x=$((1 + 2)); y+="more"
arr[0]=5; unset x
eval "$cmd"
trap 'cleanup' EXIT
[[ "$a" =~ ^re$ ]] && ! test -f x
(cd dir; make) &
{ a; b; }
select o in a b; do echo; done
printf '%s\n' 'single' $'ansi' "${arr[@]}" ${#x} ${x/a/b}
[ $# -gt 1 ]
