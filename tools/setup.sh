#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Makes the machine ready to build: Debian packages and the Python environment in .venv/.
# With everything present it only looks, and touches neither the network nor a file.
#
# usage: tools/setup.sh [--tests | --all-tests]
#   --tests also wants what only the tests need, --all-tests also what only the slow ones do.
# PYTHON=/path/to/python3 chooses the interpreter (3.11 or later).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

lists=(tools/debian-packages.txt)
case "${1:-}" in
  --tests) lists+=(tools/debian-packages-test.txt) ;;
  --all-tests) lists+=(tools/debian-packages-test.txt tools/debian-packages-test-all.txt) ;;
esac

# Installs those of the given Debian packages that are missing.
install_missing() {
  local missing=() package
  for package in "$@"; do
    if [[ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" != installed ]]; then
      missing+=("$package")
    fi
  done
  if ((${#missing[@]} == 0)); then return 0; fi
  echo "setup: installing ${missing[*]}"
  local as_root=()
  if ((EUID != 0)); then
    as_root=(sudo)
    if ! command -v sudo >/dev/null; then
      echo "setup: there is no sudo here; as root: apt-get install ${missing[*]}" >&2
      exit 1
    fi
  fi
  "${as_root[@]}" apt-get update -q
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -q -y --no-install-recommends "${missing[@]}"
}

# True when $1 is a Python of 3.11 or later that can make environments and compile extensions.
python_fits() {
  "$1" - <<'PY' >/dev/null 2>&1
import os, sys, sysconfig
import ensurepip, venv
assert sys.version_info >= (3, 11)
assert os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h"))
PY
}

# Prints the interpreter to use; fails when there is none that fits.
find_python() {
  local candidate
  for candidate in ${PYTHON:-python3 /usr/bin/python3}; do
    if python_fits "$candidate"; then
      "$candidate" -c 'import sys; print(sys.executable)'
      return 0
    fi
  done
  return 1
}

if command -v dpkg-query >/dev/null; then
  mapfile -t packages < <(grep -hv '^#' "${lists[@]}")
  install_missing "${packages[@]}"
  if ! find_python >/dev/null && [[ -z "${PYTHON:-}" ]]; then
    install_missing python3 python3-dev python3-venv
  fi
else
  echo "setup: no dpkg here; please install what docs/dependencies.md lists" >&2
fi

if ! python="$(find_python)"; then
  echo "setup: no Python 3.11 or later with venv and headers (PYTHON=${PYTHON:-unset})" >&2
  exit 1
fi
# The path belongs to the stamp because an environment cannot be moved.
stamp="$(cat tools/requirements.txt <("$python" -VV) <(echo "$python $PWD") | sha256sum)"
if [[ "$(cat .venv/stamp 2>/dev/null)" != "$stamp" ]]; then
  echo "setup: creating .venv with $("$python" -V)"
  "$python" -m venv --clear .venv
  .venv/bin/python -m pip install -q --disable-pip-version-check -r tools/requirements.txt
  echo "$stamp" >.venv/stamp
fi
if [[ "${1:-}" == --all-tests ]] &&
  ! cmp -s tools/requirements-test-all.txt .venv/requirements-test-all.txt; then
  .venv/bin/python -m pip install -q --disable-pip-version-check \
    -r tools/requirements-test-all.txt
  cp tools/requirements-test-all.txt .venv/requirements-test-all.txt
fi
