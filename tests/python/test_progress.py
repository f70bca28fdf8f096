# SPDX-License-Identifier: Apache-2.0
"""Progress of running calls: bars on a terminal, nothing elsewhere, or a function instead."""

import os
import pty
import re
import select
import subprocess
import sys
import termios
import threading
import time

import pytest

import unity
from conftest import DEADLINE_S, SERVER

WORK = """
import sys, unity
with unity.launch(diagnostics=True) as session:
    {before}
    session.toolkits.diagnostics.work({seconds})
    {after}
print("tqdm" in sys.modules, file=sys.stdout)
"""


def run_on_terminal(seconds=0.8, before="pass", after="pass"):
    """What a program prints on a terminal as stderr, and its lines on stdout."""
    parent, child = pty.openpty()
    termios.tcsetwinsize(child, (24, 100))
    process = subprocess.Popen(
        [sys.executable, "-c", WORK.format(seconds=seconds, before=before, after=after)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=child,
        env={**os.environ, "UNITY_SERVER_BINARY": str(SERVER)},
    )
    os.close(child)
    shown = b""
    deadline = time.monotonic() + 60
    try:
        while time.monotonic() < deadline:
            if not select.select([parent], [], [], 1)[0]:
                continue
            try:
                data = os.read(parent, 65536)
            except OSError:  # EIO: nobody has the other end any more
                break
            if not data:
                break
            shown += data
        out = process.communicate(timeout=DEADLINE_S)[0].decode()
    finally:
        os.close(parent)
        process.kill()
        process.wait()
    assert process.returncode == 0, shown.decode()
    return shown.decode(), out


@pytest.fixture
def reports():
    """Lets a function have the reports, and gives the list that it fills."""
    found = []
    with unity.progress(lambda *report: found.append(report)):
        yield found


def test_a_terminal_shows_a_bar():
    shown, out = run_on_terminal()
    assert "diagnostics.work: " in shown
    percents = [int(text) for text in re.findall(r"(\d+)%", shown)]
    assert len(percents) > 1 and percents == sorted(percents) and percents[-1] <= 100
    assert shown.endswith("\n")
    assert out == "True\n"


def test_a_bar_ends_with_its_call_even_if_that_fails():
    # The call is cancelled once its bar is there: the line that follows is a line of its own.
    before = """
    from unity import _progress
    drawn, begun = _progress._Watcher._draw, __import__("threading").Event()
    def draw(self, name, fraction, *more):
        drawn(self, name, fraction, *more)
        bars = list(self._bars.values())
        if bars and bars[0].last_print_t > bars[0].start_t + bars[0].delay:
            begun.set()
    _progress._Watcher._draw = draw
    call = session.toolkits.diagnostics.work.submit(5)
    assert begun.wait(30)
    call.cancel()
    """
    after = """
    import time
    deadline = time.monotonic() + 30
    while any(watcher._bars for watcher in _progress._watchers.values()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    print('after', file=sys.stderr)
    """
    shown, _ = run_on_terminal(seconds=0.01, before=before.strip(), after=after.strip())
    assert "diagnostics.work: " in shown
    assert shown.endswith("\nafter\r\n")


def test_a_quick_call_shows_nothing():
    shown, _ = run_on_terminal(seconds=0.01)
    assert shown == ""


def test_a_pipe_shows_nothing_and_imports_nothing(run_script):
    code = """
        import sys
        import unity
        with unity.launch(diagnostics=True) as session:
            session.toolkits.diagnostics.work(0.5)
        print("tqdm" in sys.modules, "unity._progress" in sys.modules)
    """
    assert run_script(code) == "False False\n"


def test_it_can_be_switched_off_on_a_terminal():
    shown, out = run_on_terminal(before="unity.progress(False)")
    assert (shown, out) == ("", "False\n")


def test_it_can_be_switched_on_elsewhere(script):
    program = script("""
        import unity
        with unity.progress(True), unity.launch(diagnostics=True) as session:
            session.toolkits.diagnostics.work(0.8)
    """)
    status, _, err = program.finish()
    assert status == 0
    assert "diagnostics.work: " in err and err.endswith("\n")


def test_a_function_gets_the_reports_in_order(private, reports, eventually):
    private.toolkits.diagnostics.work(0.2)
    eventually(lambda: len(reports) == 10)
    assert [name for name, _, _ in reports] == ["diagnostics.work"] * 10
    fractions = [fraction for _, fraction, _ in reports]
    assert fractions == sorted(fractions) and fractions[-1] == 1.0
    assert all(isinstance(text, str) for _, _, text in reports)


def test_sessions_that_are_opened_later_report_too(reports, eventually):
    with unity.launch(diagnostics=True) as session:
        session.toolkits.diagnostics.work(0.1)
        eventually(lambda: len(reports) == 10)


def test_the_end_of_the_block_ends_the_reports(private, eventually):
    first, second = [], []
    with unity.progress(lambda *report: first.append(report)):
        with unity.progress(lambda *report: second.append(report)):
            private.toolkits.diagnostics.work(0.1)
            eventually(lambda: len(second) == 10)
        assert first == []
        private.toolkits.diagnostics.work(0.1)
        eventually(lambda: len(first) == 10)
    with private.watch("", lambda *report: first.append(report)):
        # This one comes after what the server may still have sent.
        private.toolkits.diagnostics.work(0.1)
        eventually(lambda: len(first) == 20)
    assert (len(first), len(second)) == (20, 10)


def test_a_slow_function_delays_no_call(private, eventually):
    go_on = threading.Event()
    seen = []

    def slow(name, fraction, text):
        assert go_on.wait(DEADLINE_S)
        seen.append(fraction)

    with unity.progress(slow):
        for _ in range(3):
            private.toolkits.diagnostics.work(0.05)
        assert private.types.Counter().increment() == 1
        assert seen == []
        go_on.set()
        eventually(lambda: len(seen) == 30)


def test_a_function_that_raises_is_logged(private, caplog, eventually):
    def broken(name, fraction, text):
        raise KeyError("mine")

    with unity.progress(broken):
        private.toolkits.diagnostics.work(0.05)
        eventually(lambda: len(caplog.records) == 10)
    assert "showing the progress of 'diagnostics.work' failed" in caplog.text


def test_calls_at_one_time_are_told_apart(private, eventually):
    # The number of a call is what bars go by.
    from unity import _core
    from unity._progress import _WATCH

    found = []
    watch = _core.bind(_WATCH, private._connection)(lambda *report: found.append(report))
    try:
        calls = [private.toolkits.diagnostics.work.submit(0.3) for _ in range(2)]
        for call in calls:
            call.result()
        eventually(lambda: len(found) == 22)
    finally:
        _core.unwatch(private._connection, watch)
    numbers = {number for _, _, _, number in found}
    assert len(numbers) == 2
    for number in numbers:
        own = [report[:3] for report in found if report[3] == number]
        assert len(own) == 11 and own[-1] == ("diagnostics.work", None, None)
        assert None not in [fraction for _, fraction, _ in own[:-1]]


def test_what_is_no_mode_is_refused():
    with pytest.raises(TypeError, match="progress\\(\\) takes True, False, None or a function"):
        unity.progress("bar")
    assert repr(unity.progress(None)) == "<unity.progress(None)>"


def test_a_forked_child_draws_nothing_of_its_parent(private, reports, eventually):
    child = os.fork()
    if child == 0:
        status = 1
        try:
            unity.progress(False)
            with unity.launch(diagnostics=True) as session:
                session.toolkits.diagnostics.work(0.05)
            status = 0
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    assert status == 0
    private.toolkits.diagnostics.work(0.05)
    eventually(lambda: len(reports) == 10)
