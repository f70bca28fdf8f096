# SPDX-License-Identifier: Apache-2.0
"""Arrays in shared memory: who sees what is written to them, and who may write (Lent, Home, Moved,
Kept), without a copy."""

import concurrent.futures
import pickle

import numpy as np
import pytest

import unity
from arenas import LARGE, lent, private_kib

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


def test_threads_that_send_and_get_arrays_at_once(diagnostics):
    def work(seed):
        random = np.random.default_rng(seed)
        for i in range(60):
            n = int(random.integers(1, 300_000))
            with unity.allocator(min_bytes=1 if i % 2 else 1 << 40):
                x = random.random(n)
            y, z = diagnostics.echo(x), diagnostics.copy(x)
            p, q = diagnostics.pair(x, y)
            for other in (y, z, p, q):
                assert np.array_equal(x, other)
            z[:] = 0
            assert np.array_equal(x, y)

    with concurrent.futures.ThreadPoolExecutor(6) as threads:
        list(threads.map(work, range(6)))


# Sent again


@pytest.mark.parametrize("n", [10_000, LARGE])
def test_what_was_written_to_a_kept_result_is_what_is_sent(private, diagnostics, n):
    holder = private.types.Holder()
    k = holder.get(holder.zeros(n))
    k[:] = 1
    assert diagnostics.total(k) == n
    assert diagnostics.echo(k[::-2]).sum() == len(k[::-2])
    k[:] = 2
    assert holder.get(holder.hold(k))[5] == 2


def test_read_only_arrays_that_were_lent_are_not_written_by_anybody(diagnostics):
    x = lent()
    rows = diagnostics.echo(np.broadcast_to(x, (3, 1000)))
    rows += np.arange(3)[:, None]
    assert (rows[:, 1] == [1, 2, 3]).all() and x[1] == 1
    view = x.view()
    view.flags.writeable = False
    diagnostics.echo(view)[0] = -99
    assert x[0] == 0
    writable = unity.share(np.zeros(5), "rw")
    writable.flags.writeable = False
    with pytest.raises(unity.InvalidArgument, match="lent writable"):
        diagnostics.fill(writable, 3.0)
    assert writable.sum() == 0
