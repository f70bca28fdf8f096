# SPDX-License-Identifier: Apache-2.0
"""A server that is killed, crashes, stops or ends while clients wait for it."""

import asyncio
import contextlib
import os
import queue
import re
import signal
import threading
from pathlib import Path

import pytest

import unity
from conftest import DEADLINE_S, wait_until


@pytest.fixture
def launched():
    """A session with a server of its own, which the test may kill."""
    with unity.launch(diagnostics=True) as session:
        yield session


class Waiters:
    """Threads that each make one call; `errors()` is what came of them."""

    def __init__(self, *calls):
        self.results = queue.Queue()
        self.threads = [threading.Thread(target=self.wait, args=(call,)) for call in calls]
        for thread in self.threads:
            thread.start()

    def wait(self, call):
        try:
            self.results.put(call())
        except Exception as error:
            self.results.put(error)

    def errors(self):
        for thread in self.threads:
            thread.join(DEADLINE_S)
            assert not thread.is_alive()
        return [self.results.get_nowait() for _ in self.threads]


async def gathered(*calls):
    return await asyncio.gather(*calls, return_exceptions=True)


def assert_crash(error, session, signal_name):
    assert type(error) is unity.ServerCrashed, repr(error)
    assert isinstance(error, ConnectionError)
    assert error.signal == signal_name
    assert f"(process {session.server_pid}) was killed by {signal_name}" in str(error)
    assert any("session 1 began" in line for line in error.last_lines)
    assert sum("listening on" in line for line in error.last_lines) <= 1
    for line in error.last_lines:
        assert line in str(error)


# -- killed --------------------------------------------------------------------------------------


def test_killed_while_calls_wait(launched, eventually):
    sleep = launched.toolkits.diagnostics.sleep
    probe = launched.types.Probe()
    submitted = [sleep.submit(1000) for _ in range(3)]
    waiters = Waiters(
        *[lambda: sleep(1000)] * 3,
        *[call.result for call in submitted[:2]],
        submitted[2].exception,
        lambda: asyncio.run(gathered(sleep.submit(1000), sleep.submit(1000)))[0],
    )
    eventually(lambda: launched.stats()["calls_running"] >= 8)
    os.kill(launched.server_pid, signal.SIGKILL)
    errors = waiters.errors()
    assert len(errors) == 7
    for error in errors:
        assert_crash(error, launched, "SIGKILL")

    assert launched.closed and "closed" in repr(launched)
    for use in (
        launched.ping,
        launched.stats,
        launched.types.Counter,
        lambda: probe.value,
        lambda: sleep(0),
        lambda: sleep.submit(0).result(),
    ):
        with pytest.raises(unity.ServerCrashed) as raised:
            use()
        assert_crash(raised.value, launched, "SIGKILL")
    with unity.launch() as another:
        assert another.run("demo_addone", {"x": 1}) == {"x": 2}


def test_killed_while_nobody_waits(launched, eventually):
    os.kill(launched.server_pid, signal.SIGKILL)
    eventually(lambda: launched.closed)
    with pytest.raises(unity.ServerCrashed) as raised:
        launched.ping()
    assert_crash(raised.value, launched, "SIGKILL")


def test_killed_amid_many_short_calls(launched, eventually):
    """Whatever a thread was just about, sending included, it learns the same."""
    counter = launched.types.Counter()
    data = b"x" * 300_000

    def increment_for_ever():
        while True:
            counter.increment()

    def send_for_ever():
        while True:
            assert launched.toolkits.diagnostics.echo(data) == data

    def submit_for_ever():
        while True:
            [call.result() for call in [counter.increment.submit() for _ in range(50)]]

    waiters = Waiters(increment_for_ever, increment_for_ever, send_for_ever, submit_for_ever)
    eventually(lambda: counter.value > 2000)
    os.kill(launched.server_pid, signal.SIGKILL)
    for error in waiters.errors():
        assert_crash(error, launched, "SIGKILL")


def test_killed_amid_a_large_reply(launched, eventually):
    """Blobs are fetched in pieces; the server may die between them."""
    data = b"x" * (32 << 20)

    def echo_for_ever():
        while True:
            assert len(launched.toolkits.diagnostics.echo(data)) == len(data)

    waiters = Waiters(echo_for_ever, echo_for_ever)
    eventually(lambda: launched.stats()["calls"] >= 4)
    os.kill(launched.server_pid, signal.SIGKILL)
    for error in waiters.errors():
        assert_crash(error, launched, "SIGKILL")


