# SPDX-License-Identifier: Apache-2.0
"""The end of the interpreter never hangs, never prints and keeps its exit status."""

import signal
import textwrap
from pathlib import Path

import pytest

# Opens a session with the server of the first argument, or with a private one.
OPEN = """
import atexit, gc, os, signal, sys, threading, weakref
import unity

if sys.argv[1]:
    session = unity.connect(sys.argv[1])
else:
    session = unity.launch(diagnostics=True, end_grace_s=0.1)
print(session.server_pid, flush=True)
tools = session.toolkits.diagnostics
# A shared server would go on sleeping.
endless = tools.work if sys.argv[1] else tools.sleep


def until_running(count):
    while session.stats()["calls_running"] < count:
        pass


def in_threads(count, work, daemon=True):
    for _ in range(count):
        threading.Thread(target=work, daemon=daemon).start()
"""

SILENT = {
    "nothing": "",
    "a closed session": "session.close()",
    "proxies in globals": "probes = session.types.Probe().many(100)",
    "proxies in cycles": """
        class Node:
            def __init__(self):
                self.me, self.probe = self, session.types.Probe()
        nodes = [Node() for _ in range(10)]
        gc.disable()
        del nodes
        """,
    "proxies in other modules and builtins": """
        import builtins, json
        builtins.kept, json.kept, sys.kept = (session.types.Probe() for _ in range(3))
        """,
    "methods, types and namespaces": """
        kept = [session.types, session.toolkits, session.types.Probe, tools.echo,
                session.types.Probe().add, tools.echo.options(timeout_s=1)]
        """,
    "calls that wait in daemon threads": """
        in_threads(4, lambda: endless(1000))
        in_threads(2, tools.work.submit(1000).result)
        until_running(5)
        """,
    "daemon threads that call all the time": """
        counter = session.types.Counter()
        def work():
            while True:
                counter.increment()
        in_threads(4, work)
        while counter.value < 1000:
            pass
        """,
    "daemon threads that make and drop objects": """
        def work():
            while True:
                session.types.Probe().many(5)
        in_threads(4, work)
        while session.stats()["calls"] < 200:
            pass
        """,
    "pending futures": "calls = [endless.submit(1000) for _ in range(3)]; until_running(3)",
    "futures that nobody kept": "[endless.submit(1000) for _ in range(3)]; until_running(3)",
    "futures with callbacks": """
        call = endless.submit(1000)
        call.add_done_callback(lambda call: print("never"))
        quick = tools.echo.submit(1)
        told = threading.Event()
        quick.add_done_callback(lambda call: told.set())
        told.wait()
        """,
    "callbacks that are being run": """
        called = threading.Event()
        def callback(call):
            called.set()
            while True:
                tools.echo(1)
        tools.sleep.submit(0.2).add_done_callback(callback)
        called.wait()
        """,
    "a loop that was left": """
        import asyncio
        loop = asyncio.new_event_loop()
        call = endless.submit(1000)
        async def start():
            waiting = call.__await__()
            next(waiting)
            return waiting
        waiting = loop.run_until_complete(start())
        """,
    "threads that end after the main one": """
        def work():
            tools.sleep(0.3)
            os.write(1, b"done\\n")
        in_threads(3, work, daemon=False)
        """,
    "sys.exit in a thread": """
        def work():
            tools.echo(1)
            sys.exit(7)
        in_threads(1, work, daemon=False)
        """,
    "a finaliser that calls": """
        class Last:
            def __init__(self):
                self.probe = session.types.Probe()
            def __del__(self):
                try:
                    self.probe.value
                except unity.ConnectionLost:
                    pass
        last = Last()
        """,
    "weak references": """
        probe = session.types.Probe()
        weakref.finalize(probe, print, end="")
        weakref.finalize(session, print, end="")
        kept = weakref.ref(probe)
        """,
    "sessions without a name": """
        unity.launch()
        more = [unity.launch() for _ in range(2)]
        """,
    "a server that is dead": """
        call = endless.submit(1000)
        if not sys.argv[1]:
            os.kill(session.server_pid, signal.SIGKILL)
        """,
    "no standard streams": "os.close(0); sys.stdin = sys.stdout = sys.stderr = None",
    "a callback queue full of dropped calls": """
        for _ in range(2000):
            tools.echo.submit(1).add_done_callback(lambda call: None)
        """,
}

