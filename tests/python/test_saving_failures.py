# SPDX-License-Identifier: Apache-2.0
"""Session.save and Session.load where something goes wrong: files, servers, clients, limits."""

import io
import os
import resource
import signal
import subprocess
import sys
import threading

import pytest

import unity
from conftest import wait_until
from test_saving import needs_descriptors, saved


@pytest.fixture
def path(tmp_path):
    return tmp_path / "saved"


def test_saving_that_fails_leaves_what_was_there(session, path):
    session.save("before", path)
    with pytest.raises(unity.WrongType, match="functions cannot be saved"):
        session.save([1, b"x" * 5_000_000, lambda: 1], path)
    assert session.load(path) == "before"
    assert os.listdir(path.parent) == ["saved"]
    with pytest.raises(FileNotFoundError):
        session.save(1, path.parent / "nowhere" / "x")
    with pytest.raises(FileNotFoundError):
        session.load(path.parent / "nothing")
    with pytest.raises(IsADirectoryError):
        session.save(1, path.parent)


@pytest.mark.parametrize("given", [5, None, [1]])
def test_what_is_neither_path_nor_file_is_refused(session, given):
    with pytest.raises(unity.WrongType, match=r"save\(\) takes a path, or a file with write\(\)"):
        session.save(1, given)
    with pytest.raises(unity.WrongType, match=r"load\(\) takes a path, or a file with read\(\)"):
        session.load(given)


def test_text_files_are_refused(session, path):
    with open(path, "w+") as file:
        with pytest.raises(unity.WrongType, match="mode 'wb'"):
            session.save(1, file)
        with pytest.raises(unity.WrongType, match="mode 'rb'"):
            session.load(file)


def test_what_a_file_raises_is_raised(session):
    class Broken:
        def write(self, piece):
            raise ZeroDivisionError("write")

        def read(self, size):
            raise ZeroDivisionError("read")

    with pytest.raises(ZeroDivisionError, match="write"):
        session.save(1, Broken())
    with pytest.raises(ZeroDivisionError, match="read"):
        session.load(Broken())


