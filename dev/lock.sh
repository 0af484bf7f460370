#!/bin/sh
# Resolve requirements/*.in into hash-locked *.txt, with a uv of its own that is gone afterwards.
# Versions that are locked stay unless the *.in files forbid them; `--upgrade` takes the newest.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python=$(sh dev/find_python.sh "${PYTHON:-}")
"$python" -m venv "$folder"
"$folder/bin/pip" install --quiet --disable-pip-version-check uv
for name in production local development; do
    "$folder/bin/uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-header --no-annotate --no-emit-index-url "$@" \
        "requirements/$name.in" --output-file "requirements/$name.txt"
done
