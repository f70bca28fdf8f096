# SPDX-License-Identifier: Apache-2.0
"""Extensions that a running server loads, as its sessions see them."""

import errno
import inspect
import os
import shutil
import subprocess
import threading

import pytest

import unity
from conftest import DEADLINE_S, SERVER, wait_until

NAMES = ["tally.Tally", "tally.crash", "tally.overflow", "tally.version"]


@pytest.fixture
def launched():
    """A session with a server of its own."""
    with unity.launch() as session:
        yield session


@pytest.fixture
def library(tallies, tmp_path):
    """A copy of the first version, which the test may replace."""
    return shutil.copy(tallies.first, tmp_path / "tally.so")


def rebuild(library, build):
    """Puts another build in the place of a library, as a linker does: as another file."""
    shutil.copy(build, f"{library}.new")
    os.replace(f"{library}.new", library)


def test_what_is_loaded_can_be_used_at_once(launched, library):
    assert launched.load_extension(library) == NAMES
    assert launched.toolkits.tally.version() == 1
    assert launched.run("tally.version") == {"result": 1}
    tally = launched.types.tally.Tally(start=3)
    assert tally.add(4) == 7
    twin = tally.twin()
    assert type(twin) is launched.types.tally.Tally
    assert twin.add() == 8
    assert tally.version == 1
    assert "tally" in dir(launched.types)
    assert dir(launched.toolkits.tally) == ["crash", "overflow", "version"]
    assert launched.types.tally.Tally.__doc__ == "A count."
    assert list(inspect.signature(launched.types.tally.Tally).parameters) == ["start"]


def test_a_namespace_that_was_there_before_shows_what_is_loaded(launched, library):
    types, toolkits, server = launched.types, launched.toolkits, launched.server
    assert "tally" not in dir(toolkits)
    assert "tally.version" not in server.functions
    launched.load_extension(library)
    assert toolkits.tally.version() == 1
    assert "tally.version" in server.functions
    assert server.describe("tally.version").doc == "The version that was built."
    assert "tally.Tally" in types
    assert "tally" in dir(types)


def test_a_server_can_be_launched_with_extensions(library):
    with unity.launch(extensions=[library]) as session:
        assert session.toolkits.tally.version() == 1
        with unity.connect(session.address) as other:
            assert other.types.tally.Tally(2).add(2) == 4


def test_sessions_of_other_processes_hear_of_it(launched, library, script):
    program = script(
        """
        import sys, time, unity

        session = unity.connect(sys.argv[1])
        assert "tally" not in dir(session.toolkits)
        print("there", flush=True)
        end = time.monotonic() + 30
        while "tally" not in dir(session.toolkits) and time.monotonic() < end:
            time.sleep(0.005)
        print(session.toolkits.tally.version(), session.types.tally.Tally(1).add(), flush=True)
        """,
        launched.address,
    )
    assert program.line() == "there"
    launched.load_extension(library)
    assert program.finish() == (0, "1 2\n", "")


def test_another_session_may_load_it(launched, library):
    with unity.connect(launched.address) as other:
        assert other.load_extension(library) == NAMES
        assert wait_until(lambda: "tally" in dir(launched.toolkits))
        assert launched.toolkits.tally.version() == 1


def test_what_has_not_changed_stays_the_very_object(launched, library, tallies):
    counter = launched.types.Counter()
    cls, addone = launched.types.Counter, launched.toolkits.demo_addone
    launched.load_extension(library)
    assert launched.types.Counter is cls
    assert isinstance(counter, launched.types.Counter)
    assert launched.toolkits.demo_addone == addone
    assert type(launched.types.Counter()) is cls
    tally = launched.types.tally.Tally
    version = launched.toolkits.tally.version
    assert launched.load_extension(library) == NAMES
    assert launched.types.tally.Tally is tally
    assert launched.toolkits.tally.version == version


