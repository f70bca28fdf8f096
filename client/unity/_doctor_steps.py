# SPDX-License-Identifier: Apache-2.0
"""What each step of a call takes, beside the floor of the machine in the same moments."""

import datetime
import importlib.util
import os
import socket

import unity
from unity._doctor_bench import Peer, beside, each, pin_process, pinned, row, seconds
from unity._doctor_floors import COPIED_BYTES, MIB, Copy

_SHARED_BYTES_MAX = 1024 * MIB
# Without NumPy it is a result of the server, whose pages have been touched one by one.
_SHARED_BYTES_COPIED = 32 * MIB
_LAUNCHES = 5
# Seconds that a server gets to answer for the first time, on a machine that is busy too.
PATIENCE_S = 60.0


def steps(session, cores, memory_bytes):
    """The measured steps: pairs of a name and a function that returns rows.

    Args:
        session: with a private server of the machine, started with `diagnostics=True`.
        cores: two cores of this process's, or one; a list of int.
        memory_bytes: what may be used; arrays are scaled down to an eighth of it.

    The functions raise `unity.Error` or OSError.
    """
    return [
        ("marshal", _marshalling),
        ("call", lambda: _calls(session, cores)),
        ("launch", _launching),
        ("connect", lambda: _connecting(session)),
        ("array", lambda: _array(session)),
        ("born_shared", lambda: _born_shared(session, memory_bytes)),
    ]


def _marshalling():
    from unity._messages import marshalled, unmarshalled

    when = datetime.datetime(2026, 1, 2, 3, 4, 5)
    entry = {"id": 1, "name": "row 1", "score": 0.5, "is_valid": True, "when": when}
    rows = []
    for name, what, value in (
        ("marshal_int", "an int to a message and back, no server", 5),
        ("marshal_dict", "a dict of 5 mixed values, the same", entry),
    ):

        def work(count, value=value):
            for _ in range(count):
                unmarshalled(marshalled(value))

        rows.append(row(name, what, each(work, 2000)))
    return rows


def _calls(session, cores):
    """A blocking call beside raw ping-pong, in alternating blocks."""
    increment = session.types.Counter().increment

    def calls(count):
        for _ in range(count):
            increment(0)

    places = [("one_core", "on one core", cores[0], cores[0])]
    if len(cores) > 1:
        places.insert(0, ("two_cores", "on two cores", cores[0], cores[1]))
    rows = []
    everywhere = os.sched_getaffinity(0)
    for suffix, where, mine, other in places:
        pin_process(session.server_pid, {other})
        try:
            with pinned(mine), Peer("socket", other) as peer:
                took, floor, ratio = beside(calls, peer.ping_pong, 300)
        finally:
            pin_process(session.server_pid, everywhere)
        rows.append(
            row(
                f"call_{suffix}",
                f"a blocking call, {where}",
                took,
                floor="64 bytes to and fro",
                floor_value=floor,
                ratio=ratio,
            )
        )
    rows.append(row("call", "a blocking call, wherever the system lets it run", each(calls, 300)))
    return rows


def _launching():
    def start(sessions):
        sessions.append(unity.launch(timeout_s=PATIENCE_S))
        sessions[0].ping()

    found = []
    for _ in range(_LAUNCHES):
        sessions = []
        found.append(seconds(start, sessions))
        sessions[0].close()
    return [row("launch", "unity.launch() to the first answer", sorted(found)[_LAUNCHES // 2])]


def _connecting(session):
    """Opening and closing a session, beside a bare connection of a Unix socket."""

    def connect(count):
        for _ in range(count):
            unity.connect(session.address, timeout_s=PATIENCE_S).close()

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("")  # the system chooses an abstract name
        listener.listen()

        def bare(count):
            for _ in range(count):
                with socket.socket(socket.AF_UNIX) as mine:
                    mine.connect(listener.getsockname())
                    listener.accept()[0].close()

        took, floor, ratio = beside(connect, bare, 10)
    return [
        row(
            "connect",
            "unity.connect() and close()",
            took,
            floor="a bare connection",
            floor_value=floor,
            ratio=ratio,
        )
    ]


def _array(session):
    """An ordinary array one way, beside one memcpy."""
    take = session.toolkits.diagnostics.describe
    array = bytearray(COPIED_BYTES)

    def send(count):
        for _ in range(count):
            take(array)

    with Copy() as copy:
        took, floor, ratio = beside(send, copy, 1)
    return [
        row(
            "array",
            f"an ordinary array of {COPIED_BYTES // MIB} MiB, one way",
            took,
            floor="memcpy",
            floor_value=floor,
            ratio=ratio,
        )
    ]


def _born_shared(session, memory_bytes):
    """An array that lies in shared memory, to the server and back, beside a call with None."""
    echo = session.toolkits.diagnostics.echo
    limit = _SHARED_BYTES_MAX if importlib.util.find_spec("numpy") else _SHARED_BYTES_COPIED
    size = MIB
    while size < limit and size * 16 <= memory_bytes:
        size *= 2
    array = _shared(session, size)

    def there_and_back(count):
        for _ in range(count):
            echo(array)

    def nothing(count):
        for _ in range(count):
            echo(None)

    took, floor, ratio = beside(there_and_back, nothing, 100)
    return [
        row(
            "born_shared",
            f"{size // MIB} MiB in shared memory, there and back",
            took,
            floor="the same call with None",
            floor_value=floor,
            ratio=ratio,
        )
    ]


def _shared(session, size):
    if importlib.util.find_spec("numpy"):
        import numpy

        with unity.allocator():
            return numpy.empty(size, numpy.uint8)  # no page of it is touched
    # A result lies in memory that both sides map, as what is born there does.
    return session.toolkits.diagnostics.echo(memoryview(bytearray(size)))
