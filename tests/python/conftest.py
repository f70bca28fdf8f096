# SPDX-License-Identifier: Apache-2.0
"""Servers for the tests, and the promise that a test leaves nothing behind.

Every test runs between two looks at this process and at its servers: descriptors, threads, child
processes, live objects and sessions must be back to where they were, within a deadline.
"""

import contextlib
import gc
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

import unity
from built_extensions import Tallies

# A shell ignores SIGINT for what it starts in the background, and that is inherited; these tests
# send it.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# NumPy's linear algebra ends its threads before a fork and starts them again when it is used next,
# which would look like threads that a test has left behind.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

DEADLINE_S = 30
SERVER = Path(
    os.environ.get("UNITY_SERVER_BINARY") or Path(unity.__file__).parent / "bin/unity_server"
)

# How the tests reach servers that they do not launch: "unix", or "tcp" for the same tests over a
# loopback port, or "tls" over an encrypted one; and then with no launched server where a test takes
# either kind.
TRANSPORT = os.environ.get("UNITY_TEST_TRANSPORT", "unix")

BUILD = Path(__file__).resolve().parents[2] / "build" / "release"

# The sessions of fixtures that outlive a test: their servers are looked at after each one.
long_lived = []


def wait_until(condition, deadline_s=DEADLINE_S):
    """Waits for `condition()` to be true; returns whether it was in time."""
    end = time.monotonic() + deadline_s
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True


def children(pid="self"):
    """The process ids of the children of a process, zombies included."""
    found = set()
    for task in os.listdir(f"/proc/{pid}/task"):
        with contextlib.suppress(FileNotFoundError):  # the thread has ended meanwhile
            text = Path(f"/proc/{pid}/task/{task}/children").read_text()
            found.update(int(word) for word in text.split())
    return found


def descriptors():
    """What each open descriptor of this process is."""
    found = []
    for fd in os.listdir("/proc/self/fd"):
        with contextlib.suppress(FileNotFoundError):  # the one that the listing itself used
            found.append(os.readlink(f"/proc/self/fd/{fd}"))
    return found


def state():
    """What a test must leave as it found it: descriptors, threads, children of this process; live
    objects, sessions and running calls of each server."""
    servers = []
    for session in long_lived:
        stats = session.stats()
        servers += [stats["live_objects"], stats["sessions"], stats["calls_running"]]
    return [
        # Arenas stay for the next arrays of a session that a fixture keeps; test_shared_memory.py
        # counts them.
        sum(not name.startswith("/memfd:") for name in descriptors()),
        len(os.listdir("/proc/self/task")),
        len(children()),
        *servers,
    ]


def is_no_more_than(before):
    # What a test that failed still held may have gone since. Cycles are collected only if it
    # matters: with large packages loaded that takes its time.
    def check():
        return all(now <= then for now, then in zip(state(), before, strict=True))

    return check() or gc.collect() >= 0 and check()


@pytest.fixture(scope="session", autouse=True)
def callback_thread():
    """Starts the one thread of the package that outlives its sessions."""
    with unity.launch() as session:
        told = threading.Event()
        call = session.toolkits.demo_addone.submit(x=1)
        unity._call.CallState._waiters.__get__(call)
        call.add_done_callback(lambda _: told.set())
        assert told.wait(DEADLINE_S)


@pytest.fixture(scope="session")
def share_pools():
    """The pools of unity.share(), which live as long as the process."""
    for mode in ("ro", "rw"):
        unity.share(b"x", mode)


@pytest.fixture(autouse=True)
def nothing_left(request):
    """Fails a test that leaves descriptors, threads, processes, objects or sessions behind."""
    before = state()
    yield
    request.node.funcargs.clear()  # pytest would keep the sessions that fixtures have made
    if not wait_until(lambda: is_no_more_than(before)):
        pytest.fail(f"left behind: {state()}, before: {before}; open: {descriptors()}")


@pytest.fixture(scope="module")
def private():
    """A session with a private server, one for the tests of a file."""
    with unity.launch(diagnostics=True) as session:
        long_lived.append(session)
        yield session
        long_lived.remove(session)


@pytest.fixture
def diagnostics(private):
    return private.toolkits.diagnostics


@pytest.fixture
def held(private):
    """A Holder that lets go of what it holds."""
    holder = private.types.Holder()
    handles = []

    class Held:
        def hold(self, x):
            handles.append(holder.hold(x))
            return handles[-1]

        def __getattr__(self, name):
            return getattr(holder, name)

    yield Held()
    for handle in handles:
        holder.drop(handle)


