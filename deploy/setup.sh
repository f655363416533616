#!/bin/sh
# Make .venv from uv.lock with the system's Python.  Quick and harmless when nothing changed.
set -eu
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
uv_version=0.13.8

say() { printf '%s\n' "$*" >&2; }

command -v "$python" >/dev/null || { say "Python is missing: apt-get install python3 python3-venv"; exit 1; }
"$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' ||
  { say "$python is $("$python" -V 2>&1); Python 3.11 to 3.13 is needed (set PYTHON=python3.x)"; exit 1; }
"$python" -c 'import ensurepip, venv' 2>/dev/null ||
  { say "Python's venv is missing: apt-get install python3-venv"; exit 1; }

# Caches go to the home folder where it can be written to, else below .venv.
if [ ! -d "${HOME:-}" ] || [ ! -w "${HOME:-}" ]; then
  export PIP_NO_CACHE_DIR=1 UV_CACHE_DIR="$PWD/.venv/.cache"
fi
export PIP_DISABLE_PIP_VERSION_CHECK=1 UV_PYTHON_DOWNLOADS=never UV_LINK_MODE=copy
# The machine's certificates, where it has them, count for uv and pip as for every other program.
certificates=/etc/ssl/certs/ca-certificates.crt
[ -r "$certificates" ] && export UV_NATIVE_TLS=1 PIP_CERT="${PIP_CERT:-$certificates}"
unset VIRTUAL_ENV PYTHONHOME

if ! .venv/bin/python -c '' 2>/dev/null; then
  say "Making .venv with $("$python" -V)"
  "$python" -m venv --clear .venv
fi
if [ "$(.venv/bin/uv --version 2>/dev/null | cut -d' ' -f2)" != "$uv_version" ]; then
  say "Installing uv $uv_version into .venv"
  .venv/bin/python -m pip install --quiet "uv==$uv_version"
fi
say "Installing the packages of uv.lock"
.venv/bin/uv sync --frozen --quiet --inexact --group third-party --python .venv/bin/python
touch .venv/.ready
