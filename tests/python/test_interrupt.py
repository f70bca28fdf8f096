# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C and other signals while a call waits."""

import asyncio
import contextlib
import os
import signal
import socket
import threading

import pytest

import unity
from conftest import DEADLINE_S, wait_until


class Stop(Exception):
    """What the signal handlers of these tests raise."""


@contextlib.contextmanager
def handled(handler):
    """Handles SIGUSR1 inside the block."""
    before = signal.signal(signal.SIGUSR1, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGUSR1, before)


def stop(*_):
    raise Stop


@contextlib.contextmanager
def another_thread(work):
    """Runs work() in a thread of its own meanwhile, not before the thread has started."""
    has_started = threading.Event()

    def run():
        assert has_started.wait(DEADLINE_S)
        work()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        has_started.set()
        yield
    finally:
        thread.join(DEADLINE_S)
    assert not thread.is_alive()


def signal_when_running(session, count=1, thread=None):
    """What sends SIGUSR1 once `count` calls run: to the process, or to one of its threads.

    If they run already the signal may come before the wait does; `pytest.raises` goes outside.
    """

    def send():
        assert wait_until(lambda: session.stats()["calls_running"] >= count)
        if thread is None:
            assert wait_until(main_thread_is_asleep)
            os.kill(os.getpid(), signal.SIGUSR1)
        else:
            signal.pthread_kill(thread.ident, signal.SIGUSR1)

    return another_thread(send)


def main_thread_is_asleep():
    """Whether the main thread sleeps in the kernel."""
    with open(f"/proc/self/task/{os.getpid()}/stat") as stat:
        return stat.read().rpartition(")")[2].split()[0] == "S"


def until_idle(session):
    assert wait_until(lambda: session.stats()["calls_running"] == 0)


BLOCKING = {
    "a call": lambda tools: tools.work(1000),
    "a call with a limit": lambda tools: tools.work.options(timeout_s=1000)(1000),
}
WAITS = {
    "result": lambda call: call.result(),
    "result with a limit": lambda call: call.result(timeout=1000),
    "exception": lambda call: call.exception(),
    "exception with a limit": lambda call: call.exception(timeout=1000),
}


@pytest.mark.parametrize("name", BLOCKING)
def test_an_exception_of_a_handler_ends_a_blocking_call(session, name):
    with handled(stop), signal_when_running(session):
        with pytest.raises(Stop):
            BLOCKING[name](session.toolkits.diagnostics)
    until_idle(session)  # the method was told
    assert session.types.Counter().increment() == 1


@pytest.mark.parametrize("name", WAITS)
def test_an_exception_of_a_handler_ends_the_wait_and_not_the_call(session, name):
    call = session.toolkits.diagnostics.work.submit(1000)
    with pytest.raises(Stop), handled(stop), signal_when_running(session):
        WAITS[name](call)
    assert not call.done() and not call.cancelled() and session.stats()["calls_running"] == 1
    assert session.types.Counter().increment() == 1
    assert call.cancel()
    until_idle(session)


def test_a_call_whose_wait_was_interrupted_has_a_result(session):
    call = session.toolkits.diagnostics.sleep.submit(1)
    seen = []
    call.add_done_callback(seen.append)
    with pytest.raises(Stop), handled(stop), signal_when_running(session):
        call.result()
    assert call.result(DEADLINE_S) >= 1 and not call.cancelled() and call.exception() is None
    assert wait_until(lambda: seen == [call])


def test_an_exception_of_a_handler_is_no_outcome_of_the_call(session):
    """Also if it looks like one."""

    def time_out(*_):
        raise TimeoutError("the handler's")

    call = session.toolkits.diagnostics.work.submit(1000)
    with pytest.raises(TimeoutError, match="the handler's"):
        with handled(time_out), signal_when_running(session):
            call.result()
    assert not call.done()
    call.cancel()
    with pytest.raises(unity.Cancelled):
        call.result()
    until_idle(session)


@contextlib.contextmanager
def signal_and_cancel_when_running(session, call, handled_signals):
    """Sends SIGUSR1 once the call runs, and cancels the call once that was handled."""

    def send():
        assert wait_until(lambda: session.stats()["calls_running"] >= 1)
        os.kill(os.getpid(), signal.SIGUSR1)
        assert wait_until(lambda: handled_signals)
        call.cancel()

    with another_thread(send):
        yield


def test_a_handler_that_returns_does_not_end_the_wait(session):
    """It goes on until the call is cancelled, after the signal was handled."""
    handled_signals = []
    call = session.toolkits.diagnostics.work.submit(1000)
    with handled(lambda *_: handled_signals.append(1)):
        with signal_and_cancel_when_running(session, call, handled_signals):
            with pytest.raises(unity.Cancelled):
                call.result()
    assert handled_signals == [1]
    until_idle(session)


def test_a_handler_that_calls(session):
    """On the thread that waits, in the middle of its wait, on the same connection."""
    counter = session.types.Counter()
    echo = session.toolkits.diagnostics.echo
    results = []

    def handler(*_):
        first = counter.increment()
        second = counter.increment.submit().result(DEADLINE_S)
        results.append((first, second, echo("x" * 3_000_000) == "x" * 3_000_000))

    call = session.toolkits.diagnostics.work.submit(1000)
    with handled(handler), signal_and_cancel_when_running(session, call, results):
        with pytest.raises(unity.Cancelled):
            call.result()
    assert results == [(1, 2, True)]
    until_idle(session)


