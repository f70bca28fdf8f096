# SPDX-License-Identifier: Apache-2.0
"""NumPy arrays in memory that a server can map: unity.allocator, unity.share, unity.is_shared."""

from cpython.buffer cimport PyBUF_STRIDES, PyBuffer_Release, PyObject_GetBuffer
from libc.stdint cimport uint64_t, uintptr_t
from libcpp cimport bool as cbool
from libcpp.memory cimport shared_ptr
from unity.type_slots cimport TypeObject, rename_type

import contextvars
import operator

from unity import _array_api

cdef extern from "raise_as_python.h":
    void raise_as_python()

cdef extern from "cppipc/shared_pool.h" namespace "cppipc" nogil:
    cdef cppclass SharedPoolOptions:
        cbool is_writable
        size_t alignment
        uint64_t bytes_max
        cbool has_huge_pages
        cbool is_copied_at_fork

    cdef cppclass SharedPoolStats:
        uint64_t allocations
        uint64_t frees
        uint64_t reallocations
        uint64_t failures
        uint64_t live_blocks
        uint64_t live_bytes
        uint64_t peak_bytes
        uint64_t leased_blocks
        uint64_t arenas
        uint64_t arena_bytes

    cdef cppclass SharedPool:
        pass

    shared_ptr[SharedPool] make_pool "cppipc::SharedPool::make"(
        const SharedPoolOptions& options) except +raise_as_python
    cbool lies_in_pool "cppipc::is_shared"(const void* begin, size_t size, cbool* is_writable)

cdef extern from "array_memory.h" namespace "unity" nogil:
    cdef cppclass PrivateStats:
        uint64_t blocks
        uint64_t bytes
        uint64_t allocations

    cdef cppclass ArrayMemory:
        SharedPoolStats pool_stats()
        PrivateStats private_stats()

cdef extern from "numpy_handler.h" namespace "unity":
    cdef cppclass NumpyHandlers:
        object set(object capsule)
        object get()

    cbool find_numpy_handlers(object array_api, NumpyHandlers* found) except? False
    ArrayMemory* memory_of(object handler) except NULL
    object make_handler(shared_ptr[SharedPool] pool, size_t alignment, size_t bytes_min,
                        cbool is_strict) except +raise_as_python

cdef NumpyHandlers handlers
cdef bint has_handlers = False

# What was entered in this context: (allocator, the handler before, what was entered before) or
# None. A context variable like NumPy's own, so that both are inherited alike.
cdef object entered = contextvars.ContextVar("unity.allocator", default=None)
# The allocators that share() copies with, by mode; made when they are first needed.
cdef dict copiers = {}

cdef size_t ALIGN_MAX = 2 << 20


cdef find_handlers():
    # Looks for NumPy's functions, once.
    global has_handlers
    if has_handlers:
        return
    if not find_numpy_handlers(_array_api.array_api(), &handlers):
        raise ImportError("shared arrays need NumPy 1.22 or newer: pip install --upgrade numpy")
    has_handlers = True


cdef cbool choice(str name, object value, str no, str yes) except *:
    # Whether `value` is `yes` rather than `no`.
    if value != no and value != yes:
        raise ValueError(f"{name} is {no!r} or {yes!r}, not {value!r}")
    return value == yes


cdef size_t checked_size(str name, object value, object least) except? 0:
    number = operator.index(value)
    if not least <= number < 2**63:
        raise ValueError(f"{name} is at least {least} and less than 2**63, not {number}")
    return number