def test_a_library_that_was_rebuilt_takes_the_place_of_the_old_one(launched, library, tallies):
    launched.load_extension(library)
    old = launched.types.tally.Tally(10)
    old_class = launched.types.tally.Tally
    with unity.connect(launched.address) as other:
        rebuild(library, tallies.second)
        launched.load_extension(library)
        assert launched.toolkits.tally.version() == 2
        new = launched.types.tally.Tally(10)
        assert new.version == 2
        assert new.reset() == 0
        assert type(new) is not old_class
        # Objects keep their code, and proxies their class.
        assert type(old) is old_class
        assert old.version == 1
        assert old.add(5) == 15
        assert not hasattr(old, "reset")
        assert wait_until(lambda: hasattr(other.types.tally.Tally, "reset"))
        assert other.toolkits.tally.version() == 2


def test_going_back_to_the_first_build_is_a_change_too(launched, library, tallies):
    launched.load_extension(library)
    rebuild(library, tallies.second)
    launched.load_extension(library)
    rebuild(library, tallies.first)
    launched.load_extension(library)
    assert launched.toolkits.tally.version() == 1
    assert launched.types.tally.Tally(1).version == 1
    assert not hasattr(launched.types.tally.Tally, "reset")


def test_a_path_is_seen_from_the_working_directory(launched, library, monkeypatch):
    monkeypatch.chdir(library.parent)
    assert launched.load_extension("tally.so") == NAMES


def test_a_missing_file_is_an_os_error_and_the_server_goes_on(launched, tmp_path):
    with pytest.raises(unity.InputOutputError, match="nothing.so") as raised:
        launched.load_extension(tmp_path / "nothing.so")
    assert isinstance(raised.value, OSError)
    assert raised.value.errno == errno.ENOENT
    assert raised.value.where == "Session.load_extension"
    assert launched.toolkits.demo_addone(x=1) == {"x": 2}


def test_an_entry_point_that_throws_leaves_everything_as_it_was(launched, tallies):
    before = dir(launched.toolkits)
    with pytest.raises(unity.RemoteError, match="the tally is closed"):
        launched.load_extension(tallies.failing)
    assert dir(launched.toolkits) == before
    assert launched.load_extension(tallies.first) == NAMES


@pytest.mark.parametrize("path", [3, None, ["a.so"]])
def test_what_is_no_path_is_refused_without_a_call(launched, path):
    calls = launched.stats()["calls"]
    with pytest.raises(unity.WrongType, match="takes a path"):
        launched.load_extension(path)
    assert launched.stats()["calls"] == calls


@pytest.mark.parametrize("extensions", ["tally.so", b"tally.so", 3])
def test_launch_takes_a_list_of_paths(extensions):
    with pytest.raises(unity.WrongType, match="extensions is a list of paths"):
        unity.launch(extensions=extensions)


def test_a_closed_session_loads_nothing(library):
    session = unity.launch()
    session.close()
    with pytest.raises(unity.ConnectionLost, match="session closed"):
        session.load_extension(library)


def test_a_shared_server_refuses(own_server, library):
    with own_server().connect() as session:
        with pytest.raises(unity.NotPermitted, match="--extension-dir") as raised:
            session.load_extension(library)
        assert isinstance(raised.value, PermissionError)
        assert session.ping() > 0


def test_a_private_server_refuses_while_others_may_come_over_tcp(library, tmp_path):
    with unity.launch(listen="tcp:127.0.0.1:0", insecure_tcp=True) as session:
        with pytest.raises(unity.NotPermitted, match="--extension-dir"):
            session.load_extension(library)
    with unity.launch(listen=f"unix:{tmp_path}/u") as session:
        assert session.load_extension(library) == NAMES


