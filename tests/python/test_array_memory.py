# SPDX-License-Identifier: Apache-2.0
"""What NumPy does with the memory of unity.allocator: all that it may ask for, in any state."""

import ctypes
import os
import re
import tracemalloc

import numpy as np
import pytest

import unity

try:
    from numpy._core import _multiarray_umath as umath
except ImportError:  # before NumPy 2.0
    from numpy.core import _multiarray_umath as umath

pytestmark = pytest.mark.usefixtures("share_pools")
MIB = 1 << 20


def resident(kind):
    """Bytes of this process that are in RAM, "Anon" or "Shmem"."""
    with open("/proc/self/status") as status:
        return int(re.search(rf"Rss{kind}:\s+(\d+) kB", status.read())[1]) * 1024


def live(allocator):
    stats = allocator.stats()
    return stats["live_blocks"], stats["private_blocks"]


class Handler:
    """The C functions of the active handler, called without the GIL as NumPy sometimes does."""

    def __init__(self):
        pointer = ctypes.pythonapi.PyCapsule_GetPointer
        pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
        table = ctypes.cast(pointer(umath._ARRAY_API, None), ctypes.POINTER(ctypes.c_void_p))
        self.capsule = ctypes.PYFUNCTYPE(ctypes.py_object)(table[305])()
        address = pointer(self.capsule, b"mem_handler")
        self.name = ctypes.string_at(address)
        self.version = ctypes.string_at(address + 127, 1)[0]
        fields = ctypes.cast(address + 128, ctypes.POINTER(ctypes.c_void_p))
        void, size = ctypes.c_void_p, ctypes.c_size_t
        self.context = fields[0]
        self.malloc = ctypes.CFUNCTYPE(void, void, size)(fields[1])
        self.calloc = ctypes.CFUNCTYPE(void, void, size, size)(fields[2])
        self.realloc = ctypes.CFUNCTYPE(void, void, void, size)(fields[3])
        self.free = ctypes.CFUNCTYPE(None, void, void, size)(fields[4])


@pytest.fixture
def allocator():
    with unity.allocator(min_bytes=1000) as allocator:
        yield allocator


@pytest.fixture
def handler(allocator):
    return Handler()


def test_the_handler_is_what_numpy_asks_for(handler):
    assert (handler.name, handler.version) == (b"unity_shared", 1)
    assert handler.context and handler.malloc and handler.calloc


@pytest.mark.parametrize("size", [0, 1, 999, 1000, 70_000, 20 * MIB])
def test_free_takes_any_size(allocator, handler, size):
    for wrong in (0, 1, size, 2**63):
        block = handler.malloc(handler.context, size)
        assert block % 64 == 0
        handler.free(handler.context, block, wrong)
    handler.free(handler.context, None, 5)
    assert live(allocator) == (0, 0)


def test_no_two_blocks_of_no_bytes_are_the_same(allocator, handler):
    blocks = {handler.malloc(handler.context, 0) for _ in range(10)}
    blocks |= {handler.calloc(handler.context, 0, n) for n in range(10)}
    assert len(blocks) == 20 and None not in blocks
    for block in blocks:
        handler.free(handler.context, block, 0)
    assert live(allocator) == (0, 0)


