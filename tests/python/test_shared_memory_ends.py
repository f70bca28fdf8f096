# SPDX-License-Identifier: Apache-2.0
"""Shared memory goes back when nobody uses it any more, whoever ends first, and can be missing."""

import gc
import os
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pytest

import unity
from arenas import LARGE, arenas, lent, memfds


def test_results_outlive_their_session():
    with unity.launch(diagnostics=True) as session:
        x = session.toolkits.diagnostics.alloc([LARGE], "f8")
        y = session.toolkits.diagnostics.echo(np.arange(LARGE))
    x += 1
    assert x.sum() == LARGE and y[-1] == LARGE - 1


def test_results_outlive_a_server_that_is_killed():
    with unity.launch(diagnostics=True) as session:
        x = session.toolkits.diagnostics.alloc([LARGE], "f8")
        z = lent(100_000)
        session.types.Holder().hold(z)
        os.kill(session.server_pid, signal.SIGKILL)
        with pytest.raises(unity.ConnectionLost):
            session.ping()
    x += 1
    z += 1
    assert x.sum() == LARGE and z[0] == 1


def test_descriptors_and_mappings_grow_with_arenas_and_not_with_calls(private, diagnostics):
    arrays = [lent(5000) for _ in range(20)]
    for x in arrays:
        diagnostics.echo(x)
    server = private.server_pid
    before = arenas(), memfds(), arenas(server), memfds(server)
    for _ in range(20):
        for x in arrays:
            diagnostics.echo(x)
            diagnostics.copy(x)
    assert (arenas(), memfds(), arenas(server), memfds(server)) <= tuple(n + 1 for n in before)


def test_nothing_of_a_session_stays_mapped(eventually, own_server):
    server = own_server()
    gc.collect()
    with server.connect() as observer:
        before = memfds(), arenas(), memfds(server.process.pid), arenas(server.process.pid)
        with server.connect() as session:
            diagnostics = session.toolkits.diagnostics
            with unity.allocator(min_bytes=1) as allocator:
                x = np.arange(LARGE)
            y = diagnostics.copy(x)
            holder = session.types.Holder()
            handle = holder.hold(x)
            holder.hold(np.arange(LARGE))
            assert np.array_equal(holder.get(handle), y)
            assert session.stats()["arenas"] > 0
            del x, y, allocator
        eventually(
            lambda: (
                gc.collect() >= 0
                and (memfds(), arenas(), memfds(server.process.pid), arenas(server.process.pid))
                == before
            )
        )
        assert observer.stats()["arenas"] == 0


def test_a_client_that_is_killed_leaves_nothing_on_the_server(eventually, own_server, script):
    server = own_server()
    with server.connect() as observer:
        pid = server.process.pid
        before = memfds(pid), arenas(pid)
        child = script(
            """
            import sys, unity, numpy as np
            session = unity.connect(sys.argv[1])
            with unity.allocator():
                x = np.arange(1 << 20)
            holder = session.types.Holder()
            holder.hold(x), holder.hold(np.arange(1 << 20))
            y = session.toolkits.diagnostics.alloc([1 << 22], "f8")
            print("ready", flush=True)
            sys.stdin.read()
            """,
            server.address,
        )
        assert child.line() == "ready"
        assert arenas(pid) > before[1]
        child.process.kill()
        eventually(lambda: (memfds(pid), arenas(pid)) == before)
        eventually(lambda: observer.stats()["live_objects"] == 0)


def test_a_block_is_free_again_when_the_server_has_let_go(eventually, private):
    with unity.allocator(min_bytes=1) as allocator:
        x = np.arange(10_000)
    holder = private.types.Holder()
    handle = holder.hold(x)
    del x
    assert allocator.stats()["leased_blocks"] == 1
    holder.drop(handle)
    eventually(lambda: allocator.stats()["leased_blocks"] == 0)
    assert allocator.stats()["live_blocks"] == 0


def test_dropping_the_holder_itself_gives_the_blocks_back(eventually, private):
    with unity.allocator(min_bytes=1) as allocator:
        x = np.arange(10_000)
    holder = private.types.Holder()
    holder.hold(x)
    del x, holder
    eventually(lambda: allocator.stats()["leased_blocks"] == 0)


def test_a_shrunk_array_leaves_the_server_what_it_was_lent(held):
    x = lent(100_000)
    handle = held.hold(x)
    x.resize(10, refcheck=False)
    x[:] = -1
    assert held.peek(handle, 8, 8) == (1).to_bytes(8, "little")


def test_an_array_of_another_session_is_copied(private, diagnostics):
    with unity.launch(diagnostics=True) as other:
        x = other.toolkits.diagnostics.alloc([LARGE], "f8")
        x[1] = 4
        y = diagnostics.echo(x)
        assert y[1] == 4 and not np.shares_memory(x, y)


def test_a_client_that_may_not_share_gets_the_same_by_value():
    code = """
        import resource, unity, numpy as np
        with unity.launch(diagnostics=True) as session:
            session.toolkits.diagnostics.echo(np.arange(3))  # has imported what it needs
            # No descriptor is left for arenas, of either side's making.
            soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
            in_use = max(map(int, __import__("os").listdir("/proc/self/fd")))
            resource.setrlimit(resource.RLIMIT_NOFILE, (in_use, hard))
            x = np.arange(1 << 20)
            y = session.toolkits.diagnostics.echo(x)
            z = session.toolkits.diagnostics.alloc([1 << 22], "f8")
            assert np.array_equal(x, y) and z.shape == (1 << 22,)
            print("equal")
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout) == (0, "equal\n"), done.stderr


def test_arrays_of_a_session_that_is_gone_are_ordinary_for_the_next():
    def made():
        with unity.launch(diagnostics=True) as session:
            diagnostics = session.toolkits.diagnostics
            return diagnostics.alloc([LARGE], "f8"), diagnostics.echo(np.arange(100_000.0))

    for _ in range(3):
        arrays = made()
        gc.collect()  # what the session was may be where the next one will be
        with unity.launch(diagnostics=True) as session:
            for array in arrays:
                array[7] = 4.5
                assert np.array_equal(session.toolkits.diagnostics.echo(array), array)
