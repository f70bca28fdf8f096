# SPDX-License-Identifier: Apache-2.0
"""unity.allocator as a context: what is active where, and for how long allocators live."""

import asyncio
import concurrent.futures
import contextlib
import contextvars
import gc
import pickle
import threading
import weakref

import numpy as np
import pytest

import unity

try:
    from numpy._core.multiarray import get_handler_name, get_handler_version
except ImportError:  # before NumPy 2.0
    from numpy.core.multiarray import get_handler_name, get_handler_version

pytestmark = pytest.mark.usefixtures("share_pools")
BIG = 100_000  # bytes, more than any threshold here


def is_active(allocator):
    """Whether arrays are made by that allocator here, and are what they ought to be."""
    before = allocator.stats()["allocations"]
    array = np.empty(BIG, "u1")
    made = allocator.stats()["allocations"] - before
    assert unity.is_shared(array) == (get_handler_name() == "unity_shared")
    return made == 1


def test_arrays_made_in_the_block_are_shared():
    with unity.allocator() as allocator:
        assert get_handler_name() == "unity_shared"
        array = np.arange(BIG)
        assert get_handler_name(array) == "unity_shared"
        assert get_handler_version(array) == 1
        assert unity.is_shared(array) and unity.is_shared(array + 1)
        assert is_active(allocator)
    assert get_handler_name() == "default_allocator"
    assert not unity.is_shared(np.arange(BIG))
    assert unity.is_shared(array) and array[-1] == BIG - 1


@pytest.mark.parametrize("align", [64, 128, 4096, 64 << 10, 2 << 20])
def test_arrays_are_aligned(align):
    with unity.allocator(align=align, min_bytes=1000):
        arrays = [np.empty(n, "u1") for n in (0, 1, 999, 1000, 5000, 70_000, 3 << 20) * 3]
    assert [array.ctypes.data % align for array in arrays] == [0] * len(arrays)
    assert all(unity.is_shared(array) == (array.size >= 1000) for array in arrays)


def test_blocks_nest_and_give_back_what_was_active_before():
    outer, inner = unity.allocator(), unity.allocator()
    with outer:
        with inner:
            assert is_active(inner)
            with outer, outer:
                assert is_active(outer)
            assert is_active(inner) and not is_active(outer)
        assert is_active(outer)
    assert get_handler_name() == "default_allocator"