@pytest.fixture(scope="session")
def typed_server():
    """The path of a server with a function for each type of parameter, tests/typed_server."""
    given = os.environ.get("UNITY_TYPED_SERVER")
    if given:
        return given
    subprocess.run(["ninja", "-C", BUILD, "--quiet", "typed_server"], check=True)
    return BUILD / "tests" / "typed_server"


@pytest.fixture(scope="module")
def typed(typed_server):
    """A session with a private server of that kind, one for the tests of a file."""
    with unity.launch(server_binary=typed_server, diagnostics=True) as session:
        long_lived.append(session)
        yield session
        long_lived.remove(session)


@pytest.fixture(scope="session")
def tallies(tmp_path_factory):
    """Libraries with an extension in two versions, and two that cannot be loaded."""
    return Tallies(tmp_path_factory.mktemp("tallies"))


class SharedServer:
    """A `unity_server` process that listens on a Unix socket, or on a TCP port that is free. With
    the transport "tls" it has a certificate, unless the options name another one."""

    def __init__(self, path, *options, transport=TRANSPORT):
        is_tcp = transport in ("tcp", "tls")
        address = "tcp:127.0.0.1:0" if is_tcp else f"unix:{path}"
        more = ["--insecure-tcp"] if transport == "tcp" else []
        self.tls = None
        if transport == "tls":
            from certificates import common

            certificates, of_server = common()
            self.tls = certificates.tls()
            more = [] if "--tls-cert" in options else of_server
        self.process = subprocess.Popen(
            [SERVER, "--listen", address, "--diagnostics", *more, *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        line = self.process.stdout.readline().decode().strip()
        assert line.startswith("listening on "), line
        self.address = line.removeprefix("listening on ")
        assert is_tcp or self.address == address, line

    def connect(self, **options):
        options.setdefault("tls", self.tls)
        return unity.connect(self.address, **options)

    def end(self):
        self.process.kill()
        self.process.wait(DEADLINE_S)
        self.process.stdout.close()


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A server that listens, one for the tests of a file."""
    server = SharedServer(tmp_path_factory.mktemp("server") / "u.sock")
    with server.connect() as observer:
        long_lived.append(observer)
        yield server
        long_lived.remove(observer)
    server.end()


@pytest.fixture(scope="module", params=["launch", "connect"][TRANSPORT != "unix" :])
def session(request):
    """A session with a private and with a shared server."""
    if request.param == "launch":
        yield request.getfixturevalue("private")
        return
    with request.getfixturevalue("shared").connect() as session:
        long_lived.append(session)
        yield session
        long_lived.remove(session)


@pytest.fixture
def own_server(tmp_path):
    """Makes servers for one test; they are killed after it."""
    servers = []

    def start(*options, path=None, transport=TRANSPORT):
        path = path or tmp_path / f"{len(servers)}.sock"
        servers.append(SharedServer(path, *options, transport=transport))
        return servers[-1]

    yield start
    for server in servers:
        server.end()


@pytest.fixture(scope="session")
def certificates():
    """An authority, which the servers of the transport "tls" have certificates of."""
    from certificates import common

    return common()[0]


@pytest.fixture
def tls_server(own_server):
    """A server that speaks TLS on a port of 127.0.0.1."""
    return own_server(transport="tls")


@pytest.fixture
def eventually():
    """Asserts that a condition becomes true before a generous deadline."""

    def check(condition, deadline_s=DEADLINE_S):
        assert wait_until(condition, deadline_s)

    return check


class Script:
    """A Python program in a process of its own that has imported unity."""

    def __init__(self, code, *arguments):
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-X",
                "faulthandler",
                "-c",
                textwrap.dedent(code),
                *map(str, arguments),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "UNITY_SERVER_BINARY": str(SERVER)},
        )

    def line(self):
        """The next line that the program prints."""
        return self.process.stdout.readline().rstrip("\n")

    def close_stdin(self):
        """Lets everybody go who waits for the end of the program's stdin."""
        self.process.stdin.close()
        self.process.stdin = None

    def finish(self, timeout_s=60):
        """Waits for the end; returns exit status and what else was printed."""
        out, err = self.process.communicate(timeout=timeout_s)
        return self.process.returncode, out, err


@pytest.fixture
def script():
    """Starts Python programs; those that still run after the test are killed."""
    started = []

    def start(code, *arguments):
        started.append(Script(code, *arguments))
        return started[-1]

    yield start
    for one in started:
        one.process.kill()
        one.process.communicate()


@pytest.fixture
def run_script(script):
    """Runs a Python program to its end, which must be silent but for what it prints on stdout."""

    def run(code, *arguments):
        status, out, err = script(code, *arguments).finish()
        assert (status, err) == (0, ""), (status, out, err)
        return out

    return run
