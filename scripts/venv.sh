#!/bin/sh
# Make or refresh the environment in .venv: the project (editable) with its development tools, at pinned versions.
# usage: scripts/venv.sh [PYTHON]     without PYTHON the first suitable interpreter on PATH is taken
set -eu
cd -- "$(dirname -- "$0")/.."
stamp=.venv/.installed

usable() {  # 3.11 or newer, and able to create an environment with pip
    "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

describe() {
    "$1" -c 'import sys; print("%s is Python %d.%d.%d" % ((sys.argv[1],) + sys.version_info[:3]))' "$1" 2>/dev/null ||
        echo "$1 does not run"
}

choose() {
    for candidate in python3 python3.13 python3.12 python3.11 python3.14; do
        if usable "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    {
        echo "am-dbg needs Python 3.11 or newer, with the venv and ensurepip modules; none was found:"
        for candidate in python3 python3.13 python3.12 python3.11 python3.14; do
            if command -v "$candidate" >/dev/null 2>&1; then echo "  $(describe "$candidate")"; fi
        done
        echo "Install one (Debian and Ubuntu: apt install python3 python3-venv) or name one: make PYTHON=/path/to/python3.12"
    } >&2
    return 1
}

if [ -n "${1:-}" ]; then
    python=$1
    if ! usable "$python"; then
        echo "$(describe "$python"), but am-dbg needs 3.11 or newer, with the venv and ensurepip modules." >&2
        exit 1
    fi
else
    python=$(choose)
fi

rm -f "$stamp"
# An environment whose interpreter has gone, or is too old, cannot be mended: make it anew.
if ! usable .venv/bin/python; then
    rm -rf .venv
    "$python" -m venv .venv
fi

echo "Installing am-dbg and its tools into .venv ($(describe .venv/bin/python | sed 's/.* is //'); under a minute on most machines) ..."
# Settings of the caller that would lead pip out of the environment.
unset PYTHONHOME PYTHONPATH PIP_TARGET PIP_PREFIX PIP_USER PIP_ROOT || true
.venv/bin/python -m pip install --quiet --quiet --disable-pip-version-check --no-input \
    --constraint constraints.txt --editable '.[dev]'
pwd -P > "$stamp"