def test_an_exception_ends_the_block():
    allocator = unity.allocator()
    with pytest.raises(ZeroDivisionError), allocator:
        np.ones(BIG) / (1 // 0)
    assert get_handler_name() == "default_allocator"


def test_enable_and_disable():
    allocator = unity.allocator()
    assert "inactive" in repr(allocator)
    allocator.enable()
    assert is_active(allocator) and " active" in repr(allocator)
    allocator.disable()
    assert get_handler_name() == "default_allocator"
    with pytest.raises(RuntimeError, match="not active in this context"):
        allocator.disable()


def test_each_array_is_freed_by_the_allocator_that_made_it():
    first, second = unity.allocator(align=64), unity.allocator(align=4096, mode="rw")
    with first:
        one = np.ones(BIG)
        with second:
            two = np.ones(BIG)
            del one
            assert (first.stats()["live_blocks"], second.stats()["live_blocks"]) == (0, 1)
        del two
    assert second.stats()["live_blocks"] == 0


def test_the_memory_of_an_allocator_lives_as_long_as_its_last_array():
    def arenas():
        with open("/proc/self/maps") as maps:
            return sum("memfd:cppipc" in line for line in maps)

    before = arenas()
    allocator = unity.allocator()
    with allocator:
        array = np.arange(BIG)
    weak = weakref.ref(allocator)
    del allocator
    assert weak() is None and arenas() == before + 1
    view = array[5:]
    del array
    assert view.sum() == sum(range(5, BIG))
    del view
    gc.collect()
    assert arenas() == before


def test_many_allocators_come_and_go():
    kept = []
    for n in range(300):
        with unity.allocator(mode=("ro", "rw")[n % 2]):
            kept.append(np.full(BIG, n % 256, "u1"))
        if n % 3:
            kept.pop(n // 7 % len(kept))
    assert all((array == array[0]).all() for array in kept)


def test_other_threads_are_not_concerned():
    names = []
    with unity.allocator() as allocator:
        thread = threading.Thread(target=lambda: names.append(get_handler_name(np.ones(BIG))))
        thread.start()
        thread.join()
        inherited = contextvars.copy_context()
        with concurrent.futures.ThreadPoolExecutor() as executor:
            assert executor.submit(inherited.run, is_active, allocator).result()
    if not getattr(threading, "_thread_inherit_context", False):
        assert names == ["default_allocator"]


def test_threads_may_enter_the_same_allocator_at_the_same_time():
    allocator = unity.allocator(min_bytes=100)
    barrier = threading.Barrier(4)

    def work(n):
        barrier.wait()
        for _ in range(200):
            with allocator:
                arrays = [np.full(size, n, "u1") for size in (10, 1000, BIG)]
                np.concatenate(arrays)
            assert get_handler_name() == "default_allocator"
            assert all((array == n).all() for array in arrays)

    with concurrent.futures.ThreadPoolExecutor(4) as executor:
        list(executor.map(work, range(4)))
    stats = allocator.stats()
    assert stats["live_blocks"] == stats["private_blocks"] == stats["live_bytes"] == 0
    assert stats["allocations"] == stats["frees"] >= 4 * 200 * 3


def test_arrays_are_freed_by_any_thread():
    allocator = unity.allocator()
    with allocator:
        arrays = [np.ones(BIG) for _ in range(100)]
    threads = [threading.Thread(target=arrays.pop) for _ in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert allocator.stats()["live_blocks"] == 0


def test_tasks_inherit_and_do_not_leak():
    outer, inner = unity.allocator(), unity.allocator()

    async def task(entered, go_on):
        assert is_active(outer)
        with inner:
            entered.set()
            await go_on.wait()
            assert is_active(inner)
        assert is_active(outer)

    async def main():
        entered, go_on = asyncio.Event(), asyncio.Event()
        with outer:
            running = asyncio.create_task(task(entered, go_on))
            await entered.wait()
            assert is_active(outer)
        assert get_handler_name() == "default_allocator"
        go_on.set()
        await running
        assert get_handler_name() == "default_allocator"

    asyncio.run(main())


def test_a_generator_leaves_what_its_caller_has_entered():
    first, second = unity.allocator(), unity.allocator()

    def generator():
        with first:
            yield
            yield

    running = generator()
    next(running)
    assert is_active(first)  # NumPy's rule: the context is the caller's
    with second:
        next(running)
        assert is_active(second)
        running.close()
        assert is_active(second)
    assert get_handler_name() == "default_allocator"


def test_a_generator_closed_in_another_context_changes_nothing_there():
    allocator = unity.allocator()

    def generator():
        with allocator:
            yield

    running = generator()
    contextvars.copy_context().run(next, running)
    assert get_handler_name() == "default_allocator"
    running.close()
    assert get_handler_name() == "default_allocator"
    running = generator()
    contextvars.copy_context().run(next, running)
    with pytest.raises(RuntimeError, match="not active in this context"):
        next(running)


def test_an_exit_stack_holds_allocators():
    with contextlib.ExitStack() as stack:
        allocators = [stack.enter_context(unity.allocator()) for _ in range(5)]
        assert is_active(allocators[-1])
    assert get_handler_name() == "default_allocator"


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"align": 0}, "align is at least 64"),
        ({"align": 96}, "align is a power of two"),
        ({"align": 4 << 20}, "align is a power of two"),
        ({"min_bytes": -1}, "min_bytes is at least 0"),
        ({"min_bytes": 2**63}, "min_bytes is at least 0"),
        ({"max_bytes": 0}, "max_bytes is at least 1"),
        ({"mode": "w"}, "mode is 'ro' or 'rw', not 'w'"),
        ({"on_full": None}, "on_full is 'private' or 'strict', not None"),
        ({"fork": ""}, "fork is 'share' or 'copy'"),
    ],
)
def test_wrong_values_are_refused(options, error):
    with pytest.raises(ValueError, match=error):
        unity.allocator(**options)


def test_wrong_types_are_refused():
    for name in ("align", "min_bytes", "max_bytes"):
        with pytest.raises(TypeError):
            unity.allocator(**{name: 64.0})
    with pytest.raises(TypeError):
        unity.allocator(64)
    with pytest.raises(TypeError, match="cannot pickle an allocator"):
        pickle.dumps(unity.allocator())
    with pytest.raises(TypeError, match="was not initialised"):
        unity.allocator.__new__(unity.allocator).enable()


def test_huge_pages_are_asked_for_and_nothing_else_changes():
    with unity.allocator(hugepages=True):
        array = np.full(5 << 20, 7, "u1")
    assert unity.is_shared(array) and (array == 7).all()


def test_without_numpy_it_says_what_to_do(run_script):
    code = """
        import sys
        sys.modules["numpy"] = None
        import unity
        for make in (unity.allocator, lambda: unity.share(b"abc")):
            try:
                make()
            except ImportError as error:
                print(error)
        print(unity.is_shared(b"abc"))
    """
    hint = (
        "shared arrays need NumPy, which is not installed here: pip install 'unity-broker[numpy]'"
    )
    assert run_script(code) == f"{hint}\n{hint}\nFalse\n"


def test_numpy_is_imported_by_allocators_only(run_script):
    code = """
        import sys
        import unity
        unity.is_shared(b"abc")
        print("numpy" in sys.modules)
        unity.allocator()
        print("numpy" in sys.modules)
    """
    assert run_script(code) == "False\nTrue\n"
