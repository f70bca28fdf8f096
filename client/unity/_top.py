# SPDX-License-Identifier: Apache-2.0
"""`python -m unity top`: what a server counts, and how fast that grows."""

import time

from unity import _core
from unity._display import amount, console

# What only grows: shown as so much in a second, and since the server's start.
_GROWING = ("calls", "calls_failed", "bytes_inline", "bytes_sent", "bytes_copied")
# Numbers of bytes.
_BYTES = ("bytes_inline", "bytes_sent", "bytes_copied", "bytes_held")
# What each number of `session.stats()` is; one that a newer server adds has its own name.
_NAMES = {
    "sessions": "sessions",
    "pending": "not opened yet",
    "sessions_total": "sessions since the start",
    "live_objects": "live objects",
    "object_tokens": "object tokens",
    "calls": "calls finished",
    "calls_failed": "calls that failed",
    "calls_running": "calls running",
    "calls_waiting": "calls waiting",
    "bytes_inline": "bytes received in messages",
    "bytes_sent": "bytes sent in messages",
    "bytes_copied": "bytes copied beside them",
    "bytes_held": "bytes held",
    "arenas": "arenas of shared memory",
    "fds": "descriptors",
    "threads": "threads for sessions",
}


def sample(session, timeout_s):
    """What the server counts now, with the time of it.

    Returns:
        `time.monotonic()` in seconds, and the dict of `session.stats()`.

    Raises:
        CallTimeout: no answer in time; `ConnectionLost` if the server has ended.
    """
    stats = _core.stats(session._connection, timeout_s)
    return time.monotonic(), stats


def rates(before, after):
    """How much each growing number grows in a second between two samples, a dict of float.

    A number that a sample does not know is left out.
    """
    elapsed_s = after[0] - before[0]
    if elapsed_s <= 0:
        return {}
    return {
        name: (after[1][name] - before[1][name]) / elapsed_s
        for name in _GROWING
        if None not in (before[1].get(name), after[1].get(name))
    }


def plain(stats, per_second):
    """A sample as lines of text: a name of `session.stats()`, a blank and a number on each.

    Rates come last, as "calls_per_s" and the like. A number that the server does not know is "-".
    """
    lines = [f"{name} {'-' if value is None else value}" for name, value in _ordered(stats)]
    lines += [f"{name}_per_s {value:.1f}" for name, value in per_second.items()]
    return "\n".join(lines)


def _ordered(stats):
    """The items of a sample: those that are known in their order here, then all others."""
    known = [name for name in _NAMES if name in stats]
    return [(name, stats[name]) for name in [*known, *sorted(set(stats) - set(known))]]


def table(session, stats, per_second):
    """A sample as a table of rich."""
    from rich import box
    from rich.table import Table

    title = f"server {session.server_version} at {session.address}"
    drawn = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    drawn.add_column("what")
    drawn.add_column("now", justify="right", min_width=12)
    drawn.add_column("a second", justify="right", min_width=12)
    for name, value in _ordered(stats):
        rate = per_second.get(name)
        drawn.add_row(
            _NAMES.get(name, name),
            "-" if value is None else f"{value:,}",
            "" if rate is None else _rate(name, rate),
        )
    return drawn


def _rate(name, value):
    return amount(value, "B/s") if name in _BYTES else f"{value:,.0f}"


def print_samples(session, interval_s, timeout_s, echo):
    """Print samples as text, one each interval, until the server ends or Ctrl-C."""
    before = None
    while True:
        now = sample(session, timeout_s)
        echo(plain(now[1], rates(before, now) if before else {}) + "\n")
        before = now
        time.sleep(interval_s)


def show_live(session, interval_s, timeout_s):
    """Draw samples on the terminal, each over the one before, until the server ends or Ctrl-C.

    Raises:
        ModuleNotFoundError: rich is not installed.
    """
    screen = console()
    from rich.live import Live

    before = sample(session, timeout_s)
    with Live(table(session, before[1], {}), console=screen, auto_refresh=False) as live:
        while True:
            time.sleep(interval_s)
            now = sample(session, timeout_s)
            live.update(table(session, now[1], rates(before, now)), refresh=True)
            before = now
