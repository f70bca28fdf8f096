# SPDX-License-Identifier: Apache-2.0
"""unity.share() and unity.is_shared(), and shared arrays in forked children."""

import array
import os
import sys

import numpy as np
import pytest

import unity
from equality import same_array as same

pytestmark = pytest.mark.usefixtures("share_pools")


@pytest.mark.parametrize("mode", ["ro", "rw"])
@pytest.mark.parametrize(
    "value",
    [
        np.arange(12.0).reshape(3, 4),
        np.asfortranarray(np.arange(12).reshape(3, 4)),
        np.arange(24).reshape(2, 3, 4)[:, ::-2, 1:3],
        np.array(5),
        np.zeros((0, 3)),
        np.array(["a", "bc"]),
        np.array([b"a", b"bc"]),
        np.array(["2020-01-01"], "M8[D]"),
        np.array([(1, 2.5)], [("a", "i1"), ("b", ">f8")]),
        np.arange(5, dtype=">i2"),
        np.zeros(2, "V5"),
        np.broadcast_to(np.arange(3), (2, 3)),
    ],
    ids=lambda value: f"{value.dtype}{value.shape}".replace(" ", ""),
)
def test_a_copy_has_the_same_elements(value, mode):
    shared = unity.share(value, mode)
    assert shared is not value and same(shared, value)
    assert unity.is_shared(shared) and shared.flags.writeable
    assert unity.share(shared, mode) is shared
    assert not unity.is_shared(value)


def test_the_mode_is_what_was_asked_for():
    for_reading = unity.share(np.arange(5))
    for_writing = unity.share(for_reading, "rw")
    assert not np.shares_memory(for_reading, for_writing)
    assert unity.share(for_writing, "rw") is for_writing
    assert not np.shares_memory(unity.share(for_writing, "ro"), for_writing)
    with unity.allocator(mode="rw"):
        born = np.arange(10_000)
    assert unity.share(born, "rw") is born and unity.share(born) is not born


@pytest.mark.parametrize(
    "value", [b"abc", bytearray(b"abc"), memoryview(b"abc"), array.array("d", [1, 2])], ids=repr
)
def test_other_exporters_give_arrays(value):
    shared = unity.share(value)
    assert isinstance(shared, np.ndarray) and unity.is_shared(shared)
    assert memoryview(shared) == memoryview(value)
    assert not unity.is_shared(value)


def test_views_of_shared_arrays_are_shared():
    with unity.allocator():
        value = np.arange(10_000.0).reshape(100, 100)
    for view in (value.T, value[5:7], value[::-1, ::-3], value[:0], value.reshape(-1)[7], value[7]):
        if isinstance(view, np.ndarray):
            assert unity.is_shared(view)
            assert unity.share(view) is view
    assert unity.is_shared(memoryview(value)) and unity.is_shared(np.frombuffer(value))
    assert not unity.is_shared(value.copy())
    outside = np.lib.stride_tricks.as_strided(value, (2,), (1 << 40,))
    assert not unity.is_shared(outside)


def test_what_cannot_be_shared():
    for value in (5, "abc", None, [1, 2]):
        with pytest.raises(TypeError):
            unity.is_shared(value)
        with pytest.raises(TypeError):
            unity.share(value)
    with pytest.raises(TypeError, match="Python objects"):
        unity.share(np.array([None]))
    with pytest.raises(ValueError, match="mode is 'ro' or 'rw'"):
        unity.share(b"abc", "w")


def in_child(test):
    """The exit status of a forked child that runs `test`, which returns whether all is well."""
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            status = 42 if test() else 2
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.mark.parametrize("fork", ["share", "copy"])
def test_a_forked_child_has_arrays_of_its_own(fork):
    with unity.allocator(fork=fork, min_bytes=100) as allocator:
        value = np.arange(100_000)
        large = np.ones(3_000_000)

    def child():
        if value.sum() != sum(range(100_000)) or unity.is_shared(value):
            return False
        value[:] = 7
        large[5] = 7
        with allocator:
            own = value + large[:100_000]
            resized = np.arange(50)
        resized.resize(100_000, refcheck=False)
        large.resize(5, refcheck=False)
        return own[0] == 8 and unity.is_shared(own) and (value == 7).all()

    assert in_child(child) == 42
    assert (value == np.arange(100_000)).all() and (large == 1).all()
    stats = allocator.stats()
    assert (stats["allocations"], stats["frees"]) == (2, 0)


def test_a_copied_array_stays_as_it_was_at_the_fork():
    with unity.allocator(fork="copy"):
        value = np.ones(1_000_000)
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.read(reader, 1)
        os._exit(42 if (value == 1).all() else 2)
    value[:] = 2
    os.write(writer, b"x")
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 42
    os.close(reader)
    os.close(writer)


def test_a_forked_child_frees_and_ends_in_peace():
    with unity.allocator():
        values = [np.arange(n) for n in (10, 10_000, 1_000_000)]

    def child():
        values.clear()
        return in_child(lambda: unity.share(b"abc").tobytes() == b"abc") == 42

    assert in_child(child) == 42
    assert [value[-1] for value in values] == [9, 9_999, 999_999]
