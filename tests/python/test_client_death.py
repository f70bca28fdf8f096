# SPDX-License-Identifier: Apache-2.0
"""Clients that are killed: their servers free what they held, private ones end."""

import contextlib
import os
import select
import signal
from pathlib import Path

import pytest

from conftest import DEADLINE_S, SERVER

HELD = 10_000


@pytest.fixture
def observer(shared):
    """Another session with the server whose clients die."""
    with shared.connect() as session:
        yield session


@contextlib.contextmanager
def process(pid):
    """A pidfd: the process itself, whatever becomes of its number."""
    fd = os.pidfd_open(pid)
    try:
        yield fd
    finally:
        os.close(fd)


def has_ended(pidfd, deadline_s=DEADLINE_S):
    """Waits for the end of a process; whether it came in time."""
    return bool(select.select([pidfd], [], [], deadline_s)[0])


def traces():
    """What a private server could leave in places that outlive it."""
    found = {path for path in Path("/dev/shm").iterdir() if "unity" in path.name}
    return found | set(SERVER.parent.iterdir())


# -- a shared server -----------------------------------------------------------------------------


def test_the_objects_of_a_killed_client_are_freed(shared, observer, script, eventually):
    before = observer.stats()
    client = script(
        """
        import sys, unity
        session = unity.connect(sys.argv[1])
        held = session.types.Probe().many(int(sys.argv[2]))
        holder = session.types.Holder()
        holder.hold(session.types.Counter())
        call = session.toolkits.diagnostics.work.submit(1000)
        print("ready", flush=True)
        sys.stdin.read()
        """,
        shared.address,
        HELD,
    )
    assert client.line() == "ready"
    eventually(lambda: observer.stats()["calls_running"] >= 1)
    assert observer.stats()["live_objects"] >= before["live_objects"] + HELD
    client.process.kill()
    for name in ("live_objects", "sessions", "calls_running"):
        eventually(lambda name=name: observer.stats()[name] == before[name])


def test_a_client_killed_amid_traffic(shared, observer, script, eventually):
    """At whatever byte of whatever message it was."""
    before = observer.stats()
    for _ in range(5):
        client = script(
            """
            import sys, threading, unity
            session = unity.connect(sys.argv[1])
            echo = session.toolkits.diagnostics.echo
            ready = threading.Barrier(4)

            def work(data):
                echo(data)
                ready.wait()
                while True:
                    session.types.Probe().many(10)
                    echo(data)

            for data in (b"x" * (8 << 20), b"y" * 900_000, [1] * 100_000):
                threading.Thread(target=work, args=(data,), daemon=True).start()
            ready.wait()
            print("ready", flush=True)
            sys.stdin.read()
            """,
            shared.address,
        )
        assert client.line() == "ready"
        calls = observer.stats()["calls"]
        eventually(lambda calls=calls: observer.stats()["calls"] > calls + 20)
        client.process.kill()
    for name in ("live_objects", "sessions", "calls_running"):
        eventually(lambda name=name: observer.stats()[name] == before[name])


def test_a_stopped_client_disturbs_nobody(shared, observer, script, eventually):
    """Its replies pile up; the server stops reading from it, and goes on with others."""
    before = observer.stats()
    client = script(
        """
        import sys, unity
        session = unity.connect(sys.argv[1])
        data = b"x" * 900_000
        calls = [session.toolkits.diagnostics.echo.submit(data) for _ in range(40)]
        held = session.types.Probe().many(100)
        print("ready", flush=True)
        while True:
            for call in [session.toolkits.diagnostics.echo.submit(data) for _ in range(40)]:
                call.result()
        """,
        shared.address,
    )
    assert client.line() == "ready"
    os.kill(client.process.pid, signal.SIGSTOP)
    counter = observer.types.Counter()
    for expected in range(1, 501):
        assert counter.increment() == expected
    del counter
    client.process.kill()
    for name in ("live_objects", "sessions", "calls_running"):
        eventually(lambda name=name: observer.stats()[name] == before[name])


