# SPDX-License-Identifier: Apache-2.0
"""`python -m unity serve`: it becomes the server."""

import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

import unity
from commands import environment, started
from conftest import DEADLINE_S, SERVER, SharedServer
from unity._server_command import server_arguments


@pytest.fixture
def serve():
    """Starts `python -m unity serve …`; what still runs after the test is killed."""
    with started() as start:
        yield lambda *arguments, **variables: start(
            "serve", *arguments, env=environment(**variables)
        )


def line_of(process):
    return process.stdout.readline().rstrip("\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_listens_at_each_address_until_a_signal_ends_it(serve, tmp_path, number):
    addresses = [f"unix:{tmp_path}/{name}.sock" for name in "ab"]
    process = serve(*addresses, "--", "--diagnostics")
    assert [line_of(process) for _ in addresses] == [f"listening on {one}" for one in addresses]
    for address in addresses:
        with unity.connect(address) as session:
            assert session.server_pid == process.pid  # the very process, with its options
            assert session.toolkits.diagnostics.echo(1) == 1
    process.send_signal(number)
    assert process.wait(DEADLINE_S) == 0
    assert not any(tmp_path.iterdir())  # the server has removed its sockets


def ignored(pid):
    return re.search(r"SigIgn:\s+(\w+)", Path(f"/proc/{pid}/status").read_text())[1]


def test_it_has_the_signals_of_a_server_that_a_shell_starts(serve, tmp_path):
    process = serve(f"unix:{tmp_path}/a.sock")
    assert line_of(process).startswith("listening on ")
    server = SharedServer(tmp_path / "b.sock", transport="unix")
    try:
        assert ignored(process.pid) == ignored(server.process.pid)
    finally:
        server.end()


def test_what_it_prints_and_its_status_are_the_servers(serve):
    for arguments in (["--listen=nonsense"], ["--nothing"], ["--version"], ["--help"]):
        own = subprocess.run(
            [SERVER, *arguments], capture_output=True, text=True, timeout=DEADLINE_S
        )
        process = serve("--", *arguments)
        out, err = process.communicate(timeout=DEADLINE_S)
        strip = re.compile(r"\S*\d\d:\d\d:\d\d\S*|\b\d+\b")  # times and process ids
        assert process.returncode == own.returncode
        assert strip.sub("", out) == strip.sub("", own.stdout)
        assert strip.sub("", err) == strip.sub("", own.stderr)


def test_without_an_address_it_listens_in_a_directory_of_this_user(serve, tmp_path):
    first = serve(XDG_RUNTIME_DIR=str(tmp_path), HOME="/nonexistent")
    assert line_of(first) == f"listening on unix:{tmp_path}/unity.sock"
    second = serve(HOME=str(tmp_path))
    assert line_of(second) == f"listening on unix:{tmp_path}/.unity.sock"


@pytest.mark.parametrize(
    ("words", "arguments"),
    [
        (["unix:a", "tcp:b:1"], ["--listen=unix:a", "--listen=tcp:b:1"]),
        (["unix:a", "--set", "x=1"], ["--listen=unix:a", "--set", "x=1"]),
        (["--listen", "unix:a"], ["--listen", "unix:a"]),
        (["--listen=unix:a", "--diagnostics"], ["--listen=unix:a", "--diagnostics"]),
        (["--inherited-fd=3"], ["--inherited-fd=3"]),
        (["--config", "unity.toml"], ["--config", "unity.toml"]),
        (["--diagnostics"], ["--listen=unix:/run/me/unity.sock", "--diagnostics"]),
        ([], ["--listen=unix:/run/me/unity.sock"]),
    ],
)
def test_addresses_come_first_and_the_rest_are_options(words, arguments, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/me")
    assert server_arguments(words) == arguments


@pytest.mark.parametrize(
    ("binary", "text"),
    [
        ("/nonexistent/server", "unity_server: cannot run /nonexistent/server: No such file"),
        ("/", "Error: ServerNotExecutable: the server binary '/' is a directory"),
    ],
)
def test_a_server_that_cannot_be_run_is_one_line(serve, binary, text):
    process = serve(f"unix:{os.devnull}", UNITY_SERVER_BINARY=binary)
    out, err = process.communicate(timeout=DEADLINE_S)
    assert (process.returncode, out) == (1, "")
    assert err.startswith(text) and len(err.splitlines()) == 1
