# SPDX-License-Identifier: Apache-2.0
"""Functions that C++ calls when one of the two sides ends: killed, closed, forked, at its exit."""

import gc
import os
import signal
import threading
import weakref

import pytest

import unity
from conftest import DEADLINE_S


def test_a_client_that_is_killed_in_a_callback(own_server, script, eventually):
    server = own_server()
    with server.connect() as observer:
        before = observer.stats()
        client = script(
            """
            import sys, unity
            with unity.connect(sys.argv[1]) as session:
                probe = session.types.Probe()
                def function(held):
                    print("inside", flush=True)
                    sys.stdin.read()  # until it is killed
                session.toolkits.diagnostics.call(function, probe)
            """,
            server.address,
        )
        assert client.line() == "inside"
        assert observer.stats()["calls_running"] == 1
        client.process.kill()
        eventually(lambda: observer.stats()["calls_running"] == 0)
        eventually(lambda: observer.stats()["live_objects"] == before["live_objects"])
        eventually(lambda: observer.stats()["sessions"] == before["sessions"])


def test_a_server_that_is_killed_while_a_callback_runs():
    with unity.launch(diagnostics=True) as session:
        ran_on = []

        def function():
            os.kill(session.server_pid, signal.SIGKILL)
            with pytest.raises(unity.ServerCrashed):
                session.toolkits.diagnostics.echo(1)
            ran_on.append(True)
            return "dropped"

        with pytest.raises(unity.ServerCrashed) as raised:
            session.toolkits.diagnostics.call(function)
        assert raised.value.signal == "SIGKILL"
        assert ran_on == [True]


def test_the_death_of_the_server_is_noticed_while_a_callback_sleeps(eventually):
    with unity.launch(diagnostics=True) as session:

        def function():
            os.kill(session.server_pid, signal.SIGKILL)
            eventually(lambda: session.closed)

        with pytest.raises(unity.ServerCrashed):
            session.toolkits.diagnostics.call(function)


@pytest.mark.parametrize("is_submitted", [False, True])
def test_a_session_that_is_closed_in_a_callback(is_submitted, eventually):
    session = unity.launch(diagnostics=True)
    call = session.toolkits.diagnostics.call

    def function():
        session.close()
        with pytest.raises(unity.ConnectionLost, match="session closed"):
            call(print)

    with pytest.raises(unity.ConnectionLost, match="session closed"):
        if is_submitted:
            future = call.submit(function)
            eventually(future.done)
            future.result()
        else:
            call(function)


def test_a_session_that_another_thread_closes_while_a_callback_runs():
    session = unity.launch(diagnostics=True)
    begun, closed = threading.Event(), threading.Event()

    def function():
        begun.set()
        assert closed.wait(DEADLINE_S)
        return "dropped"

    def close():
        assert begun.wait(DEADLINE_S)
        session.close()
        closed.set()

    closer = threading.Thread(target=close)
    closer.start()
    with pytest.raises(unity.ConnectionLost, match="session closed"):
        session.toolkits.diagnostics.call(function)
    closer.join()


def test_closing_releases_what_the_server_held(eventually):
    def function():
        pass

    weak = weakref.ref(function)
    with unity.launch(diagnostics=True) as session:
        holder = session.types.Holder()
        holder.hold(function)
        del function
        gc.collect()
        assert weak() is not None
    eventually(lambda: weak() is None)


def test_a_function_that_refers_to_its_session_is_freed_when_that_is_closed(eventually):
    def keep():
        session = unity.launch(diagnostics=True)

        def function():
            return session.ping()

        kept = session.types.VariantMap()
        kept["f"] = function
        session.close()
        return weakref.ref(function)

    weak = keep()
    eventually(lambda: gc.collect() >= 0 and weak() is None)


def test_a_child_that_forks_in_a_callback(run_script):
    out = run_script(
        """
        import os, sys, unity
        with unity.launch(diagnostics=True) as session:
            def function():
                pid = os.fork()
                if pid:
                    return os.waitpid(pid, 0)[1]
                return "of the child"
            try:
                print(session.toolkits.diagnostics.call(function), flush=True)
                print(session.toolkits.diagnostics.echo("fine"), flush=True)
            except unity.ForkedSession:
                os._exit(7)
        """
    )
    assert out.split() == [str(7 << 8), "fine"]


def test_a_forked_child_calls_nothing_of_its_parent(run_script):
    out = run_script(
        """
        import os, threading, time, unity
        with unity.launch(diagnostics=True) as session:
            holder = session.types.Holder()
            handle = holder.hold(lambda: None)
            pid = os.fork()
            if pid == 0:
                try:
                    session.toolkits.diagnostics.call(print)
                except unity.ForkedSession:
                    with unity.launch(diagnostics=True) as mine:
                        ok = mine.toolkits.diagnostics.call(lambda: 5) == 5
                        future = mine.toolkits.diagnostics.call.submit(lambda: 6)
                        done = threading.Event()
                        future.add_done_callback(lambda _: done.set())
                        ok = ok and done.wait(30) and future.result() == 6
                    os._exit(0 if ok else 1)
                os._exit(2)
            assert os.waitpid(pid, 0)[1] == 0
            print(session.toolkits.diagnostics.call(holder.get(handle)))
        """
    )
    assert out == "None\n"


@pytest.mark.parametrize("where", ["callback thread", "daemon thread"])
def test_an_interpreter_that_exits_while_a_callback_runs(run_script, where):
    run_script(
        """
        import sys, threading, unity
        session = unity.launch(diagnostics=True)
        begun = threading.Event()
        def function():
            begun.set()
            threading.main_thread().join(30)  # the interpreter ends
            return 1
        call = session.toolkits.diagnostics.call
        if sys.argv[1] == "callback thread":
            future = call.submit(function)
        else:
            threading.Thread(target=lambda: call(function), daemon=True).start()
        assert begun.wait(30)
        """,
        where,
    )


def test_ctrl_c_in_a_callback(script):
    program = script(
        """
        import sys, unity
        with unity.launch(diagnostics=True) as session:
            def function():
                print("inside", flush=True)
                sys.stdin.read()  # until it is interrupted
            try:
                session.toolkits.diagnostics.call(function)
            except KeyboardInterrupt:
                print("interrupted", session.toolkits.diagnostics.echo(1), flush=True)
        """
    )
    assert program.line() == "inside"
    program.process.send_signal(signal.SIGINT)
    assert program.line() == "interrupted 1"
    assert program.finish()[0] == 0
