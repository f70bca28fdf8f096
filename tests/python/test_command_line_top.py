# SPDX-License-Identifier: Apache-2.0
"""`python -m unity top`: what a server counts, as a shell and a terminal see it."""

import os
import select
import signal
import subprocess
import time

import pytest

from commands import UNITY, started
from conftest import DEADLINE_S
from unity import _top
from unity._display import amount

TOP = [*UNITY, "top"]


def sample_of(text):
    """The numbers of one sample of plain text."""
    return dict(line.split(" ") for line in text.splitlines())


def once(address):
    done = subprocess.run([*TOP, address, "--once"], capture_output=True, text=True, timeout=100)
    assert (done.returncode, done.stderr) == (0, "")
    return sample_of(done.stdout)


@pytest.fixture
def top():
    """Starts `python -m unity top …`; what still runs after the test is killed."""
    with started() as start:
        yield lambda *arguments, **options: start("top", *arguments, **options)


def next_sample(process):
    lines = []
    while line := process.stdout.readline().rstrip("\n"):
        lines.append(line)
    return sample_of("\n".join(lines))


def test_one_sample_has_every_number_of_stats(shared):
    with shared.connect() as session:
        found = once(shared.address)
        assert sorted(found) == sorted(session.stats())
    assert all(number.isdecimal() for number in found.values())


def test_it_sees_the_objects_and_calls_of_others(shared):
    with shared.connect() as session:
        before = once(shared.address)
        counters = [session.types.Counter() for _ in range(5)]
        for counter in counters:
            counter.increment()
        after = once(shared.address)
        assert int(after["live_objects"]) == int(before["live_objects"]) + 5
        assert int(after["calls"]) >= int(before["calls"]) + 10
        assert int(after["sessions"]) >= 2


def test_without_an_address_it_is_the_server_of_serve(own_server, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    own_server(path=tmp_path / "unity.sock", transport="unix")
    done = subprocess.run([*TOP, "--once"], capture_output=True, text=True, timeout=100)
    assert (done.returncode, done.stderr) == (0, "")
    assert sample_of(done.stdout)["sessions"] == "1"


def test_in_a_pipe_it_prints_samples_with_rates_until_ctrl_c(top, shared):
    process = top(shared.address, "--interval", "0.05")
    assert "calls_per_s" not in next_sample(process)
    for _ in range(3):
        found = next_sample(process)
        assert float(found["calls_per_s"]) >= 0 and float(found["bytes_inline_per_s"]) >= 0
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=DEADLINE_S)
    assert (process.returncode, err) == (0, "")


def test_the_end_of_the_server_is_one_line(top, own_server):
    server = own_server()
    process = top(server.address, "--interval", "0.05")
    next_sample(process)
    server.end()
    out, err = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 1
    assert err.startswith("Error: ConnectionLost: ") and len(err.splitlines()) == 1


def read_until(fd, text, times):
    """Reads a terminal until a text has come that often; returns whether it has in time."""
    found = ""
    end = time.monotonic() + DEADLINE_S
    while found.count(text) < times and time.monotonic() < end:
        if select.select([fd], [], [], 0.1)[0]:
            found += os.read(fd, 65536).decode(errors="replace")
    return found.count(text) >= times


def test_on_a_terminal_it_draws_again_and_again_until_ctrl_c(top, shared):
    pytest.importorskip("rich")
    terminal, its_end = os.openpty()
    try:
        environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100", "LINES": "40"}
        process = top(shared.address, "--interval", "0.05", stdout=its_end, env=environment)
        os.close(its_end)
        assert read_until(terminal, "live objects", times=4)
        process.send_signal(signal.SIGINT)
        assert process.wait(DEADLINE_S) == 0
        assert process.stderr.read() == ""
    finally:
        os.close(terminal)


def test_without_rich_the_live_view_tells_what_to_install(shared, script):
    code = """
        import sys
        sys.modules["rich"] = None
        sys.stdout.isatty = lambda: True
        sys.argv = ["unity", "top", sys.argv[1]]
        from unity.__main__ import main
        main()
    """
    status, out, err = script(code, shared.address).finish()
    assert (status, out) == (1, "")
    assert err == (
        "Error: top draws its tables with the package rich: pip install rich; --once does without\n"
    )


def test_an_interval_that_makes_no_sense_is_a_wrong_command_line(shared):
    for interval in ("0", "-1", "never", "nan"):
        done = subprocess.run(
            [*TOP, shared.address, "--interval", interval],
            capture_output=True,
            text=True,
            timeout=100,
        )
        assert done.returncode == 2 and "Usage: " in done.stderr


def test_rates_are_differences_over_time_of_what_both_samples_know():
    before = (10.0, {"calls": 100, "bytes_inline": 0, "bytes_copied": None, "sessions": 1})
    after = (12.0, {"calls": 150, "bytes_inline": 4096, "bytes_copied": 5, "sessions": 9})
    assert _top.rates(before, after) == {"calls": 25.0, "bytes_inline": 2048.0}
    assert _top.rates(before, before) == {}


def test_a_number_that_the_server_does_not_know_is_a_dash():
    assert _top.plain({"fds": None, "newer": 5, "calls": 2}, {"calls": 1.25}) == (
        "calls 2\nfds -\nnewer 5\ncalls_per_s 1.2"
    )


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0, "s", "0"),
        (1.5e-10, "s", "0.15 ns"),
        (2.5e-7, "s", "250 ns"),
        (1.234e-5, "s", "12.3 µs"),
        (0.00123, "s", "1.23 ms"),
        (12.345, "s", "12.3 s"),
        (500, "B/s", "500 B/s"),
        (1.92e10, "B/s", "19.2 GB/s"),
        (2.5e13, "B/s", "25,000 GB/s"),
    ],
)
def test_amounts_have_three_digits_and_a_unit(value, unit, text):
    assert amount(value, unit) == text
