# SPDX-License-Identifier: Apache-2.0
"""The bytes that a server holds beside messages are limited, for each session and for all."""

import contextlib
import re

import numpy as np
import pytest

import unity

MIB = 1 << 20


@pytest.fixture
def pair(own_server):
    """Makes two sessions with a server of the given options: a greedy one and its neighbour."""
    with contextlib.ExitStack() as sessions:

        def start(*options):
            server = own_server(*options)
            return tuple(sessions.enter_context(server.connect()) for _ in range(2))

        yield start


def held(session):
    return session.stats()["bytes_held"]


def array_of(mib):
    return np.ones(int(mib * MIB), np.uint8)


@pytest.mark.parametrize("mib", [2, 0.5])  # beside the message, and in it
def test_arrays_that_are_kept(pair, eventually, mib):
    greedy, neighbour = pair("--bulk-mib", "8")
    kept, others = greedy.types.Holder(), neighbour.types.Holder()
    count = int(8 / mib)
    numbers = [kept.hold(array_of(mib)) for _ in range(count)]
    assert held(neighbour) == 8 * MIB
    for _ in range(3):
        with pytest.raises(unity.QuotaExceeded) as raised:
            kept.hold(array_of(mib))
        assert raised.value.where == "Holder.hold"
        for part in (f"{int(mib * MIB)} bytes", f"{8 * MIB} bytes", "--bulk-mib", "this session"):
            assert part in str(raised.value)
    # The neighbour has as much for itself, and the greedy one goes on with what is small.
    for _ in range(count):
        others.hold(array_of(mib))
    assert held(neighbour) == 16 * MIB
    assert greedy.types.Counter().increment() == 1
    # What it drops it may have again.
    kept.drop(numbers.pop())
    numbers.append(kept.hold(array_of(mib)))
    with pytest.raises(unity.QuotaExceeded):
        kept.hold(array_of(mib))
    del kept
    eventually(lambda: held(neighbour) == 8 * MIB)


def test_bytes_that_are_kept(pair):
    greedy, neighbour = pair("--bulk-mib", "8")
    kept = greedy.types.Holder()
    for size in (5 * MIB, MIB // 2, MIB // 2, 2 * MIB):
        kept.hold(b"x" * size)
    with pytest.raises(unity.QuotaExceeded):
        kept.hold(b"x")
    assert held(neighbour) == 8 * MIB


def test_what_is_only_passed_through_is_given_back(pair, eventually):
    greedy, neighbour = pair("--bulk-mib", "8")
    echo = greedy.toolkits.diagnostics.echo
    for _ in range(5):
        assert echo(array_of(6)).nbytes == 6 * MIB  # the result is the argument's memory
        assert echo("x" * (5 * MIB)) == "x" * (5 * MIB)
        # Held twice for a moment: as the argument, and in the memory that the result crosses in.
        assert echo(b"x" * (3 * MIB)) == b"x" * (3 * MIB)
        with pytest.raises(unity.QuotaExceeded):
            echo(array_of(9))
        with pytest.raises(unity.QuotaExceeded):
            echo("x" * (9 * MIB))
    eventually(lambda: held(neighbour) == 0)


def test_results_that_nobody_reads(pair, eventually):
    greedy, neighbour = pair("--bulk-mib", "8")
    alloc = greedy.toolkits.diagnostics.alloc
    unread = [alloc.submit(4 * MIB, "u1") for _ in range(3)]
    eventually(lambda: all(call.done() for call in unread))  # which reads no array
    assert held(neighbour) == 8 * MIB
    assert neighbour.toolkits.diagnostics.alloc(6 * MIB, "u1").nbytes == 6 * MIB
    errors = [call.exception(30) for call in unread]
    assert [type(error) for error in errors if error] == [unity.QuotaExceeded]
    assert "--bulk-mib" in str(next(filter(None, errors)))
    del errors
    unread.clear()
    greedy.ping()
    eventually(lambda: held(neighbour) == 0)
    assert alloc(8 * MIB, "u1").nbytes == 8 * MIB


def test_calls_that_wait(pair, eventually):
    greedy, neighbour = pair("--bulk-mib", "8", "--session-threads", "1")
    echo = greedy.toolkits.diagnostics.echo
    value = ["x" * 100] * 8000  # a message of about 1 MiB
    slow = greedy.toolkits.diagnostics.work.submit(1000)
    calls = [echo.submit(value) for _ in range(20)]
    greedy.ping()  # all of them have arrived
    assert MIB < held(neighbour) <= 8 * MIB
    assert neighbour.toolkits.diagnostics.echo(value) == value
    assert slow.cancel()
    errors = [error for call in calls if (error := call.exception(30))]
    assert 10 < len(errors) < 20
    assert all(type(error) is unity.QuotaExceeded for error in errors)
    eventually(lambda: held(neighbour) == 0)
    assert echo(value) == value


def test_texts_of_errors_that_nobody_reads(pair):
    greedy, _ = pair("--bulk-mib", "8")
    fail = greedy.toolkits.diagnostics.fail
    for _ in range(3):
        with pytest.raises(unity.RemoteError) as raised:
            fail("string", "x" * (5 * MIB))
        assert str(raised.value).startswith("x" * 1000)


def test_all_sessions_together(pair, eventually):
    first, second = pair("--bulk-mib", "8", "--bulk-total-mib", "12")
    kept, others = first.types.Holder(), second.types.Holder()
    kept.hold(array_of(8))
    others.hold(array_of(4))
    with pytest.raises(unity.QuotaExceeded, match=r"all sessions.*--bulk-total-mib"):
        others.hold(array_of(2))
    # Nothing of the refused one is left over.
    first.close()
    eventually(lambda: held(second) == 4 * MIB)
    others.hold(array_of(4))
    with pytest.raises(unity.QuotaExceeded, match=r"this session.*--bulk-mib"):
        others.hold(array_of(2))


def test_a_killed_client_gives_everything_back(own_server, script, eventually):
    server = own_server("--bulk-mib", "8", "--bulk-total-mib", "10")
    with server.connect() as neighbour:
        client = script(
            """
            import sys, unity
            session = unity.connect(sys.argv[1])
            holder = session.types.Holder()
            for _ in range(4):
                holder.hold(bytes(2 << 20))
            print("full", flush=True)
            sys.stdin.read()
            """,
            server.address,
        )
        assert client.process.stdout.readline() == "full\n"
        kept = neighbour.types.Holder()
        with pytest.raises(unity.QuotaExceeded):
            kept.hold(array_of(8))
        assert held(neighbour) == 8 * MIB
        client.process.kill()
        eventually(lambda: held(neighbour) == 0)
        kept.hold(array_of(8))


def test_what_an_object_keeps_is_charged_until_it_goes(own_server, eventually):
    server = own_server("--bulk-mib", "8")
    with server.connect() as observer:
        with server.connect() as first:
            first.types.Holder().hold(array_of(4))  # gone with its object
            eventually(lambda: held(observer) == 0)
            keeper = first.types.Holder()
            keeper.hold(array_of(4))
            assert held(observer) == 4 * MIB
        eventually(lambda: held(observer) == 0)  # gone with its session


def test_private_servers_take_the_options():
    with unity.launch(diagnostics=True, bulk_mib=1) as session:
        with pytest.raises(unity.QuotaExceeded, match=re.escape("--bulk-mib")):
            session.toolkits.diagnostics.echo(array_of(2))
        assert session.stats()["bytes_held"] == 0
