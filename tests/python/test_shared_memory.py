# SPDX-License-Identifier: Apache-2.0
"""Arrays in shared memory: who sees what is written to them, and who may write (Lent, Home, Moved,
Kept), without a copy; and that memory goes back when nobody uses it any more."""

import gc
import os
import pickle
import re
import signal
import subprocess
import sys
import textwrap

import pytest

import unity

np = pytest.importorskip("numpy")

LARGE = 1 << 22  # elements: 32 MiB, so that the server's arrays are born in an arena of their own


def private_kib(pid="self"):
    """KiB of memory that are this process's alone."""
    with open(f"/proc/{pid}/status") as status:
        return int(re.search(r"RssAnon:\s+(\d+)", status.read())[1])


def arenas(pid="self"):
    """How many mapped files of shared memory a process has."""
    with open(f"/proc/{pid}/maps") as maps:
        return sum("/memfd:" in line for line in maps)


def memfds(pid="self"):
    """How many descriptors of shared memory a process has."""
    links = (f"/proc/{pid}/fd/{fd}" for fd in os.listdir(f"/proc/{pid}/fd"))
    return sum(os.path.islink(link) and "/memfd:" in os.readlink(link) for link in links)


@pytest.fixture
def diagnostics(private):
    return private.toolkits.diagnostics


@pytest.fixture
def held(private):
    """A Holder that lets go of what it holds."""
    holder = private.types.Holder()
    handles = []

    class Held:
        def hold(self, x):
            handles.append(holder.hold(x))
            return handles[-1]

        def __getattr__(self, name):
            return getattr(holder, name)

    yield Held()
    for handle in handles:
        holder.drop(handle)


def lent(n=1000, mode="ro"):
    with unity.allocator(mode=mode, min_bytes=1):
        return np.arange(n, dtype=np.int64)


# Lent


def test_an_array_of_an_allocator_is_seen_where_it_lies_and_read_only(private, diagnostics):
    x = lent()
    copied = private.stats()["bytes_copied"]
    seen = diagnostics.describe(x)
    assert seen["arena"] is not None and seen["readonly"] and not seen["inline"]
    assert diagnostics.describe(x[10:])["offset"] == seen["offset"] + 80
    assert private.stats()["bytes_copied"] == copied


def test_the_server_sees_what_the_sender_writes_later(held):
    x = lent()
    handle = held.hold(x)
    x[0] = 77
    assert held.peek(handle, 0, 8) == (77).to_bytes(8, "little")


def test_the_server_may_not_write_what_was_lent_read_only(diagnostics):
    x = lent()
    with pytest.raises(unity.InvalidArgument, match=r"unity\.share"):
        diagnostics.fill(x, 5)
    assert x[0] == 0


@pytest.mark.parametrize("x", [lent(mode="rw"), unity.share(np.arange(1000), "rw")])
def test_the_server_writes_in_place_what_was_lent_writable(diagnostics, x):
    diagnostics.fill(x, 5)
    assert (x == 5).all()
    diagnostics.fill(x[::-3], 6)
    assert (x[::-3] == 6).all() and (x == 6).sum() == len(x[::3])


@pytest.mark.parametrize(
    "index",
    [np.s_[::2], np.s_[::-1], np.s_[5:, None], np.s_[7], np.s_[3:3]],
    ids=str,
)
@pytest.mark.parametrize("dtype", ["<i4", ">f8", "<M8[us]", "S5", [("a", "i2"), ("b", "f8")]])
def test_any_strides_cross_as_they_are(private, diagnostics, dtype, index):
    with unity.allocator(min_bytes=1):
        x = np.zeros((40, 6), "u1").repeat(np.dtype(dtype).itemsize, 1).view(dtype)
    copied = private.stats()["bytes_copied"]
    y = diagnostics.echo(x[index])
    assert private.stats()["bytes_copied"] == copied
    assert y.dtype == x.dtype and y.shape == x[index].shape
    if y.size:
        matter = np.array(y.shape) > 1
        assert np.shares_memory(x, y)
        assert (np.array(y.strides)[matter] == np.array(x[index].strides)[matter]).all()


def test_a_broadcast_array_is_sent_as_it_lies(diagnostics):
    x = np.broadcast_to(lent(10)[:, None], (10, 1 << 40))
    assert diagnostics.describe(x)["shape"] == (10, 1 << 40)


