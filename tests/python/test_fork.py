# SPDX-License-Identifier: Apache-2.0
"""Forked children: what they inherit is refused, and their parent notices nothing."""

import os
import textwrap

import pytest

pytestmark = pytest.mark.skipif(
    "UNITY_TEST_SANITIZED" in os.environ,
    reason="GCC 12's AddressSanitizer may leave its allocator locked in a child of many threads",
)

# Opens a session with the server of the first argument, or with a private one.
OPEN = """
import asyncio, gc, os, signal, subprocess, sys, threading, time, warnings
import unity

warnings.simplefilter("ignore", DeprecationWarning)  # of os.fork() with threads, from 3.12 on

def connect():
    return unity.connect(sys.argv[1]) if sys.argv[1] else unity.launch(diagnostics=True)

def in_child(work):
    # Runs work() in a forked child, which then ends as programs do; returns its process id.
    pid = os.fork()
    if pid == 0:
        work()
        sys.exit()
    return pid

def wait(pid):
    # For a child that must have ended without an error.
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert status == 0, status

def refused(*uses):
    for use in uses:
        try:
            result = use()
        except unity.ForkedSession as error:
            assert isinstance(error, unity.ConnectionLost)
            assert "parent" in str(error), error
        else:
            raise AssertionError(f"{use} gave {result!r}")

session = connect()
tools = session.toolkits.diagnostics
"""


@pytest.fixture(params=["launch", "connect"])
def run(request, shared, run_script):
    """Runs code with an open session; with `launch`, its server is a private one."""
    address = shared.address if request.param == "connect" else ""

    def run_code(code):
        return run_script(OPEN + textwrap.dedent(code), address)

    return run_code


def test_every_use_is_refused(run):
    run(
        """
        counter, probe = session.types.Counter(5), session.types.Probe(3)
        increment, limited = counter.increment, counter.increment.options(timeout_s=5)
        pending, done = tools.sleep.submit(0.5), counter.increment.submit()
        assert done.result() == 6
        types, toolkits, Probe = session.types, session.toolkits, session.types.Probe
        live_objects = session.stats()["live_objects"]

        async def wait_for(call):
            return await call

        def work():
            refused(
                session.ping, session.stats, lambda: session.run("demo_addone", {"x": 1}),
                counter.increment, increment, limited, increment.submit, limited.submit,
                lambda: counter.value, lambda: probe.value, lambda: setattr(probe, "value", 1),
                lambda: probe.itself(), lambda: Probe(), lambda: types.Counter(),
                lambda: session.types.Counter(), lambda: toolkits.demo_addone(x=1),
                lambda: session.toolkits.demo_addone.submit(x=1), lambda: tools.echo(counter),
                pending.result, lambda: pending.result(1), pending.exception, pending.done,
                pending.running, pending.cancel, pending.cancelled, done.result, done.exception,
                lambda: pending.add_done_callback(print), lambda: done.add_done_callback(print),
                lambda: asyncio.run(wait_for(pending)),
            )
            assert session.closed
            for one in (session, counter, increment, pending, done, types, toolkits, Probe):
                assert repr(one)
            assert probe == probe and probe != counter and hash(probe) == hash(probe)
            assert "parent" in repr(pending)
            session.close()
            session.close()
            with session:
                pass

        wait(in_child(work))
        assert not session.closed
        assert pending.result() == 0.5
        assert counter.increment() == 7 and probe.value == 3 and done.result() == 6
        assert session.stats()["live_objects"] == live_objects
        """
    )


def test_a_child_that_does_nothing(run):
    run(
        """
        probes = session.types.Probe().many(100)
        call = tools.sleep.submit(0.3)
        call.add_done_callback(lambda call: None)
        for _ in range(10):
            wait(in_child(lambda: None))
        assert session.stats()["live_objects"] >= 100
        assert sum(probe.add(1) for probe in probes) == sum(probe.value for probe in probes)
        assert call.result() == 0.3
        """
    )


def test_a_child_that_lets_everything_go(run):
    """The parent's objects are not the child's to drop."""
    run(
        """
        kept = {"probes": session.types.Probe().many(100), "session": session, "tools": tools,
                "call": tools.sleep.submit(0.2), "types": session.types}
        del session, tools

        def work():
            kept.clear()
            gc.collect()

        wait(in_child(work))
        assert kept["session"].stats()["live_objects"] >= 100
        assert [probe.add(1) for probe in kept["probes"]]
        assert kept["call"].result() == 0.2
        """
    )


@pytest.mark.parametrize("end", ["os._exit(0)", "os.kill(os.getpid(), signal.SIGKILL)"])
def test_a_child_that_ends_at_once(run, end):
    run(
        f"""
        counter = session.types.Counter()
        pid = in_child(lambda: {end})
        os.waitpid(pid, 0)
        assert counter.increment() == 1
        """
    )


def test_a_child_that_raises(script, shared):
    program = script(
        OPEN
        + textwrap.dedent(
            """
            counter = session.types.Counter()
            pid = in_child(counter.increment)
            assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 1
            assert counter.increment() == 1
            """
        ),
        shared.address,
    )
    status, out, err = program.finish()
    assert (status, out) == (0, "")
    assert err.count("Traceback") == 1
    assert "\nunity.errors.ForkedSession: " in err


