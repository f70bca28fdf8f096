# SPDX-License-Identifier: Apache-2.0
"""Servers that cannot be launched: each is a typed error within bounded time, and nothing stays."""

import errno
import os
import shutil
import signal
import sys
from pathlib import Path

import pytest

import unity
from conftest import SERVER, descriptors


@pytest.fixture
def binary(tmp_path):
    """Writes a file that is to be launched; returns its path."""

    def write(content, mode=0o755):
        path = tmp_path / "server"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        path.chmod(mode)
        return path

    return write


def launch_error(path, timeout_s=20, **options):
    """The LaunchError that launching `path` gives."""
    with pytest.raises(unity.LaunchError) as raised:
        unity.launch(server_binary=path, timeout_s=timeout_s, **options)
    return raised.value


def is_alive(pid):
    """Whether a process runs: zombies do not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_missing_binary(tmp_path):
    error = launch_error(tmp_path / "nothing")
    assert type(error) is unity.ServerNotFound
    assert isinstance(error, FileNotFoundError) and error.errno == errno.ENOENT
    assert f"there is no server binary at '{tmp_path / 'nothing'}'" in str(error)


def test_a_path_through_a_file(binary):
    error = launch_error(binary("x") / "server")
    assert type(error) is unity.ServerNotFound
    assert isinstance(error, FileNotFoundError)


def test_a_file_that_is_not_executable(binary):
    path = binary(SERVER.read_bytes(), mode=0o644)
    error = launch_error(path)
    assert type(error) is unity.ServerNotExecutable
    assert isinstance(error, PermissionError) and str(path) in str(error)


def test_a_directory(tmp_path):
    error = launch_error(tmp_path)
    assert type(error) is unity.ServerNotExecutable
    assert "is a directory" in str(error)


def elf_of_no_machine():
    """The server's binary, for a processor that nobody has made."""
    content = bytearray(SERVER.read_bytes())
    content[18:20] = b"\xfe\xed"
    return bytes(content)


UNLOADABLE = {
    "another architecture": elf_of_no_machine,
    "a text": lambda: b"not a program\n",
    "nothing": lambda: b"",
}


@pytest.mark.parametrize("name", UNLOADABLE)
def test_a_file_that_is_no_program(binary, name):
    path = binary(UNLOADABLE[name]())
    error = launch_error(path)
    assert type(error) is unity.ServerNotExecutable
    assert error.errno == errno.ENOEXEC and str(path) in str(error)


def test_a_script_without_its_interpreter(binary):
    """The file is there, so the error must not say that it is missing."""
    path = binary("#!/nowhere/sh\n")
    error = launch_error(path)
    assert type(error) is unity.ServerNotExecutable
    assert str(path) in str(error) and "interpreter" in str(error)


def test_a_server_that_fails_at_its_start(binary):
    error = launch_error(binary("#!/bin/sh\necho starting\necho out of luck >&2\nexit 1\n"))
    assert type(error) is unity.LaunchError
    assert "exited with status 1 at its start" in str(error)
    assert str(error).endswith("its last lines:\nstarting\nout of luck")


def test_a_program_that_is_no_server():
    error = launch_error(shutil.which("true"))
    assert "exited with status 0 at its start" in str(error)


# A sanitizer that is loaded into every program makes a SIGSEGV an exit status.
SEGV = pytest.param(
    "SEGV",
    marks=pytest.mark.skipif(
        "UNITY_TEST_SANITIZED" in os.environ, reason="AddressSanitizer handles SIGSEGV itself"
    ),
)


@pytest.mark.parametrize("name", [SEGV, "ABRT", "KILL"])
def test_a_server_that_crashes_at_its_start(binary, name):
    error = launch_error(binary(f"#!/bin/sh\necho last words\nkill -{name} $$\n"))
    assert f"was killed by SIG{name} at its start" in str(error)
    assert "last words" in str(error)


def test_a_server_that_never_answers(binary, tmp_path, eventually):
    started = tmp_path / "started"
    path = binary(
        f"#!/bin/sh\nsleep 1000 &\necho $$ $! > {started}.new\nmv {started}.new {started}\nwait\n"
    )
    error = launch_error(path, timeout_s=0.5)
    assert "is of no use" in str(error) and "did not answer within 0.5" in str(error)
    if started.exists():  # a loaded machine may not have come so far
        for pid in map(int, started.read_text().split()):
            eventually(lambda pid=pid: not is_alive(pid))


