#!/bin/sh
# Make the keys and passwords that compose.yml mounts, each of 32 random bytes. What is there already stays.
#
# The files can be read by all because containers have users of their own; the folder lets nobody else in.
set -eu

folder=${1:-"$(dirname "$0")/secrets"}
mkdir -p "$folder"
chmod 700 "$folder"

for name in \
    master.key token.key notary.key \
    postgres.password tarikh.password tarikh_vault.password tarikh_api.password tarikh_worker.password
do
    if [ -e "$folder/$name" ]; then
        echo "kept $folder/$name"
        continue
    fi
    head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \n' >"$folder/.$name"
    chmod 444 "$folder/.$name"
    mv "$folder/.$name" "$folder/$name"
    echo "made $folder/$name"
done

echo "Keep a copy of master.key away from every backup of the database: without it no patient can be read."
