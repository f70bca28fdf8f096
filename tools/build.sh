#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds the server and the Python package for use in place: build/release, and client/unity with
# the compiled modules, libcppipc.so and bin/unity_server beside the Python sources.
# Nothing is compiled that is up to date.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
python="$PWD/.venv/bin/python"
jobs="$(nproc)"

# A tree that was copied or moved brings a build that still compiles the sources of where it was.
home="$(sed -n 's/^CMAKE_HOME_DIRECTORY:INTERNAL=//p' build/release/CMakeCache.txt 2>/dev/null)" ||
  true
if [[ -n "$home" && ! "$home" -ef . ]]; then
  echo "build: starting afresh; what is in build/release was built in $home"
  rm -rf build/release
fi
# Touched at the end of a whole build.
stamp=build/release/python.stamp
if [[ ! -f "$stamp" ]]; then
  echo "build: compiling the server and the Python package; the first time takes some minutes"
fi

# `pip install .` may have configured it without the tests.
if [[ ! -f build/release/build.ninja ]] ||
  ! grep -q '^CPPIPC_TESTS:BOOL=ON' build/release/CMakeCache.txt; then
  cmake -S . -B build/release -G Ninja --log-level=WARNING -Wno-dev -DCPPIPC_TESTS=ON >/dev/null
fi
ninja -C build/release --quiet -j "$jobs" unity_server cppipc_shared

# The editable install makes `import unity` work in .venv; it refers to this place, and its metadata
# comes from these two files.
installed="$(cat setup.py pyproject.toml <(echo "$PWD") | sha256sum)"
if [[ "$(cat .venv/installed 2>/dev/null)" != "$installed" ]]; then
  "$python" -m pip install -q --disable-pip-version-check --no-build-isolation --no-deps -e .
  echo "$installed" >.venv/installed
  touch "$stamp"
  exit 0
fi

if [[ ! -f "$stamp" || ! -x client/unity/bin/unity_server || ! -f client/unity/libcppipc.so ||
  ! -f client/unity/libcppipc_tls.so ]] ||
  [[ -n "$(find cython cppipc/include client/unity/_stub*.py build/release/server/unity_server \
    build/release/cppipc/libcppipc.so build/release/cppipc/libcppipc_tls.so \
    -newer "$stamp" -not -type d -print -quit)" ]]; then
  "$python" setup.py --quiet build_ext --inplace
  touch "$stamp"
fi