def test_calloc_clears_and_sees_overflow(allocator, handler):
    for size in (10, 5000, 20 * MIB):
        for _ in range(2):  # the second is recycled
            block = handler.calloc(handler.context, 10, size // 10)
            assert ctypes.string_at(block, size) == bytes(size)
            ctypes.memset(block, 0xFF, size)
            handler.free(handler.context, block, size)
    for count, size in ((2**33, 2**33), (2**63, 2), (2**64 - 1, 2**64 - 1), (2**64 - 1, 1)):
        assert handler.calloc(handler.context, count, size) is None
    assert handler.malloc(handler.context, 2**64 - 1) is None
    assert live(allocator) == (0, 0)


def test_realloc_keeps_the_bytes_across_the_threshold(allocator, handler):
    block = handler.realloc(handler.context, None, 3)
    ctypes.memset(block, 7, 3)
    kept = 3
    for size in (900, 1000, 5000, 900, 70_000, 20 * MIB, 20, 0):
        block = handler.realloc(handler.context, block, size)
        kept = min(kept, size)
        assert block % 64 == 0 and ctypes.string_at(block, kept) == b"\7" * kept
    assert handler.realloc(handler.context, block, 2**63) is None
    handler.free(handler.context, block, 0)
    assert live(allocator) == (0, 0)


def test_numpy_reallocates_without_the_gil(allocator):
    text = "1.5 " * 50_000
    array = np.fromstring(text, sep=" ")
    assert array.sum() == 75_000 and unity.is_shared(array)
    assert allocator.stats()["reallocations"] > 0


def test_an_exception_that_is_set_stays_set(allocator):
    for count in (10, 100_000):  # freed with the exception set, private and shared
        with pytest.raises(ZeroDivisionError):
            np.fromiter((1 // (count - n - 1) for n in range(count)), "f8")
    with pytest.raises(ValueError, match="could not convert"):
        np.array(["1"] * 10_000 + ["x"]).astype("f8")
    assert live(allocator) == (0, 0)


def test_files_that_are_empty_or_short(allocator, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"")
    assert np.fromfile(path).size == 0
    path.write_bytes(bytes(8 * 10_000))
    assert np.fromfile(path, count=20_000).size == 10_000
    assert live(allocator) == (0, 0)


def test_arrays_are_resized(allocator):
    array = np.arange(1000)
    view = memoryview(array)[:10].tolist()
    array.resize(100_000, refcheck=False)
    assert array[999] == 999 and array[1000:].sum() == 0 and view == list(range(10))
    array.resize(10, refcheck=False)
    assert array.tolist() == view
    array.resize(0, refcheck=False)
    array.resize(5000, refcheck=False)
    assert array.tolist() == [0] * 5000


@pytest.mark.parametrize("on_full", ["private", "strict"])
def test_absurd_sizes_are_memory_errors(on_full):
    with unity.allocator(on_full=on_full) as allocator:
        for make in (np.empty, np.zeros):
            with pytest.raises(MemoryError):
                make(2**62, "u1")
        array = np.ones(1000)
        with pytest.raises(MemoryError):
            array.resize(2**59, refcheck=False)
        assert array.sum() == 1000
        assert allocator.stats()["failures"] >= 2
        del array
    assert live(allocator) == (0, 0)


def test_a_full_allocator_is_private_or_strict():
    with unity.allocator(max_bytes=MIB) as allocator:
        arrays = [np.full(400_000, n, "u1") for n in range(5)]
        assert [unity.is_shared(array) for array in arrays].count(False) >= 3
        assert all((array == n).all() for n, array in enumerate(arrays))
        assert allocator.stats()["arena_bytes"] <= MIB
        del arrays
        assert live(allocator) == (0, 0) and unity.is_shared(np.empty(400_000, "u1"))
    with unity.allocator(max_bytes=MIB, on_full="strict") as allocator:
        array = np.empty(900_000, "u1")
        with pytest.raises(MemoryError):
            np.empty(900_000, "u1")
        del array
        assert unity.is_shared(np.empty(900_000, "u1"))


def test_a_shared_array_that_outgrows_the_allocator_moves_on():
    with unity.allocator(max_bytes=MIB) as allocator:
        array = np.arange(100_000, dtype="u4")
        assert unity.is_shared(array)
        array.resize(MIB, refcheck=False)
        assert not unity.is_shared(array) and array[99_999] == 99_999
        assert live(allocator) == (0, 1)


def test_zeros_commit_no_memory():
    with unity.allocator():
        np.zeros(10_000)
        before = resident("Shmem"), resident("Anon")
        array = np.zeros(200 * MIB, "u1")
        assert resident("Shmem") - before[0] < MIB and resident("Anon") - before[1] < MIB
        array[:10] = 1
        assert array[:20].sum() == 10
        array[:: os.sysconf("SC_PAGESIZE")] = 1
        assert resident("Shmem") - before[0] >= 200 * MIB


def test_recycled_memory_is_cleared_for_zeros(allocator):
    for size in (1000, 100_000, 3 * MIB, 20 * MIB):
        np.full(size, 255, "u1")
        assert not np.zeros(size, "u1").any()


def test_small_arrays_are_private():
    with unity.allocator(min_bytes=1000) as allocator:
        small, large = np.empty(999, "u1"), np.empty(1000, "u1")
        stats = allocator.stats()
    assert (unity.is_shared(small), unity.is_shared(large)) == (False, True)
    assert (stats["private_bytes"], stats["live_bytes"]) == (999, 1000)
    with unity.allocator(min_bytes=0):
        assert unity.is_shared(np.empty(1)) and unity.is_shared(np.empty(0))


def test_counters_are_exact():
    with unity.allocator(min_bytes=100) as allocator:
        arrays = [np.empty(n, "u1") for n in (10, 200, 3000)]
        del arrays[1]
        arrays[1].resize(50_000, refcheck=False)
        stats = allocator.stats()
        assert allocator.stats() == stats  # looking changes nothing
    expected = {
        "allocations": 2, "frees": 1, "reallocations": 1, "failures": 0, "live_blocks": 1,
        "live_bytes": 50_000, "peak_bytes": 50_000, "leased_blocks": 0, "arenas": 1,
        "arena_bytes": 64 * MIB, "private_allocations": 1, "private_blocks": 1, "private_bytes": 10,
    }  # fmt: skip
    assert stats == expected
    del arrays
    assert live(allocator) == (0, 0)


def test_tracemalloc_sees_the_memory_once(allocator):
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        array = np.empty(10 * MIB, "u1")
        grown = tracemalloc.get_traced_memory()[0] - before
        assert 10 * MIB <= grown < 11 * MIB
        del array
        assert tracemalloc.get_traced_memory()[0] - before < MIB
    finally:
        tracemalloc.stop()


def test_the_policy_warning_has_nothing_to_say(run_script, monkeypatch):
    monkeypatch.setenv("NUMPY_WARN_IF_NO_MEM_POLICY", "1")
    code = """
        import warnings
        warnings.simplefilter("error")
        import numpy as np
        import unity
        with unity.allocator():
            array = np.ones(100_000)
        array += 1
        del array
        unity.share(b"abc")
        print("fine")
    """
    assert run_script(code) == "fine\n"


def test_a_process_ends_with_live_arrays(run_script):
    code = """
        import atexit
        import threading
        import numpy as np
        import unity
        class Late:
            def __del__(self):
                self.array = self.array * 2
        late = Late()
        keep = []
        with unity.allocator() as allocator:
            late.array = np.ones(100_000)
            keep += [np.ones(n) for n in (1, 10_000, 10_000_000)]
            atexit.register(lambda array=np.ones(100_000): array.resize(5, refcheck=False))
        allocator.enable()
        threading.Thread(target=lambda: np.ones(100_000)).start()
        cycle = [keep, late]
        cycle.append(cycle)
        print("fine")
    """
    assert run_script(code) == "fine\n"
