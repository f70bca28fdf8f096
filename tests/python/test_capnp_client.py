# SPDX-License-Identifier: Apache-2.0
"""The example client in plain pycapnp drives the shipped server with the schema alone."""

import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SERVER = ROOT / "client" / "unity" / "bin" / "unity_server"


def test_a_plain_capnp_client_counts_runs_a_toolkit_and_sees_a_fault(tmp_path):
    pytest.importorskip("capnp", reason="pycapnp is not installed")
    path = tmp_path / "broker.sock"
    with subprocess.Popen(
        [SERVER, "--listen", f"unix:{path}", "--log-level", "error"],
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        try:
            assert server.stdout.readline() == f"listening on unix:{path}\n"
            example = ROOT / "examples" / "capnp_client.py"
            schema = ROOT / "cppipc" / "schema" / "broker.capnp"
            done = subprocess.run(
                [sys.executable, example, schema, path],
                capture_output=True,
                text=True,
                timeout=60,
            )
        finally:
            server.terminate()
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[:3] == ["counter: 8", "counter: 12", "demo_addone: {'x': 2.5}"]
    assert lines[3].startswith("fault: ")
    assert server.returncode == 0