cdef class allocator:
    """A context in which NumPy makes its arrays in memory that a server can map.

    with unity.allocator():
        a = np.zeros((1000, 1000))    # a and what is computed from it cross without a copy

    Every array that owns its memory and is made in the `with` block, by any function of NumPy,
    has its elements in shared memory, at multiples of `align`. It is an ordinary array and may
    outlive the block, and this object. A block of memory that a server still uses is not used
    again before the server has let go of it, whoever deletes or resizes the array.

    The context is NumPy's: the block concerns the thread, or the asyncio task, that runs it.
    Tasks made in the block inherit it; other threads do not. A generator that yields within the
    block leaves it active in its caller. Blocks may be nested, and one allocator may be entered
    many times, also at the same time in several threads; what was active before is active again
    after each.

    After fork(), the arrays of the child are its own: what it writes stays there. What the parent
    writes after the fork may show in the child until the child writes to that page of memory,
    unless the allocator was made with fork="copy". What else a forked child allocates is shared
    with the child's own servers.

    Args:
        align: what the address of the first element is a multiple of, in bytes; a power of two
            from 64 to 2 MiB.
        min_bytes: smaller arrays, in bytes, have memory of this process alone: sending them by
            value is cheaper than keeping account of who uses them. 0 or more.
        mode: "ro": servers can only read the arrays; the kernel sees to that. "rw": they can
            write to all memory of this allocator.
        on_full: what happens to an array for which there is no room: "private": it has memory of
            this process alone, and crosses by value. "strict": MemoryError.
        hugepages: whether to ask the kernel for huge pages, which it may not have for shared
            memory.
        fork: "share" or "copy": whether a forked child has a copy of all arrays as they were, made
            by the thread that forks. Which writes that other threads make during the fork are in
            it is not defined; and where there is no memory for a copy, it is as with "share".
        max_bytes: how many bytes of shared memory there are at most, 1 or more, for arrays and
            what is kept for the next ones; None: half of the memory that is free now.

    Raises:
        ImportError: NumPy is not installed, or is older than 1.22.
        ValueError: an argument is not in its range.
        TypeError: a number is not an integer.
    """

    cdef object handler  # the capsule that NumPy calls "mem_handler"
    cdef object options
    cdef object __weakref__

    def __init__(self, *, align=64, min_bytes=4096, mode="ro", on_full="private", hugepages=False,
                 fork="share", max_bytes=None):
        cdef SharedPoolOptions options
        cdef size_t alignment = checked_size("align", align, 64)
        cdef size_t bytes_min = checked_size("min_bytes", min_bytes, 0)
        if alignment & (alignment - 1) or alignment > ALIGN_MAX:
            raise ValueError(f"align is a power of two from 64 to 2 MiB, not {align}")
        options.is_writable = choice("mode", mode, "ro", "rw")
        is_strict = choice("on_full", on_full, "private", "strict")
        options.is_copied_at_fork = choice("fork", fork, "share", "copy")
        options.has_huge_pages = bool(hugepages)
        options.alignment = 2 * alignment  # see array_memory.h
        options.bytes_max = 0 if max_bytes is None else checked_size("max_bytes", max_bytes, 1)
        find_handlers()
        self.handler = make_handler(make_pool(options), alignment, bytes_min, is_strict)
        self.options = (align, min_bytes, mode, on_full)

    def __enter__(self):
        if self.handler is None:
            raise TypeError("the allocator was not initialised")
        entered.set((self, handlers.set(self.handler), entered.get()))
        return self

    def __exit__(self, exc_type, exc_value, traceback):
        if not leave(self) and exc_type is None:
            raise RuntimeError("the allocator is not active in this context")

    def enable(self):
        """Makes the allocator active in this context, until `disable()`."""
        self.__enter__()

    def disable(self):
        """Undoes the last `enable()` of this context.

        Raises:
            RuntimeError: the allocator is not active in this context.
        """
        self.__exit__(None, None, None)

    def stats(self):
        """What the allocator has done so far, as a dict of ints; exact at that moment.

        allocations, frees, reallocations: of shared blocks, one for each array; a reallocation is
            neither of the others.
        failures: requests that found no room.
        live_blocks, live_bytes: of arrays that exist, bytes as NumPy asked for them.
        peak_bytes: the most that live_bytes has been.
        leased_blocks: blocks of arrays that exist no more, but are still used by a server.
        arenas, arena_bytes: files of shared memory and their size; memory that was never touched
            is counted, though it is not used.
        private_allocations, private_blocks, private_bytes: of arrays that were too small, or found
            no room: since the beginning, and existing now.
        """
        cdef ArrayMemory* memory = memory_of(self.handler)
        cdef SharedPoolStats pool = memory.pool_stats()
        cdef PrivateStats private = memory.private_stats()
        return {
            "allocations": pool.allocations,
            "frees": pool.frees,
            "reallocations": pool.reallocations,
            "failures": pool.failures,
            "live_blocks": pool.live_blocks,
            "live_bytes": pool.live_bytes,
            "peak_bytes": pool.peak_bytes,
            "leased_blocks": pool.leased_blocks,
            "arenas": pool.arenas,
            "arena_bytes": pool.arena_bytes,
            "private_allocations": private.allocations,
            "private_blocks": private.blocks,
            "private_bytes": private.bytes,
        }

    def __reduce__(self):
        raise TypeError("cannot pickle an allocator: its memory belongs to this process")

    def __repr__(self):
        align, min_bytes, mode, on_full = self.options
        state = "active" if handlers.get() is self.handler else "inactive"
        return (f"<unity.allocator align={align}, min_bytes={min_bytes}, mode={mode!r}, "
                f"on_full={on_full!r}, {state}>")