def test_a_server_that_closes_its_socket_and_lives_on(binary):
    error = launch_error(binary("#!/bin/sh\necho bye\nexec 3>&-\nexec sleep 1000\n"))
    assert "is of no use" in str(error) and "bye" in str(error)


NONSENSE = {
    "a text": b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "0xFFFFFFFF": b"\xff" * 64,
    "empty message": b"\0" * 8,
    "null pointer": b"\0\0\0\0\x01\0\0\0" + b"\0" * 8,
}


@pytest.mark.parametrize("name", NONSENSE)
def test_a_server_that_answers_nonsense(binary, name):
    code = f"import os, time\nos.write(3, {NONSENSE[name]!r})\ntime.sleep(1000)\n"
    error = launch_error(binary(f"#!{sys.executable}\n{code}"), timeout_s=2)
    assert "is of no use" in str(error)


WRONG_OPTIONS = {
    "unknown": ({"no_such_option": True}, "--no-such-option"),
    "no number": ({"drain_s": "soon"}, "--drain-s"),
    "out of range": ({"message_mib": 0}, "--message-mib"),
    "no address": ({"listen": "http://x"}, "http://x"),
}


@pytest.mark.parametrize("name", WRONG_OPTIONS)
def test_a_wrong_server_option(name):
    options, text = WRONG_OPTIONS[name]
    with pytest.raises(unity.LaunchError) as raised:
        unity.launch(**options)
    assert "exited with status 2 at its start" in str(raised.value)
    assert text in str(raised.value)


def test_the_directories_of_a_log_file_are_made(tmp_path):
    path = tmp_path / "missing" / "too" / "log"
    with unity.launch(log_file=path) as session:
        assert session.ping() > 0
    assert "session 1 began" in path.read_text()


def test_a_log_file_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(unity.LaunchError, match="exited with status 1"):
        unity.launch(log_file=tmp_path / "file" / "log")


def test_a_launch_on_the_address_of_a_live_server(own_server):
    address = own_server().address
    with pytest.raises(unity.LaunchError) as raised:
        unity.launch(listen=address)
    assert "exited with status 1 at its start" in str(raised.value)
    assert "already listening" in str(raised.value)


def test_the_path_may_come_from_the_environment(binary, monkeypatch):
    monkeypatch.setenv("UNITY_SERVER_BINARY", str(binary("#!/bin/sh\necho hello\nexit 4\n")))
    with pytest.raises(unity.LaunchError, match="exited with status 4(.|\n)*hello"):
        unity.launch()


@pytest.mark.parametrize("timeout_s", [-1, float("nan"), "soon", True])
def test_a_wrong_timeout_starts_nothing(binary, tmp_path, timeout_s):
    path = binary(f"#!/bin/sh\ntouch {tmp_path}/started\nexit 1\n")
    with pytest.raises((unity.InvalidArgument, unity.WrongType), match="timeout_s"):
        unity.launch(server_binary=path, timeout_s=timeout_s)
    assert not (tmp_path / "started").exists()


@pytest.mark.parametrize("timeout_s", [1e300, float("inf"), None])
def test_an_endless_timeout(timeout_s):
    with unity.launch(timeout_s=timeout_s) as session:
        assert session.ping() > 0


def test_too_few_descriptors(run_script):
    """Whichever descriptor is the one too many: an error of ours, and nothing stays."""
    run_script(
        """
        import os, resource
        import unity

        with unity.launch():
            pass  # what a process opens once is open now

        def descriptors():
            return sorted(os.listdir("/proc/self/fd"))

        before = descriptors()
        used = len(before) - 1  # the listing itself uses one
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        failures = 0
        for spare in range(40):
            resource.setrlimit(resource.RLIMIT_NOFILE, (used + spare, most))
            try:
                session = unity.launch(timeout_s=20)
            except unity.LaunchError as error:
                told = ("descriptor", "Too many open files")  # ours, the server's
                assert any(words in str(error) for words in told), error
                failures += 1
            else:
                session.close()
                break
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
            assert descriptors() == before, spare
            assert not open("/proc/self/task/%d/children" % os.getpid()).read()
        assert 3 < failures < 39, failures
        """
    )


def test_failures_leave_the_process_as_it_was(binary):
    path = binary("#!/bin/sh\nexit 1\n")
    before = sorted(descriptors())
    for _ in range(10):
        launch_error(path)
    assert sorted(descriptors()) == before
    assert signal.getsignal(signal.SIGCHLD) == signal.SIG_DFL
    with unity.launch() as session:
        assert session.run("demo_addone", {"x": 1}) == {"x": 2}
        assert os.getpid() != session.server_pid