def test_damaged_files_leave_the_session_usable(session, path):
    session.save([1, b"x" * 3_000_000], path)
    whole = path.read_bytes()
    for name, content, text in [
        ("empty", b"", "is empty"),
        ("other", b"hello, world, how are you", "was not written by"),
        ("cut", whole[:-1], "ends too early"),
        ("half", whole[: len(whole) // 2], "ends too early"),
        ("flipped", whole[:2_000_000] + b"y" + whole[2_000_001:], "is damaged"),
    ]:
        file = path.with_name(name)
        file.write_bytes(content)
        with pytest.raises(unity.InvalidArgument, match=text) as caught:
            session.load(file)
        assert caught.value.where == "Session.load"
        with pytest.raises(ValueError, match=text):
            session.load(io.BytesIO(content))
    newer = path.with_name("newer")
    newer.write_bytes(whole[:8] + b"\x07" + whole[9:])
    with pytest.raises(unity.NotSupported, match="newer version"):
        session.load(newer)
    assert session.load(path)[0] == 1


def test_types_that_do_not_say_how_are_refused(typed, path):
    with pytest.raises(unity.WrongType, match="a 'saved.Unsaved' cannot be saved"):
        typed.save([typed.types.saved.Unsaved()], path)


def test_types_that_the_server_has_not_are_named(typed, private):
    content = saved(typed, typed.types.saved.Model([1.0]))
    with pytest.raises(unity.UnknownName, match="holds a 'saved.Model', a type that this server"):
        private.load(io.BytesIO(content))


def test_a_part_of_a_model_may_be_implemented_in_python(typed, path):
    model = typed.types.saved.Model([1.0, 2.0, 3.0])

    def part(count):
        assert model.weights == [1.0, 2.0, 3.0]  # a call inside of save(), into the same object
        return b"three" * count

    model.set_part(part)
    typed.save(model, path)
    model.set_part(lambda count: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        typed.save(model, path)
    again = typed.load(path)
    assert again.weights == [1.0, 2.0, 3.0]
    assert again.part == b"three" * 3


def test_objects_of_another_session_are_saved_too(shared, path):
    with shared.connect() as one, shared.connect() as other:
        counter = one.types.Counter(start=3)
        other.save(counter, path)
        assert other.load(path).value == 3


def test_loaded_bytes_count_for_the_quota_of_the_session(own_server, path):
    server = own_server("--bulk-mib", "8")
    with server.connect() as session:
        session.save(b"x" * (4 << 20), path)
        session.load(path)
        holder = session.types.Holder()
        holder.zeros(2 << 20)  # 16 MiB that nobody has sent
        session.save(holder, path)
        with pytest.raises(unity.QuotaExceeded):
            session.load(path)
        assert session.ping() >= 0


@needs_descriptors
def test_files_that_are_given_and_not_used_are_few(own_server, path):
    from unity import _core

    server = own_server()
    path.write_bytes(b"")
    with server.connect() as session, open(path, "rb") as file:
        before = session.stats()["fds"]
        for _ in range(16):
            assert _core.give_file(session._connection, file.fileno()) > 0
        assert session.stats()["fds"] == before + 16
        with pytest.raises(unity.QuotaExceeded, match="16 files"):
            _core.give_file(session._connection, file.fileno())
    with server.connect() as session:
        assert wait_until(lambda: session.stats()["fds"] <= before)


@needs_descriptors
def test_a_limit_of_file_sizes_is_an_error_and_no_end_of_the_server(path):
    with unity.launch(diagnostics=True) as session:
        _, hard = resource.prlimit(session.server_pid, resource.RLIMIT_FSIZE)
        resource.prlimit(session.server_pid, resource.RLIMIT_FSIZE, (1 << 20, hard))
        with pytest.raises(OSError, match="File too large") as caught:
            session.save(b"x" * (4 << 20), path)
        assert caught.value.errno == 27
        assert session.ping() >= 0


class Stuck:
    """A file that lets nobody on."""

    def __init__(self):
        self.is_reached = threading.Event()
        self.may_go_on = threading.Event()

    def write(self, piece):
        self.is_reached.set()
        assert self.may_go_on.wait(30)

    def read(self, size):
        self.write(b"")
        return b""


def test_a_session_that_is_closed_ends_saving(shared):
    stuck = Stuck()
    session = shared.connect()
    caught = []

    def save():
        with pytest.raises(unity.ConnectionLost) as error:
            session.save(1, stuck)
        caught.append(error.value)

    thread = threading.Thread(target=save)
    thread.start()
    assert stuck.is_reached.wait(30)
    session.close()
    stuck.may_go_on.set()
    thread.join()
    assert len(caught) == 1


def test_a_server_that_dies_leaves_the_file_as_it_was(path):
    path.write_bytes(b"before")
    with unity.launch(server_binary=None) as session:

        class Killing(io.RawIOBase):
            def writable(self):
                return True

            def write(self, piece):
                os.kill(session.server_pid, signal.SIGKILL)
                return len(piece)

        with pytest.raises(unity.ServerCrashed):
            session.save(b"x" * 5_000_000, Killing())
        with pytest.raises(unity.ConnectionLost):
            session.save(1, path)
    assert path.read_bytes() == b"before"
    assert os.listdir(path.parent) == ["saved"]


def test_a_client_that_is_killed_leaves_no_half_a_file(shared, path):
    path.write_bytes(b"before")
    code = """
import os, signal, sys, unity
from unity import _files
class Cut(Exception): pass
session = unity.connect(sys.argv[1])
give = _files._core.give_file
def die(connection, fd):
    give(connection, fd)
    os.kill(os.getpid(), signal.SIGKILL)
_files._core.give_file = die
_files._writer_of = lambda file: lambda piece: os.kill(os.getpid(), signal.SIGKILL)
session.save(b"x" * 5_000_000, sys.argv[2])
"""
    done = subprocess.run([sys.executable, "-c", code, shared.address, str(path)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert path.read_bytes() == b"before"
    assert os.listdir(path.parent) == ["saved"]


def test_ctrl_c_ends_saving_and_leaves_the_session_usable(script, path):
    program = script(
        """
        import signal, sys, unity
        signal.signal(signal.SIGINT, signal.default_int_handler)
        class Endless:
            def read(self, size):
                print("reading", flush=True)
                while True:
                    signal.pause()
        with unity.launch() as session:
            try:
                session.load(Endless())
            except KeyboardInterrupt:
                print("interrupted", session.ping() >= 0, flush=True)
        """
    )
    assert program.line() == "reading"
    program.process.send_signal(signal.SIGINT)
    assert program.line() == "interrupted True"
    assert program.finish()[0] == 0
