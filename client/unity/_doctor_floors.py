# SPDX-License-Identifier: Apache-2.0
"""What this machine itself takes for the steps that a call is made of, without any server."""

import ctypes
import mmap
import os
import shutil
import subprocess

from unity._doctor_bench import Peer, each, pinned, row, seconds

MIB = 1 << 20
# More than any cache of a core holds.
COPIED_BYTES = 64 * MIB
_TOUCHED_BYTES = 16 * MIB
_HUGE_PAGES = "/sys/kernel/mm/transparent_hugepage"


class Copy:
    """One memcpy of COPIED_BYTES into memory that is there already. Owns both blocks."""

    def __init__(self):
        self._blocks = [mmap.mmap(-1, COPIED_BYTES) for _ in range(2)]
        self._exported = [ctypes.c_char.from_buffer(block) for block in self._blocks]
        self._places = [ctypes.addressof(one) for one in self._exported]
        for place in self._places:
            ctypes.memset(place, 1, COPIED_BYTES)

    def __call__(self, count):
        to, source = self._places
        for _ in range(count):
            ctypes.memmove(to, source, COPIED_BYTES)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        del self._exported
        for block in self._blocks:
            block.close()


def floors(cores):
    """The measured floors: pairs of a name and a function that returns rows.

    Args:
        cores: two cores of this process's, or one; a list of int.

    The functions raise OSError if the system refuses what they measure.
    """
    return [
        ("ping_pong", lambda: _on_cores(cores, "ping_pong", "64 bytes to and fro, Unix socket")),
        ("wake_up", lambda: _on_cores(cores, "wake_up", "waking another process, eventfd")),
        ("memcpy", _memcpy),
        ("memfd", _memfd),
        ("process", _process),
    ]


def _on_cores(cores, name, what):
    rows = []
    places = [("one_core", "on one core", cores[0], cores[0])]
    if len(cores) > 1:
        places.insert(0, ("two_cores", "on two cores", cores[0], cores[1]))
    for suffix, where, mine, other in places:
        kind = "socket" if name == "ping_pong" else "eventfd"
        with pinned(mine), Peer(kind, other) as peer:
            # To wake and be woken are two wake-ups.
            took = each(peer.ping_pong, 300) if name == "ping_pong" else each(peer.wake, 300) / 2
        rows.append(row(f"{name}_{suffix}", f"{what}, {where}", took))
    return rows


def _memcpy():
    with Copy() as copy:
        speed = COPIED_BYTES / each(copy, 1)
    return [row("memcpy", "memcpy into warm memory", speed, unit="B/s")]


def _memfd():
    made, touched, touched_huge = [], [], []
    for _ in range(5):
        for is_huge, found in ((False, touched), (True, touched_huge)):
            took_made, took_touched = _touch_memfd(is_huge)
            made.append(took_made)
            found.append(took_touched)
    return [
        row("memfd", "a memfd made, sized and mapped", sorted(made)[len(made) // 2]),
        row(
            "fault",
            "first touch of a memfd's memory",
            _TOUCHED_BYTES / sorted(touched)[2],
            unit="B/s",
        ),
        row(
            "fault_huge",
            "the same where huge pages are asked for",
            _TOUCHED_BYTES / sorted(touched_huge)[2],
            unit="B/s",
        ),
    ]


def _touch_memfd(is_huge):
    """Seconds for making and mapping a memfd, and for touching each of its pages once."""
    places = []

    def make():
        fd = os.memfd_create("unity doctor")
        try:
            os.ftruncate(fd, _TOUCHED_BYTES)
            places.append(mmap.mmap(fd, _TOUCHED_BYTES))
        finally:
            os.close(fd)

    took_made = seconds(make)
    with places[0] as place:
        if is_huge and os.path.exists(_HUGE_PAGES):  # else the system refuses to be asked
            place.madvise(mmap.MADV_HUGEPAGE)
        pages = b"x" * (_TOUCHED_BYTES // mmap.PAGESIZE)

        def touch():
            place[:: mmap.PAGESIZE] = pages

        return took_made, seconds(touch)


def _process():
    """The least program that there is, from its start to its end."""

    program = shutil.which("true")
    if program is None:
        raise FileNotFoundError("there is no program `true` on $PATH to start")

    def start(count):
        for _ in range(count):
            subprocess.run([program], check=True)

    return [row("process", "starting and ending a process, `true`", each(start, 1))]
