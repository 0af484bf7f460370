#!/bin/sh
# Prints a Python >= 3.11 that can make virtual environments: the one that is named, or the first that is found.
wanted=${1:-"python3 python3.11 python3.12 python3.13 python3.14 python"}

without_venv=
for python in $wanted; do
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 || continue
    if "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
        command -v "$python"
        exit
    fi
    without_venv="$without_venv $python"
done

if [ -n "$without_venv" ]; then
    package=
    for python in $without_venv; do
        case ${python##*/} in python3.*) package=${package:-${python##*/}-venv} ;; esac
    done
    echo "Found$without_venv, but without the modules venv and ensurepip." >&2
    echo "On Debian and Ubuntu, root installs them once: apt install ${package:-python3-venv}" >&2
else
    echo "No Python >= 3.11 among: $wanted. Install one, or name it: make PYTHON=/path/to/python3" >&2
fi
exit 1
