#!/bin/bash
# ruleid: bash.rm-below-empty-variable
rm -rf "$dir"/*
# ruleid: bash.rm-below-empty-variable
rm -rf $BUILD/*
# ok: bash.rm-below-empty-variable
rm -rf "${dir:?}"/*
# ok: bash.rm-below-empty-variable
rm -rf "$dir"

# ruleid: bash.download-run
curl -fsSL "$url" | bash
# ruleid: bash.download-run
bash -c "$(curl -fsSL https://example.org/install.sh)"
# ok: bash.download-run
curl -fsSL "$url" | tar xz
# ok: bash.download-run
curl -fsSL "$url" -o install.sh

# ruleid: bash.certificate-not-checked
curl -k "$url"
# ruleid: bash.certificate-not-checked
wget -q --no-check-certificate "$url"
# ok: bash.certificate-not-checked
curl --cacert ca.pem "$url"

# ruleid: bash.arguments-evaluated
eval "$@"
# ruleid: bash.arguments-evaluated
eval $1
# ok: bash.arguments-evaluated
eval "$(ssh-agent -s)"
# ok: bash.arguments-evaluated
eval "$known"

# ruleid: bash.writable-for-all
chmod -R 777 "$dir"
# ok: bash.writable-for-all
chmod 755 "$dir"

# ruleid: bash.predictable-temporary-file
file=/tmp/build.$$
# ok: bash.predictable-temporary-file
file=$(mktemp /tmp/build.XXXXXX)
# ok: bash.predictable-temporary-file
log=/var/log/build.$$

# ruleid: bash.password-as-argument
sshpass -p "$password" ssh host
# ok: bash.password-as-argument
sshpass -e ssh host

# ruleid: bash.host-key-not-checked
ssh -o StrictHostKeyChecking=no host uptime
# ok: bash.host-key-not-checked
ssh -o StrictHostKeyChecking=accept-new host uptime

# ruleid: bash.key-readable-for-all
chmod 644 ~/.ssh/id_rsa
# ok: bash.key-readable-for-all
chmod 600 ~/.ssh/id_rsa
# ok: bash.key-readable-for-all
chmod 644 ~/.ssh/id_rsa.pub