# Home


def test_what_was_lent_comes_back_as_the_very_memory(diagnostics):
    x = lent()
    y = diagnostics.echo(x)
    assert np.shares_memory(x, y) and y.flags.writeable
    y[1] = -1
    assert x[1] == -1
    z, w = diagnostics.pair(y, x[5:])
    assert np.shares_memory(z, x) and np.shares_memory(w, x) and w[0] == x[5]


def test_it_comes_back_after_the_array_is_gone(held):
    x = lent()
    handle = held.hold(x)
    del x
    assert held.get(handle)[999] == 999


def test_a_result_goes_back_to_the_server_as_its_own_memory(private, diagnostics):
    x = diagnostics.alloc([LARGE], "f8")
    y = diagnostics.echo(x)
    assert np.shares_memory(x, y)
    assert diagnostics.describe(x)["arena"] == diagnostics.describe(y[1:])["arena"]
    x[3] = 2.5
    assert diagnostics.total(y) == 2.5


# Moved


def test_a_result_that_the_server_does_not_keep_is_moved(private, diagnostics):
    copied = private.stats()["bytes_copied"]
    before = private_kib()
    x = diagnostics.alloc([LARGE], "f8")
    assert private.stats()["bytes_copied"] == copied
    assert x.flags.writeable
    x += 1
    assert private_kib() - before < 2048


def test_an_ordinary_array_is_copied_once_and_stays_the_senders(private, diagnostics):
    x = np.arange(LARGE)
    copied = private.stats()["bytes_copied"]
    y = diagnostics.echo(x)
    assert private.stats()["bytes_copied"] - copied == x.nbytes
    assert not np.shares_memory(x, y)
    y[:] = 0
    assert x[1] == 1


def test_a_submitted_array_is_sent_as_it_was(diagnostics):
    x = np.arange(LARGE)
    call = diagnostics.echo.submit(x)
    x[:] = 0
    assert call.result()[5] == 5


def test_memory_that_was_given_away_is_not_used_for_another_result(diagnostics):
    x = diagnostics.copy(np.full(100_000, 1.0))
    for i in range(20):
        diagnostics.copy(np.full(100_000, float(i)))
    assert (x == 1).all()


# Kept


@pytest.mark.parametrize("n", [10_000, LARGE])
def test_what_the_server_keeps_is_not_changed_through_a_result(held, n):
    handle = held.hold(np.arange(n))
    x, y = held.get(handle), held.get(handle)
    x[0] = 55
    assert y[0] == 0 and held.peek(handle, 0, 8) == bytes(8) and held.get(handle)[0] == 0


def test_a_large_array_that_the_server_keeps_is_shown_without_a_copy(private):
    copied = private.stats()["bytes_copied"]
    holder = private.types.Holder()
    handle = holder.zeros(LARGE)
    before = private_kib(), private_kib(private.server_pid)
    x, y = holder.get(handle), holder.get(handle)
    assert x.sum() == 0
    assert private_kib() - before[0] < 2048
    assert private_kib(private.server_pid) - before[1] < 2048
    assert private.stats()["bytes_copied"] == copied
    x[0] = 1
    assert y[0] == 0 and holder.get(handle)[0] == 0 and holder.peek(handle, 0, 8) == bytes(8)
    holder.poke(handle, 8, np.float64(3).tobytes())
    assert holder.get(handle)[1] == 3


def test_what_was_shown_stays_when_the_server_lets_go(private):
    holder = private.types.Holder()
    handle = holder.zeros(LARGE)
    x = holder.get(handle)
    holder.drop(handle)
    del holder
    private.ping()
    assert x.sum() == 0
    x += 1
    assert x.sum() == LARGE


def test_two_clients_see_the_same_and_change_nothing_for_each_other(own_server):
    server = own_server()
    with server.connect() as one:
        holder = one.types.Holder()
        handle = holder.hold(np.arange(LARGE))
        with unity.connect(server.address) as same:
            theirs = pickle.loads(pickle.dumps(holder))
            x, y = holder.get(handle), theirs.get(handle)
            x[0], y[1] = 7, 8
            assert (x[1], y[0]) == (1, 0)
            assert holder.get(handle)[0] == 0 and theirs.get(handle)[1] == 1
            assert same.ping() > 0


# Ends


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
        assert observer.stats()["live_objects"] == 0


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