def test_callbacks_and_futures_are_told(launched, eventually):
    call = launched.toolkits.diagnostics.sleep.submit(1000)
    told = queue.Queue()
    call.add_done_callback(told.put)
    eventually(lambda: launched.stats()["calls_running"] >= 1)
    os.kill(launched.server_pid, signal.SIGKILL)
    assert told.get(timeout=DEADLINE_S) is call
    assert call.done() and not call.cancelled()
    assert_crash(call.exception(), launched, "SIGKILL")
    assert call.exception() is call.exception()


def test_only_its_own_session_notices(launched, private):
    counter = private.types.Counter()
    os.kill(launched.server_pid, signal.SIGKILL)
    with pytest.raises(unity.ServerCrashed):
        launched.ping()
    assert counter.increment() == 1


# -- crashed -------------------------------------------------------------------------------------

CRASHES = ["SIGSEGV", "SIGBUS", "SIGFPE", "SIGILL", "SIGABRT"]


@pytest.mark.parametrize("name", CRASHES)
def test_a_crash(launched, name):
    counter = launched.types.Counter()
    counter.increment()
    with pytest.raises(unity.ServerCrashed) as raised:
        launched.toolkits.diagnostics.crash(signal.Signals[name])
    assert_crash(raised.value, launched, name)
    lines = raised.value.last_lines
    crashed = lines.index(f"unity_server: crashed with {name}")
    backtrace = lines.index("unity_server: backtrace:")
    assert backtrace > crashed
    calls = [line.removeprefix("unity_server: ") for line in lines[crashed + 1 : backtrace]]
    if "fault at" in calls[0]:
        del calls[0]
    assert calls == [
        "crashed in diagnostics.crash (session 1)",
        "before that: Counter.increment (session 1)",
        "before that: Counter (session 1)",
    ]
    frames = [line for line in lines[backtrace + 1 :] if re.search(r"\[0x[0-9a-f]+\]$", line)]
    assert len(frames) >= 3
    assert any("unity_server" in frame for frame in frames)
    assert any("(cppipc::" in frame for frame in frames), frames


def test_a_crash_with_a_log_file(tmp_path):
    """What the file has is not printed, but the crash is; the file has both."""
    with unity.launch(diagnostics=True, log_file=tmp_path / "log") as session:
        with pytest.raises(unity.ServerCrashed) as raised:
            session.toolkits.diagnostics.crash(signal.SIGSEGV)
    assert raised.value.signal == "SIGSEGV"
    assert "unity_server: backtrace:" in raised.value.last_lines
    log = (tmp_path / "log").read_text()
    assert "session 1 began" in log and "backtrace:" in log


def test_a_crash_of_a_shared_server(own_server):
    server = own_server()
    with server.connect() as crasher, server.connect() as other:
        waiters = Waiters(lambda: other.toolkits.diagnostics.sleep(1000))
        with pytest.raises(unity.ConnectionLost):
            crasher.toolkits.diagnostics.crash(signal.SIGSEGV)
        [error] = waiters.errors()
        assert isinstance(error, unity.ConnectionLost)
        assert crasher.closed and other.closed
    assert server.process.wait(DEADLINE_S) == -signal.SIGSEGV
    again = own_server(path=Path(server.address.removeprefix("unix:")))
    with again.connect() as session:
        assert session.ping() > 0


# -- stopped -------------------------------------------------------------------------------------


def states(pid):
    """The states of a process's threads, as the kernel writes them."""
    stats = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/stat")]
    return {stat.rpartition(")")[2].split()[0] for stat in stats}


@contextlib.contextmanager
def stopped(pid):
    """Stops a process inside the block."""
    os.kill(pid, signal.SIGSTOP)
    try:
        assert wait_until(lambda: states(pid) == {"T"})
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def test_a_stopped_server_and_calls_with_a_limit(session):
    echo = session.toolkits.diagnostics.echo.options(timeout_s=0.1)
    with stopped(session.server_pid):
        with pytest.raises(unity.CallTimeout) as raised:
            echo(1)
        assert isinstance(raised.value, TimeoutError)
        assert isinstance(echo.submit(2).exception(DEADLINE_S), unity.CallTimeout)
        [error] = asyncio.run(gathered(echo.submit(3)))
        assert isinstance(error, unity.CallTimeout)
        assert not session.closed
    assert session.toolkits.diagnostics.echo(4) == 4


def test_a_stopped_server_and_more_than_a_socket_takes(session):
    echo = session.toolkits.diagnostics.echo
    data = b"x" * 900_000  # below the size at which the bytes cross beside the message
    with stopped(session.server_pid):
        calls = [echo.options(timeout_s=0.1).submit(data) for _ in range(8)]
        for call in calls:
            assert isinstance(call.exception(DEADLINE_S), unity.CallTimeout)
        with pytest.raises(unity.CallTimeout):
            echo.options(timeout_s=0.1)(data)
        late = echo.submit(data)
    assert late.result(DEADLINE_S) == data
    assert echo(5) == 5


