# SPDX-License-Identifier: Apache-2.0
"""What the benchmarks share: pinning, the raw floor, alternating blocks, a printed line."""

import contextlib
import os
import socket
import statistics
import time


def cores():
    """The cores this process may use, as a sorted list."""
    return sorted(os.sched_getaffinity(0))


@contextlib.contextmanager
def pinned(core):
    """Run this thread on one core inside the block; `None` leaves it alone."""
    before = os.sched_getaffinity(0)
    if core is not None:
        os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def pin_process(pid, core):
    """Pin every thread of a process; threads it starts later inherit it."""
    for thread in os.listdir(f"/proc/{pid}/task"):
        with contextlib.suppress(ProcessLookupError):
            os.sched_setaffinity(int(thread), {core})


class Echo:
    """The machine's floor: a child process that sends every 64 bytes back."""

    def __init__(self, core):
        self.socket, other = socket.socketpair()
        self.pid = os.fork()
        if self.pid == 0:
            self.socket.close()
            if core is not None:
                os.sched_setaffinity(0, {core})
            try:
                while data := other.recv(64):
                    other.sendall(data)
            finally:
                os._exit(0)
        other.close()

    def ping_pong(self, count, payload=b"x" * 64):
        """Send and receive `count` times."""
        send, recv = self.socket.sendall, self.socket.recv
        for _ in range(count):
            send(payload)
            recv(64)

    def close(self):
        """End the child."""
        self.socket.close()
        os.waitpid(self.pid, 0)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def seconds(function, *args):
    """Wall-clock seconds of one call."""
    begin = time.perf_counter()
    function(*args)
    return time.perf_counter() - begin


def alternating(measured, floor, blocks, count):
    """Seconds per operation of `measured(count)` and `floor(count)`, in alternating blocks."""
    measured(count)
    floor(count)
    pairs = []
    for _ in range(blocks):
        pairs.append((seconds(measured, count) / count, seconds(floor, count) / count))
    return pairs


def line(name, value, floor=None, target=None):
    """Print one result."""
    text = f"{name:<58} {value:>14}"
    if floor is not None:
        text += f"   {floor}"
    if target is not None:
        text += f"   [{target}]"
    print(text, flush=True)


def quartiles(values):
    """Lower quartile, median, upper quartile."""
    low, middle, high = statistics.quantiles(values, n=4)
    return low, middle, high