def test_calls_that_wait_for_an_object_die_with_their_client(shared, observer, script, eventually):
    before = observer.stats()
    client = script(
        """
        import sys, unity
        session = unity.connect(sys.argv[1])
        counter = session.types.Counter()
        calls = [counter.increment.submit() for _ in range(5_000)]
        print("ready", flush=True)
        sys.stdin.read()
        """,
        shared.address,
    )
    assert client.line() == "ready"
    client.process.kill()
    for name in ("live_objects", "sessions", "calls_running", "calls_waiting"):
        eventually(lambda name=name: observer.stats()[name] == before[name])


# -- private servers -----------------------------------------------------------------------------

LAUNCH = """
import os, sys, unity
session = unity.launch(diagnostics=True)
print(session.server_pid, flush=True)
"""

LAUNCHERS = {
    "an idle session": "",
    "many objects": "held = session.types.Probe().many(10_000)\n",
    "a method that looks whether it is wanted": """
call = session.toolkits.diagnostics.work.submit(100_000)
while not session.stats()["calls_running"]:
    pass
""",
    "a method that refuses to end": """
call = session.toolkits.diagnostics.sleep.submit(100_000)
while not session.stats()["calls_running"]:
    pass
""",
    "a forked child that lives on": """
pid = os.fork()
if pid == 0:
    sys.stdin.read()
    os._exit(0)
print(pid, flush=True)
""",
    "a forked child that used its copy": """
pid = os.fork()
if pid == 0:
    try:
        session.ping()
    except unity.ForkedSession:
        pass
    session.close()
    os.write(1, f"{os.getpid()}\\n".encode())  # whole, though the parent writes too
    sys.stdin.read()
    os._exit(0)
""",
    "a program that was started": """
import subprocess
child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], close_fds=False)
print(child.pid, flush=True)
""",
}


@pytest.mark.parametrize("name", LAUNCHERS)
def test_a_private_server_ends_with_its_launcher(script, name):
    before = traces()
    ready = 'os.write(1, b"ready\\n")\nsys.stdin.read()\n'
    launcher = script(LAUNCH + LAUNCHERS[name] + ready)
    with process(int(launcher.line())) as server:
        children = []
        while (line := launcher.line()) != "ready":
            children.append(int(line))
        with contextlib.ExitStack() as stack:
            pidfds = [stack.enter_context(process(pid)) for pid in children]
            assert not has_ended(server, 0)
            launcher.process.kill()
            assert has_ended(server)
            assert not any(has_ended(pidfd, 0) for pidfd in pidfds)
            launcher.close_stdin()
            assert all(has_ended(pidfd) for pidfd in pidfds)
    assert traces() == before


def test_a_private_server_ends_whoever_else_is_connected(script):
    """With its launcher; sessions of others learn that the server has gone."""
    launcher = script(LAUNCH + "print(session.address, flush=True)\nsys.stdin.read()\n")
    pid, address = int(launcher.line()), launcher.line()
    guest = script(
        """
        import sys, unity
        session = unity.connect(sys.argv[1])
        counter = session.types.Counter()
        print("ready", flush=True)
        try:
            session.toolkits.diagnostics.sleep(100_000)
        except unity.ConnectionLost:
            print("lost", flush=True)
        """,
        address,
    )
    assert guest.line() == "ready"
    with process(pid) as server:
        launcher.process.kill()
        assert has_ended(server)
    assert guest.line() == "lost"
    assert guest.finish() == (0, "", "")


def test_a_private_server_ends_if_its_stopped_launcher_is_killed(script):
    launcher = script(LAUNCH + "sys.stdin.read()\n")
    with process(int(launcher.line())) as server:
        os.kill(launcher.process.pid, signal.SIGSTOP)
        assert not has_ended(server, 0)
        launcher.process.kill()
        assert has_ended(server)


def test_a_launch_that_is_killed_at_any_moment(script, eventually):
    """Servers that were just started, and have not said a word yet, end too."""
    marker = f"0.0{os.getpid()}"  # tells these servers from others

    def servers():
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                if f"\0--drain-s\0{marker}\0".encode() in path.read_bytes():
                    found.append(path)
        return found

    for _ in range(10):
        launcher = script(
            """
            import sys, unity
            print("ready", flush=True)
            while True:
                unity.launch(drain_s=sys.argv[1]).close()
            """,
            marker,
        )
        assert launcher.line() == "ready"
        eventually(servers)
        launcher.process.kill()
    eventually(lambda: not servers())
