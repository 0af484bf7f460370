#!/bin/sh
# Make the files that docker-compose.yml hands to its services as secrets. What is there stays as it is.
# The folder is closed to others from the start. The files in it are not, because a container reads them under another
# user's number; nobody else gets to them through the folder.
set -eu
umask 077
mkdir -p secrets
chmod 700 secrets
printf '*\n' >secrets/.gitignore

random() {
    head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=\n'
}

make_file() {
    [ -s "secrets/$1" ] || { printf '%s\n' "$2" >"secrets/.$1" && mv "secrets/.$1" "secrets/$1"; }
    chmod 644 "secrets/$1"
}

for name in jwt_secret secret_key flower_password postgres_password database_password valkey_password; do
    make_file "$name" "$(random)"
done
postgres_password=$(cat secrets/postgres_password)
valkey_password=$(cat secrets/valkey_password)
owner_url="postgresql://scoreboard:$postgres_password@postgres:5432/scoreboard"
# Versions before had one role for all: where this script wrote that address, the role that serves takes its place.
[ "$(cat secrets/database_url 2>/dev/null)" != "$owner_url" ] || rm secrets/database_url
make_file owner_database_url "$owner_url"
make_file database_url "postgresql://scoreboard_serving:$(cat secrets/database_password)@postgres:5432/scoreboard"
make_file redis_url "redis://:$valkey_password@valkey:6379/0"
make_file valkey.conf "requirepass $valkey_password"
echo "secrets/ is complete: docker compose up --build"
