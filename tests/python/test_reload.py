# SPDX-License-Identifier: Apache-2.0
"""SIGHUP: the log file, the configuration file, and what a closed terminal means."""

import os
import pty
import signal
import subprocess

import pytest

import unity
from conftest import DEADLINE_S, SERVER
from http_server import StatusServer


@pytest.fixture
def start(tmp_path):
    """Makes servers with a status endpoint; they are killed after the test."""
    started = []

    def make(*options):
        started.append(StatusServer(tmp_path / f"{len(started)}.sock", *options))
        return started[-1]

    yield make
    for server in started:
        server.kill()


def reload(server, eventually):
    """Asks for a reload and waits for it."""
    before = server.figures()["reloads"]
    server.process.send_signal(signal.SIGHUP)
    eventually(lambda: server.figures()["reloads"] > before)


def test_sessions_go_on(start, eventually):
    server = start()
    with server.session() as session:
        counter = session.types.Counter(start=5)
        for _ in range(3):
            reload(server, eventually)
        assert counter.increment(by=1) == 6
    assert server.figures()["reloads"] == 3
    status, log = server.stop()
    assert status == 0 and log.count("reloading: SIGHUP") == 3


def test_a_log_file_that_was_moved_away_is_made_anew(start, eventually, tmp_path):
    log = tmp_path / "server.log"
    server = start("--log-file", log)
    log.rename(tmp_path / "old.log")
    reload(server, eventually)
    server.session().close()
    eventually(lambda: "session 1 ended" in log.read_text())
    old = (tmp_path / "old.log").read_text()
    assert "listening on" in old and "session 1" not in old
    assert "listening on" not in log.read_text()


def test_a_log_file_that_cannot_be_made_anew_is_told_and_the_old_one_goes_on(
    start, eventually, tmp_path
):
    log = tmp_path / "server.log"
    server = start("--log-file", log)
    log.rename(tmp_path / "old.log")
    log.mkdir()
    reload(server, eventually)
    assert server.figures()["reloads_failed"] == 1
    assert "cannot reload the log file: " in (tmp_path / "old.log").read_text()
    server.session().close()
    eventually(lambda: "session 1 ended" in (tmp_path / "old.log").read_text())


def test_the_level_comes_from_the_configuration_file(start, eventually, tmp_path):
    config = tmp_path / "unity.toml"
    config.write_text('log-level = "info"\n')
    server = start("--config", config)
    with server.session() as session:
        settings = session.server.settings
        assert settings["log.level"] == "info"
        config.write_text('log-level = "warning"\ndrain-s = 77\n')
        reload(server, eventually)
        assert settings["log.level"] == "warning"
        config.write_text("nonsense\n")
        reload(server, eventually)
        assert settings["log.level"] == "warning"
        config.write_text("# no level\n")
        reload(server, eventually)
        assert settings["log.level"] == "warning"
    assert server.figures()["reloads_failed"] == 1
    status, log = server.stop()
    assert status == 0
    assert f"cannot reload the configuration file: {config}: line 1: expected" in log


def test_a_level_of_the_command_line_stays(start, eventually, tmp_path):
    config = tmp_path / "unity.toml"
    config.write_text('log-level = "error"\n')
    server = start("--config", config, "--log-level", "debug")
    reload(server, eventually)
    with server.session() as session:
        assert session.server.settings["log.level"] == "debug"


def test_to_a_private_server_it_is_the_end():
    with unity.launch() as session:
        os.kill(session.server_pid, signal.SIGHUP)
        with pytest.raises(unity.ConnectionLost):
            while True:
                session.ping()


def server_in_a_terminal(address):
    """Starts a server as the leader of a terminal of its own; its pid and the terminal's master."""
    pid, master = pty.fork()
    if pid == 0:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)  # also if the tests were started with nohup
        os.execv(SERVER, [str(SERVER), "--listen", address])
    return pid, master


def test_a_server_that_was_started_with_nohup_outlives_its_terminal(tmp_path, eventually):
    log = tmp_path / "server.log"
    pid, master = pty.fork()
    if pid == 0:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        options = ["--listen", f"unix:{tmp_path}/u", "--log-file", str(log)]
        os.execv(SERVER, [str(SERVER), *options])
    try:
        read_until(master, b"listening on unix:")
    finally:
        os.close(master)
    try:
        eventually(lambda: "reloading: SIGHUP" in log.read_text())
        with unity.connect(f"unix:{tmp_path}/u") as session:
            assert session.server_pid == pid
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def read_until(master, text):
    shown = b""
    while text not in shown:
        shown += os.read(master, 4096)
    return shown


def test_the_end_of_its_terminal_ends_the_server_but_a_signal_in_a_living_one_reloads(tmp_path):
    pid, master = server_in_a_terminal(f"unix:{tmp_path}/u")
    try:
        read_until(master, b"listening on unix:")
        os.kill(pid, signal.SIGHUP)
        read_until(master, b"reloading: SIGHUP")
        with unity.connect(f"unix:{tmp_path}/u") as session:
            assert session.server_pid == pid
    finally:
        os.close(master)
    # Nobody else sends a signal: the kernel does.
    pidfd = os.pidfd_open(pid)
    try:
        assert wait_for_end(pidfd)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    finally:
        os.close(pidfd)
    assert not (tmp_path / "u").exists()


def wait_for_end(pidfd):
    import select

    return bool(select.select([pidfd], [], [], DEADLINE_S)[0])


def test_help_tells_what_the_signal_does():
    text = subprocess.run([SERVER, "--help"], capture_output=True, text=True).stdout
    assert "SIGHUP reloads" in text
