#!/bin/sh
# Become `tarikh`, with database passwords where libpq looks for them.
#
# libpq passes over a password file that anybody else may read, which a mounted secret is; so the passwords
# (one file for each login, /run/secrets/LOGIN.password) are gathered into a private file. It lies in memory.
set -eu

secrets=${SECRETS_DIR:-/run/secrets}
if [ -n "${PGPASSFILE:-}" ]; then
    (
        umask 077
        for file in "$secrets"/*.password; do
            if [ -r "$file" ]; then
                printf '*:*:*:%s:%s\n' "$(basename "$file" .password)" "$(cat "$file")"
            fi
        done >"$PGPASSFILE"
    )
fi

exec tarikh "$@"
