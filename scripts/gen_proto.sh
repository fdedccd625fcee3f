#!/bin/sh
# Generates proto/am_proto/telemetry_pb2.py and .pyi from telemetry.proto.
#
# An old compiler on purpose: generated code refuses to load on a protobuf runtime older than its compiler, and
# newer runtimes accept older code. The compiler lives in a throw-away environment, so it never meets the project's
# own packages. PYTHON selects the interpreter; the compiler has wheels for CPython 3.8 to 3.12 only.
set -eu

cd "$(dirname "$0")/.."
python=${PYTHON:-}
if [ -z "$python" ]; then
    for candidate in python3.12 python3.11 python3 .venv/bin/python; do
        if command -v "$candidate" >/dev/null 2>&1 &&
            "$candidate" -c 'import sys, venv, ensurepip; raise SystemExit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null; then
            python=$candidate
            break
        fi
    done
fi
if [ -z "$python" ]; then
    echo "gen_proto.sh: needs Python 3.11 or 3.12 with venv; set PYTHON to its path" >&2
    exit 1
fi

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"$python" -m venv "$scratch/venv"
"$scratch/venv/bin/pip" install --quiet --disable-pip-version-check 'grpcio-tools==1.68.1' 'setuptools<81'
"$scratch/venv/bin/python" -m grpc_tools.protoc --proto_path=proto --python_out=proto --pyi_out=proto \
    proto/am_proto/telemetry.proto

# The compiler writes bare Mapping types, which strict type checkers refuse.
stub=proto/am_proto/telemetry_pb2.pyi
{ echo '# mypy: disable-error-code="type-arg"'; cat "$stub"; } >"$scratch/stub"
cat "$scratch/stub" >"$stub"