# What ends with another status: code, status, the last line of stderr.
LOUD = {
    "an exception": ("raise ValueError('x')", 1, "ValueError: x"),
    "an exception in a call": ("tools.fail('out_of_range', 'x')", 1, "unity.errors.OutOfRange: x"),
    "sys.exit": ("sys.exit(5)", 5, ""),
    "sys.exit with a text": ("sys.exit('a text')", 1, "a text"),
    "os._exit": ("os._exit(7)", 7, ""),
    "SIGTERM": ("os.kill(os.getpid(), signal.SIGTERM)", -signal.SIGTERM, ""),
    "Ctrl-C": ("signal.raise_signal(signal.SIGINT)", -signal.SIGINT, "KeyboardInterrupt"),
}

BUSY = """
in_threads(2, lambda: tools.work(1000))
kept = tools.work.submit(1000), session.types.Probe().many(10)
until_running(3)
"""


@pytest.fixture(params=["launch", "connect"])
def ended(request, shared, script, eventually):
    """Runs code with an open session to its end; gives exit status, stdout and stderr.

    By then the private server has ended too, and the shared one has freed everything.
    """

    def run_with_private_server(code):
        status, out, err = script(OPEN + textwrap.dedent(code), "").finish()
        pid, _, out = out.partition("\n")
        eventually(lambda: not Path(f"/proc/{pid}/exe").exists())
        return status, out, err

    def run_with_shared_server(code):
        with shared.connect() as observer:
            before = observer.stats()
            result = script(OPEN + textwrap.dedent(code), shared.address).finish()
            for name in ("live_objects", "sessions", "calls_running"):
                eventually(lambda name=name: observer.stats()[name] <= before[name])
        status, out, err = result
        return status, out.partition("\n")[2], err

    return run_with_private_server if request.param == "launch" else run_with_shared_server


@pytest.mark.parametrize("name", SILENT)
def test_a_silent_end(ended, name):
    status, out, err = ended(SILENT[name])
    assert (status, err) == (0, "")
    assert out == ("done\n" * 3 if name == "threads that end after the main one" else "")


@pytest.mark.parametrize("name", LOUD)
def test_another_end(ended, name):
    code, expected, last_line = LOUD[name]
    status, out, err = ended(BUSY + code)
    assert status == expected
    assert out == ""
    if last_line:
        assert err.rstrip("\n").rpartition("\n")[2] == last_line
        assert err.count("Traceback") == (0 if last_line == "a text" else 1)
        assert "ignored" not in err
    else:
        assert err == ""


NO_SIGPIPE = """
    import os, signal
    import unity
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # as in a C++ program, where it is deadly
    session = unity.launch()
    counter = session.types.Counter()
    assert signal.getsignal(signal.SIGPIPE) is signal.SIG_DFL
    os.kill(session.server_pid, signal.SIGKILL)
    for call in (counter.increment, session.ping, counter.increment.submit):
        for _ in range(20):
            try:
                call()
            except unity.ConnectionLost:
                pass
    session.close()
    assert signal.getsignal(signal.SIGPIPE) is signal.SIG_DFL
    print("alive")
"""


def test_writing_to_a_dead_server_is_no_sigpipe(run_script):
    assert run_script(NO_SIGPIPE) == "alive\n"


BUSY_WATCHER = """
    import threading
    import unity
    session = unity.launch(diagnostics=True, end_grace_s=0.1)
    begun = threading.Event()
    def busy(*report):
        begun.set()
        while True:
            pass
    session.watch("", busy)
    session.toolkits.diagnostics.work(0.05)
    print(begun.wait(30))
"""


def test_a_callback_that_never_ends_does_not_disturb_the_end(run_script):
    assert run_script(BUSY_WATCHER) == "True\n"