def test_a_child_that_outlives_its_parent(run):
    """A private server ends with the parent, whatever the child does."""
    assert (
        run(
            """
        reader, writer = os.pipe()
        server, pid = os.pidfd_open(session.server_pid), in_child(lambda: None)
        wait(pid)
        middle = os.fork()
        if middle == 0:
            # The launcher of another server, which has a child of its own.
            mine = unity.launch()
            fd = os.pidfd_open(mine.server_pid)
            if os.fork() == 0:
                refused(mine.ping, session.ping)
                import select
                select.select([fd], [], [])
                os.write(writer, b"ended")
                os._exit(0)
            os.kill(os.getpid(), signal.SIGKILL)
        os.waitpid(middle, 0)
        os.close(writer)
        print(os.read(reader, 100).decode())
        assert session.ping() > 0
        """
        )
        == "ended\n"
    )


def test_a_child_opens_sessions_of_its_own(run):
    run(
        """
        counter = session.types.Counter()
        tools.echo.submit(1).add_done_callback(lambda call: None)  # starts a thread
        quick = threading.Event()
        tools.sleep.submit(0.01).add_done_callback(lambda call: quick.set())
        assert quick.wait(30)

        def work():
            refused(session.ping)
            for opener in (connect, unity.launch, lambda: unity.connect(session.address)):
                with opener() as mine:
                    own = mine.types.Counter(10)
                    assert own.increment() == 11
                    told = threading.Event()
                    call = mine.types.Counter(1).increment.submit()
                    call.add_done_callback(lambda call: told.set())
                    assert call.result() == 2 and told.wait(30)

                    async def wait_for(call):
                        return await call

                    assert asyncio.run(wait_for(own.increment.submit())) == 12
                    refused(counter.increment)
            left_open.append(connect())

        left_open = []
        wait(in_child(work))
        assert counter.increment() == 1
        """
    )


def test_a_proxy_of_the_parent_in_a_session_of_the_child(run):
    run(
        """
        counter = session.types.Counter()

        def work():
            with unity.connect(session.address) as mine:
                refused(lambda: mine.toolkits.diagnostics.echo(counter))
                refused(lambda: mine.toolkits.diagnostics.echo([{"x": counter}]))
                assert mine.ping() > 0

        wait(in_child(work))
        """
    )


def test_a_grandchild(run):
    run(
        """
        counter = session.types.Counter()

        def child():
            mine = connect()
            own = mine.types.Counter()

            def grandchild():
                refused(counter.increment, own.increment, mine.ping, session.ping)
                with connect() as its:
                    assert its.types.Counter().increment() == 1

            wait(in_child(grandchild))
            assert own.increment() == 1
            refused(counter.increment)

        wait(in_child(child))
        assert counter.increment() == 1
        """
    )


def test_forks_while_other_threads_call(run):
    """Whatever they were about, locks held included: the child has its own way."""
    run(
        """
        counter = session.types.Counter()
        is_over = threading.Event()
        totals, failures = [], []

        def call_on():
            mine, calls = session.types.Counter(), 0
            try:
                while not is_over.is_set():
                    counter.increment()
                    calls += 1
                    assert mine.increment() == calls
                    assert tools.echo([1, "x" * 1000]) == [1, "x" * 1000]
                    session.types.Probe().many(3)
                    tools.echo.submit(1).add_done_callback(lambda call: None)
            except BaseException as error:
                failures.append(error)
            totals.append(calls)

        threads = [threading.Thread(target=call_on) for _ in range(4)]
        for thread in threads:
            thread.start()

        def work():
            refused(counter.increment, session.ping)
            with unity.connect(session.address) as mine:
                told = threading.Event()
                call = mine.types.Counter().increment.submit()
                call.add_done_callback(lambda call: told.set())
                assert call.result() == 1 and told.wait(30)

        for _ in range(5):
            for pid in [in_child(work) for _ in range(4)]:
                wait(pid)
        is_over.set()
        for thread in threads:
            thread.join()
        assert not failures, failures
        assert counter.value == sum(totals) and len(totals) == 4
        """
    )


def test_a_fork_within_a_wait(run):
    """A signal handler that forks runs in the middle of a call."""
    run(
        """
        counter = session.types.Counter()

        def fork(*_):
            children.append(in_child(lambda: refused(session.ping, counter.increment)))

        def send():
            while not session.stats()["calls_running"]:
                pass
            os.kill(os.getpid(), signal.SIGUSR1)
            while not children:
                time.sleep(0.001)
            call.cancel()

        children = []
        call = tools.work.submit(1000)
        signal.signal(signal.SIGUSR1, fork)
        threading.Thread(target=send).start()
        try:
            call.result()
        except unity.Cancelled:
            pass  # by send(); the handler has not ended the wait
        [pid] = children
        wait(pid)
        assert counter.increment() == 1
        """
    )


def test_programs_inherit_no_descriptors(run):
    run(
        """
        call = tools.sleep.submit(0.2)
        out = subprocess.run(["ls", "-l", "/proc/self/fd"], close_fds=False,
                             capture_output=True, text=True, check=True).stdout
        for kind in ("socket:", "eventpoll", "eventfd", "pidfd", "memfd"):
            assert kind not in out, out
        assert call.result() == 0.2
        """
    )


def test_private_servers_inherit_no_descriptors(run):
    """Of the launcher's: what it has open must not live as long as a server does."""
    run(
        """
        reader, writer = os.pipe()
        os.set_inheritable(writer, True)
        with unity.launch():
            os.close(writer)
            assert os.read(reader, 1) == b""  # nobody else has it
        """
    )