def test_a_wait_with_a_limit_leaves_the_call_alone(session):
    with stopped(session.server_pid):
        call = session.toolkits.diagnostics.echo.submit("later")
        for _ in range(3):
            with pytest.raises(unity.CallTimeout):
                call.result(timeout=0.05)
        assert call.running()
    assert call.result(DEADLINE_S) == "later"


def test_connecting_to_a_stopped_server(own_server):
    server = own_server()
    with stopped(server.process.pid):
        with pytest.raises(unity.CallTimeout):
            server.connect(timeout_s=0.2)
    with server.connect() as session:
        assert session.ping() > 0


def test_closing_a_session_with_a_stopped_shared_server(own_server):
    server = own_server()
    session = server.connect()
    waiters = Waiters(lambda: session.toolkits.diagnostics.sleep(1000))
    with stopped(server.process.pid):
        session.close()
        [error] = waiters.errors()
        assert isinstance(error, unity.ConnectionLost) and "session closed" in str(error)


def test_closing_a_session_with_a_stopped_private_server(launched):
    """It is killed once its time to end is over."""
    os.kill(launched.server_pid, signal.SIGSTOP)
    launched.close()
    assert not Path(f"/proc/{launched.server_pid}").exists()


# -- ended in order ------------------------------------------------------------------------------


def test_sigterm_lets_running_calls_finish(own_server, eventually):
    server = own_server("--drain-s", "60")

    def is_closed_to_others():
        try:
            server.connect().close()
        except unity.ConnectionLost:
            return True
        return False

    with server.connect() as session, server.connect() as idle:
        sleep = session.toolkits.diagnostics.sleep
        running = sleep.submit(1)
        eventually(lambda: idle.stats()["calls_running"] >= 1)
        server.process.terminate()
        eventually(is_closed_to_others)
        assert running.result(DEADLINE_S) == 1
        assert server.process.wait(DEADLINE_S) == 0
        for one in (session, idle):
            eventually(lambda one=one: one.closed)
            with pytest.raises(unity.ConnectionLost) as raised:
                one.ping()
            assert not isinstance(raised.value, unity.ServerCrashed)
            assert f"({server.address}); open another session" in str(raised.value)


def test_sigterm_refuses_new_calls_while_it_drains(own_server, eventually):
    server = own_server("--drain-s", "60")
    path = Path(server.address.removeprefix("unix:"))
    with server.connect() as session:
        running = session.toolkits.diagnostics.work.submit(1000)
        eventually(lambda: session.stats()["calls_running"] >= 1)
        server.process.terminate()
        eventually(lambda: not path.exists())

        def is_refused():
            try:
                session.types.Counter()
            except unity.Error as error:
                assert "shutting down" in str(error)
                return True
            return False

        eventually(is_refused)  # a moment after the socket has gone
        assert running.cancel()
        assert server.process.wait(DEADLINE_S) == 0


def test_sigterm_ends_calls_that_outlast_the_drain(own_server, eventually):
    server = own_server("--drain-s", "0.1")
    with server.connect() as session:
        waiters = Waiters(lambda: session.toolkits.diagnostics.work(1000))
        eventually(lambda: session.stats()["calls_running"] >= 1)
        server.process.terminate()
        [error] = waiters.errors()
        assert isinstance(error, (unity.ConnectionLost, unity.Cancelled)), error
        assert server.process.wait(DEADLINE_S) == 0
        with pytest.raises(unity.ConnectionLost):
            session.ping()


def test_sigterm_ends_a_method_that_refuses_to_end(own_server, eventually):
    server = own_server("--drain-s", "0.1", "--end-grace-s", "0.1")
    with server.connect() as session:
        waiters = Waiters(lambda: session.toolkits.diagnostics.sleep(1000))
        eventually(lambda: session.stats()["calls_running"] >= 1)
        server.process.terminate()
        [error] = waiters.errors()
        assert isinstance(error, unity.ConnectionLost)
        assert server.process.wait(DEADLINE_S) == 3  # ended at once


def test_sigterm_of_a_private_server(launched, eventually):
    """It ends in order, but before its session: that is an error of its own to the client."""
    os.kill(launched.server_pid, signal.SIGTERM)
    eventually(lambda: launched.closed)
    with pytest.raises(unity.ConnectionLost) as raised:
        launched.ping()
    assert isinstance(raised.value, unity.ServerCrashed)
    assert raised.value.signal == ""
    assert "exited with status 0" in str(raised.value)
    assert any("ending: SIGTERM" in line for line in raised.value.last_lines)
