#!/bin/bash
# ruleid: bash.loop-over-ls
for f in $(ls *.txt); do
  echo "$f"
done
# ok: bash.loop-over-ls
for f in *.txt; do
  echo "$f"
done

# ruleid: bash.loop-over-lines
for line in $(cat users.txt); do
  echo "$line"
done
# ok: bash.loop-over-lines
for word in $(cat words.txt); do
  echo "$word"
done
# ok: bash.loop-over-lines
while IFS= read -r line; do
  echo "$line"
done < users.txt

# ruleid: bash.names-through-xargs
find . -name '*.tmp' | xargs rm -f
# ok: bash.names-through-xargs
find . -name '*.tmp' -print0 | xargs -0 rm -f
# ok: bash.names-through-xargs
find . -name '*.tmp' | xargs wc

while read -r line; do
  # ruleid: bash.process-for-each-line
  name=$(echo "$line" | cut -d: -f1)
  # ok: bash.process-for-each-line
  other=${line%%:*}
done < users.txt
# ok: bash.process-for-each-line
name=$(echo "$line" | cut -d: -f1)

for name in a b c; do
  # ruleid: bash.download-for-each
  curl -s -O "https://example.org/$name.txt"
done
# ok: bash.download-for-each
curl -s -O "https://example.org/$name.txt"

# ruleid: bash.redirect-without-sudo
sudo echo "1" > /etc/option
# ok: bash.redirect-without-sudo
echo "1" | sudo tee /etc/option > /dev/null
# ok: bash.redirect-without-sudo
sudo echo "1" > /tmp/option
