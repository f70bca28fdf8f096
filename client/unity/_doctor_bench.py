# SPDX-License-Identifier: Apache-2.0
"""What the measurements of `python -m unity doctor` share: cores, peers, alternating blocks."""

import contextlib
import os
import socket
import statistics
import subprocess
import sys
import threading
import time

# The other end of a floor, without anything that Python can leave out. A thread of it waits for
# the end of stdin, so that it ends with its parent, however that ends.
_ANSWERING = """
import os, socket, sys, threading
def end():
    os.read(0, 1)
    os._exit(0)
threading.Thread(target=end, daemon=True).start()
os.write(1, b".")
fds = [int(word) for word in sys.argv[2:]]
if sys.argv[1] == "socket":
    other = socket.socket(fileno=fds[0])
    while data := other.recv(64):
        other.sendall(data)
else:
    while True:
        os.eventfd_read(fds[0])
        os.eventfd_write(fds[1], 1)
"""

# Seconds of one comparison, after which it takes no further block.
_PATIENCE_S = 1.0
_BLOCKS = 15
_BLOCKS_MIN = 3


class Peer:
    """A process that answers whatever it is sent, by 64 bytes on a Unix socket or by an eventfd.

    Owns the process and the descriptors, until `close()` or the end of a `with` block.
    """

    def __init__(self, kind, core=None):
        """Args: kind: "socket" or "eventfd"; core: where it runs, None: anywhere."""
        with contextlib.ExitStack() as stack:
            if kind == "socket":
                mine, other = socket.socketpair()
                stack.callback(mine.close)
                passed = [other.detach()]
                self._ends = mine
            else:
                passed = []
                for _ in range(2):
                    passed.append(os.eventfd(0, os.EFD_CLOEXEC | os.EFD_SEMAPHORE))
                    stack.callback(os.close, passed[-1])
                self._ends = tuple(passed)
            try:
                self._process = subprocess.Popen(
                    [sys.executable, "-I", "-S", "-c", _ANSWERING, kind, *map(str, passed)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    pass_fds=passed,
                    process_group=0,  # so that Ctrl-C on a terminal is not for it
                )
            finally:
                if kind == "socket":
                    os.close(passed[0])
            self._watcher = None
            self._is_gone = False
            stack.callback(self._end)
            if self._process.stdout.read(1) != b".":
                raise OSError(f"{sys.executable} did not start the other end of a {kind}")
            if core is not None:
                os.sched_setaffinity(self._process.pid, {core})
            if kind == "eventfd":
                self._watcher = threading.Thread(target=self._watch, args=(passed[1],))
                self._watcher.start()
            self._stack = stack.pop_all()

    def ping_pong(self, count, payload=b"x" * 64):
        """Send 64 bytes and receive them back, `count` times."""
        send, receive = self._ends.sendall, self._ends.recv
        for _ in range(count):
            send(payload)
            receive(64)

    def wake(self, count):
        """Wake the other process and be woken, `count` times. Raises: OSError if it is gone."""
        there, back = self._ends
        for _ in range(count):
            os.eventfd_write(there, 1)
            os.eventfd_read(back)
        if self._is_gone:
            raise ChildProcessError("the other end of an eventfd has ended before its time")

    def _watch(self, back):
        """Lets go of who waits for the other process when that ends, as an eventfd does not.

        Runs on a thread of its own, which the end of the process ends.
        """
        self._process.stdout.read()
        self._is_gone = True
        os.eventfd_write(back, 1 << 32)  # more than anybody waits for

    def _end(self):
        self._process.stdin.close()
        self._process.wait()
        if self._watcher is not None:
            self._watcher.join()
        self._process.stdout.close()

    def close(self):
        """End the process."""
        self._stack.close()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()


@contextlib.contextmanager
def pinned(core):
    """This thread runs on that core only, inside the block; on any if `core` is None."""
    before = os.sched_getaffinity(0)
    if core is not None:
        os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def pin_process(pid, cores):
    """Let every thread of a process run on these cores only; threads to come inherit that."""
    for thread in os.listdir(f"/proc/{pid}/task"):
        with contextlib.suppress(ProcessLookupError):  # it has ended meanwhile
            os.sched_setaffinity(int(thread), cores)


def seconds(function, *arguments):
    """Seconds that one call takes."""
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start


def each(function, count, blocks=_BLOCKS):
    """Seconds per operation of `function(count)`: the median of several runs, after a first one."""
    function(count)
    end = time.perf_counter() + _PATIENCE_S
    found = []
    while len(found) < _BLOCKS_MIN or (len(found) < blocks and time.perf_counter() < end):
        found.append(seconds(function, count) / count)
    return statistics.median(found)


def beside(function, floor, count):
    """Two functions in alternating blocks, so that what disturbs the machine disturbs both.

    Returns:
        Seconds per operation of each, and the median of the blocks' ratios.
    """
    function(count)
    floor(count)
    end = time.perf_counter() + _PATIENCE_S
    pairs = []
    while len(pairs) < _BLOCKS_MIN or (len(pairs) < _BLOCKS and time.perf_counter() < end):
        pairs.append((seconds(function, count) / count, seconds(floor, count) / count))
    return (
        statistics.median(one for one, _ in pairs),
        statistics.median(two for _, two in pairs),
        statistics.median(one / two for one, two in pairs),
    )


def row(name, what, value, *, unit="s", floor=None, floor_value=None, ratio=None):
    """One measured figure, as `--json` shows it.

    Args:
        name: for programs; what: for people.
        value: in `unit`, "s" (seconds) or "B/s" (bytes a second).
        floor: what it is compared with, in words; floor_value: in the same unit; ratio: to it.
    """
    return {
        "name": name,
        "what": what,
        "value": value,
        "unit": unit,
        "floor": floor,
        "floor_value": floor_value,
        "ratio": ratio,
    }
