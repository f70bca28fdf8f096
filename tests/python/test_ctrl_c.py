# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C itself, in programs of their own."""

import os
import signal
import textwrap

import pytest

OPEN = """
import os, signal, sys, threading, unity
session = unity.connect(sys.argv[1]) if sys.argv[1] else unity.launch(diagnostics=True)
tools = session.toolkits.diagnostics

# Others may have called this server too, and their calls may be ending.
while session.stats()["calls_running"]:
    pass

def tell():
    while not session.stats()["calls_running"]:
        pass
    print("ready", flush=True)
threading.Thread(target=tell).start()
"""


@pytest.mark.parametrize("server", ["launch", "connect"])
def test_ctrl_c_at_a_terminal(shared, script, server):
    """A terminal signals a whole group of processes; a private server is not of it."""
    program = script(
        textwrap.dedent(
            """
            import os
            os.setpgid(0, 0)
            """
        )
        + OPEN
        + textwrap.dedent(
            """
            counter = session.types.Counter()
            try:
                tools.work(1000)
            except KeyboardInterrupt:
                print("interrupted", flush=True)
            assert not session.closed
            assert counter.increment() == 1
            while session.stats()["calls_running"]:
                pass
            assert os.getpgid(session.server_pid) != os.getpgid(0)
            if not sys.argv[1]:  # without a terminal that could hang up, either
                assert os.getsid(session.server_pid) == session.server_pid
            """
        ),
        shared.address if server == "connect" else "",
    )
    assert program.line() == "ready"
    os.killpg(program.process.pid, signal.SIGINT)
    assert program.line() == "interrupted"
    assert program.finish() == (0, "", "")


@pytest.mark.parametrize("server", ["launch", "connect"])
def test_ctrl_c_that_nobody_catches(shared, script, server):
    program = script(OPEN + "tools.work(1000)\n", shared.address if server == "connect" else "")
    assert program.line() == "ready"
    program.process.send_signal(signal.SIGINT)
    status, out, err = program.finish()
    assert status == -signal.SIGINT and out == ""
    assert err.endswith("\nKeyboardInterrupt\n") and err.count("Traceback") == 1


def test_ctrl_c_twice(shared, script):
    program = script(
        OPEN
        + textwrap.dedent(
            """
            for turn in range(2):
                if turn == 1:
                    while session.stats()["calls_running"]:
                        pass
                    threading.Thread(target=tell).start()
                try:
                    tools.work(1000)
                except KeyboardInterrupt:
                    print("interrupted", flush=True)
            assert session.ping() > 0
            """
        ),
        "",
    )
    for _ in range(2):
        assert program.line() == "ready"
        program.process.send_signal(signal.SIGINT)
        assert program.line() == "interrupted"
    assert program.finish() == (0, "", "")