cdef bint leave(allocator leaving) except -1:
    # Undoes the last entering of an allocator in this context; False if there was none. What was
    # entered after it, and not left, stays active: a generator may have been in between.
    cdef list above = []
    node = entered.get()
    while node is not None and node[0] is not leaving:
        above.append(node)
        node = node[2]
    if node is None:
        return False
    _, before, rest = node
    if above:
        last = above.pop()
        rest = (last[0], before, rest)
        while above:
            node = above.pop()
            rest = (node[0], node[1], rest)
    else:
        handlers.set(before)
    entered.set(rest)
    return True


cdef bint find_shared(object x, cbool* is_writable) except -1:
    # Whether the elements of an exporter lie in one block of a pool.
    cdef Py_buffer view
    cdef uintptr_t low
    cdef uintptr_t high
    cdef int axis
    PyObject_GetBuffer(x, &view, PyBUF_STRIDES)
    low = <uintptr_t>view.buf
    high = low + (view.itemsize if view.len else 0)
    if view.len:
        for axis in range(view.ndim):
            if view.strides[axis] < 0:
                low += (view.shape[axis] - 1) * view.strides[axis]
            else:
                high += (view.shape[axis] - 1) * view.strides[axis]
    PyBuffer_Release(&view)
    return lies_in_pool(<const void*>low, high - low, is_writable)


def is_shared(x):
    """Whether the elements of `x` lie in memory that this process shares.

    Such an array, and any view of one, crosses to a server without a copy.

    Args:
        x: an ndarray of any dtype, shape and strides, or anything else with the buffer protocol.

    Returns:
        True or False. False as well for memory that a server has made, and in a forked child for
        what its parent has made.

    Raises:
        TypeError: `x` does not have the buffer protocol.
        BufferError: `x` does not give its memory away.
    """
    cdef cbool is_writable = False
    return bool(find_shared(x, &is_writable))


def share(x, mode="ro"):
    """An array that crosses to servers without a copy and has the elements of `x`.

    Args:
        x: an ndarray of any shape and strides, or anything else with the buffer protocol.
        mode: "ro": servers can read it. "rw": they can write to it, too.

    Returns:
        `x` itself if it lies in shared memory of that mode already. Else a copy: an ndarray of the
        same shape and dtype, elements in the same order in memory without gaps, writable.

    Raises:
        TypeError: `x` does not have the buffer protocol, or its elements are Python objects.
        ValueError: `mode` is neither, or the elements are of a type that NumPy does not have.
        MemoryError: there is no room: half of the memory that was free at the first such call
            of a mode is in use.
        ImportError: NumPy is not installed, or is older than 1.22.
    """
    cdef cbool is_writable = False
    cdef cbool wants_writable = choice("mode", mode, "ro", "rw")
    if find_shared(x, &is_writable) and is_writable == wants_writable:
        return x
    find_handlers()
    import numpy

    array = x if isinstance(x, numpy.ndarray) else numpy.asarray(memoryview(x))
    if array.dtype.hasobject or array.dtype.char == "T":
        raise TypeError(f"cannot share elements of dtype {array.dtype}: they are Python objects")
    copier = copiers.get(mode)
    if copier is None:
        copier = copiers.setdefault(mode, allocator(mode=mode, min_bytes=0, on_full="strict"))
    with copier:
        return array.copy(order="K")


rename_type(<TypeObject*>allocator, "unity.allocator")