def test_a_shared_server_loads_what_lies_in_its_directory(own_server, tallies, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    shutil.copy(tallies.first, folder / "tally.so")
    (folder / "link.so").symlink_to("tally.so")
    (folder / "out.so").symlink_to(tallies.first)
    (tmp_path / "also_there.so").touch()
    with own_server("--extension-dir", folder).connect() as session:
        for path in ["../also_there.so", tallies.first, "/etc/passwd", "out.so", "../nothing.so"]:
            with pytest.raises(unity.NotPermitted, match="is not in there"):
                session.load_extension(path)
        with pytest.raises(unity.InputOutputError, match="nothing.so"):
            session.load_extension("nothing.so")
        for path in ["tally.so", folder / "tally.so", "link.so", "../folder/tally.so"]:
            assert session.load_extension(path) == NAMES
        assert session.toolkits.tally.version() == 1


def test_a_shared_server_loads_extensions_at_its_start(own_server, library):
    server = own_server("--extension", library)
    with server.connect() as session:
        assert session.toolkits.tally.version() == 1


def test_a_server_that_cannot_load_an_extension_does_not_start(tallies, tmp_path):
    missing = tmp_path / "nothing.so"
    for path, why in [(missing, "nothing.so"), (tallies.failing, "the tally is closed")]:
        with pytest.raises(unity.LaunchError, match=why):
            unity.launch(extensions=[path])
        ended = subprocess.run(
            [SERVER, "--listen", f"unix:{tmp_path}/u.sock", "--extension", path],
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            check=False,
        )
        assert ended.returncode == 1
        assert why in ended.stderr


def test_a_server_without_its_extension_directory_does_not_start(tmp_path):
    ended = subprocess.run(
        [SERVER, "--listen", f"unix:{tmp_path}/u.sock", "--extension-dir", tmp_path / "none"],
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert ended.returncode == 1
    assert "--extension-dir" in ended.stderr


def test_threads_may_load_and_use_extensions_at_one_time(launched, library, tallies):
    launched.load_extension(library)
    problems = []

    def load(build):
        try:
            for _ in range(20):
                assert launched.load_extension(build) == NAMES
        except Exception as error:
            problems.append(error)

    def use():
        try:
            for _ in range(100):
                tally = launched.types.tally.Tally(1)
                assert tally.add() == 2
                assert tally.version in (1, 2)
                assert launched.toolkits.tally.version() in (1, 2)
        except Exception as error:
            problems.append(error)

    threads = [threading.Thread(target=load, args=(build,)) for build in (library, tallies.second)]
    threads += [threading.Thread(target=use) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE_S)
        assert not thread.is_alive()
    assert problems == []
    launched.load_extension(tallies.second)
    assert launched.types.tally.Tally(1).reset() == 0


def test_a_forked_child_sees_the_names_and_cannot_use_them(run_script, library):
    out = run_script(
        """
        import os, sys, unity

        session = unity.launch()
        session.load_extension(sys.argv[1])
        child = os.fork()
        if child == 0:
            assert "tally" in dir(session.toolkits)
            try:
                session.toolkits.tally.version()
            except unity.ForkedSession:
                print("forked", flush=True)
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        print(session.toolkits.tally.version())
        session.close()
        """,
        library,
    )
    assert out == "forked\n1\n"


def test_a_crash_in_an_extension_names_its_file(tallies):
    session = unity.launch(extensions=[tallies.first])
    with pytest.raises(unity.ServerCrashed) as raised:
        session.toolkits.tally.crash()
    session.close()
    assert raised.value.signal == "SIGABRT"
    assert f"crashed in tally.crash (session 1) of extension {tallies.first}" in str(raised.value)


@pytest.mark.skipif(
    bool(os.environ.get("UNITY_TEST_SANITIZED")), reason="a sanitizer reports that by itself"
)
def test_a_stack_that_overflows_in_an_extension_is_told_too(tallies):
    session = unity.launch(extensions=[tallies.first])
    with session, pytest.raises(unity.ServerCrashed) as raised:
        session.toolkits.tally.overflow()
    assert raised.value.signal == "SIGSEGV"
    assert "crashed in tally.overflow (session 1) of extension" in str(raised.value)


def test_a_crash_in_an_entry_point_names_the_file(tallies):
    session = unity.launch()
    with pytest.raises(unity.ServerCrashed) as raised:
        session.load_extension(tallies.crashing)
    session.close()
    expected = f"crashed in Session.load_extension (session 1) of extension {tallies.crashing}"
    assert expected in str(raised.value)


def test_a_server_that_crashes_in_an_entry_point_at_its_start_names_the_file(tallies):
    with pytest.raises(unity.LaunchError, match=f"of extension {tallies.crashing}"):
        unity.launch(extensions=[tallies.crashing])
