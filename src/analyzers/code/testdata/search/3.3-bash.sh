# ruleid: sh-command
eval "$command"
# ok: sh-command
evaluate "$command"
# ruleid: sh-words
rm -rf "$dir"
# ok: sh-words
rm -f "$dir"
# ruleid: sh-substitution
for f in $(ls dir); do
  echo "$f"
done
# ok: sh-substitution
for f in dir/*; do
  echo "$f"
done
# ruleid: sh-pipe
curl -s "$url" | sh
# ok: sh-pipe
curl -s "$url" | tar x
# ruleid: sh-quoted
cd "$folder"
# ok: sh-quoted
cd $folder
# ruleid: sh-assignment
file=$(mktemp)
# ok: sh-assignment
file=$(date)
