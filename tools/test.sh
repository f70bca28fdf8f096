#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Sets up, builds, and runs the tests; arguments go to tools/run_tests.py.
# A build that fails does not keep the other tests from running.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
wanted=--tests
for argument in "$@"; do
  if [[ "$argument" == --all ]]; then wanted=--all-tests; fi
done
tools/setup.sh "$wanted" || exit 1
built=0
tools/build.sh || built=1
.venv/bin/python tools/run_tests.py "$@" && exit "$built"
exit 1