def test_a_handler_that_calls_and_raises(session):
    counter = session.types.Counter()

    def handler(*_):
        counter.increment()
        raise Stop

    with handled(handler), signal_when_running(session):
        with pytest.raises(Stop):
            session.toolkits.diagnostics.work(1000)
    assert counter.value == 1


def test_a_handler_that_closes_the_session(shared, eventually):
    with shared.connect() as session:
        with handled(lambda *_: session.close()), signal_when_running(session):
            with pytest.raises(unity.ConnectionLost, match="session closed"):
                session.toolkits.diagnostics.work(1000)


def test_the_thread_that_waits_reads_for_others(session):
    """The others get their replies although the thread that read for them was interrupted."""
    is_over = threading.Event()
    progress = [0, 0]

    def count_on(place):
        counter = session.types.Counter()
        while not is_over.is_set():
            progress[place] = counter.increment()

    def send():
        assert begun.wait(DEADLINE_S)
        assert wait_until(main_thread_is_asleep)
        os.kill(os.getpid(), signal.SIGUSR1)

    with another_thread(lambda: count_on(0)), another_thread(lambda: count_on(1)):
        try:
            for _ in range(5):
                begun = threading.Event()
                call = session.toolkits.diagnostics.work.submit(1000)
                with handled(stop), another_thread(send), pytest.raises(Stop):
                    begun.set()
                    call.result()
                call.cancel()
                before = list(progress)
                assert wait_until(lambda before=before: progress[0] > before[0])
                assert wait_until(lambda before=before: progress[1] > before[1])
        finally:
            is_over.set()


def test_another_thread_reads_for_the_one_that_waits(session):
    """It is interrupted although the connection is not its to watch."""
    call = session.toolkits.diagnostics.work.submit(1000)

    def wait():
        with contextlib.suppress(unity.Cancelled):
            call.result()

    with handled(stop), another_thread(wait):
        try:
            with signal_when_running(session, count=2), pytest.raises(Stop):
                session.toolkits.diagnostics.work(1000)
        finally:
            call.cancel()
    until_idle(session)


def test_a_signal_that_another_thread_gets(session):
    """Python runs handlers on the main thread only, whichever thread the system chose."""
    is_over = threading.Event()
    idle = threading.Thread(target=is_over.wait)
    idle.start()
    try:
        with handled(stop), signal_when_running(session, thread=idle):
            with pytest.raises(Stop):
                session.toolkits.diagnostics.work(1000)
    finally:
        is_over.set()
        idle.join(DEADLINE_S)
    assert not idle.is_alive()


def test_many_signals(session):
    count = 0

    def handler(*_):
        nonlocal count
        count += 1

    is_over = threading.Event()

    def send():
        while not is_over.is_set():
            os.kill(os.getpid(), signal.SIGUSR1)

    counter = session.types.Counter()
    with handled(handler), another_thread(send):
        try:
            for expected in range(1, 301):
                assert counter.increment() == expected
                assert session.toolkits.diagnostics.echo([expected]) == [expected]
        finally:
            is_over.set()
    assert count > 0


def test_what_one_call_leaves_does_not_meet_the_next(session):
    """A reply that comes late is nobody else's."""
    counter = session.types.Counter()
    tools = session.toolkits.diagnostics
    for i in range(2):
        with handled(stop), signal_when_running(session), pytest.raises(Stop):
            tools.sleep(1)
        assert counter.increment() == i + 1
        assert tools.echo(i) == i
        until_idle(session)


def test_an_awaited_call(session):
    """What asyncio makes of Ctrl-C cancels the call."""
    calls = []

    async def main():
        loop = asyncio.get_running_loop()
        task = asyncio.current_task()
        loop.add_signal_handler(signal.SIGUSR1, task.cancel)
        calls.append(session.toolkits.diagnostics.work.submit(1000))
        await calls[0]

    with signal_when_running(session), pytest.raises(asyncio.CancelledError):
        asyncio.run(main())
    assert calls[0].cancelled()
    until_idle(session)


def test_a_wait_for_a_server_that_never_answers(tmp_path):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "u.sock"))
        listener.listen()

        def send():
            peer, _ = listener.accept()
            with peer:
                os.kill(os.getpid(), signal.SIGUSR1)
                while peer.recv(4096):
                    pass

        with handled(stop), another_thread(send), pytest.raises(Stop):
            unity.connect(f"unix:{tmp_path / 'u.sock'}", timeout_s=1000)


def test_a_wait_for_a_server_that_does_not_accept(tmp_path):
    path = str(tmp_path / "full.sock")
    with contextlib.ExitStack() as stack:
        full = stack.enter_context(socket.socket(socket.AF_UNIX))
        full.bind(path)
        full.listen(0)
        waiting = stack.enter_context(socket.socket(socket.AF_UNIX))
        waiting.connect(path)  # fills the queue
        begun = threading.Event()

        def send():
            assert begun.wait(DEADLINE_S)
            assert wait_until(main_thread_is_asleep)
            os.kill(os.getpid(), signal.SIGUSR1)

        with handled(stop), another_thread(send), pytest.raises(Stop):
            begun.set()
            unity.connect(f"unix:{path}", timeout_s=1000)


def test_a_launch_that_never_ends(tmp_path):
    path, started = tmp_path / "server", tmp_path / "started"
    path.write_text(f"#!/bin/sh\ntouch {started}\nexec sleep 1000\n")
    path.chmod(0o755)

    def send():
        assert wait_until(started.exists)
        os.kill(os.getpid(), signal.SIGUSR1)

    with handled(stop), another_thread(send), pytest.raises(Stop):
        unity.launch(server_binary=path, timeout_s=1000)
