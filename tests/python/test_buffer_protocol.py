# SPDX-License-Identifier: Apache-2.0
"""`unity.Buffer` as an exporter of PEP 3118: every flag as it is asked for, who may write, how long
the memory lives, and CPython's own tests of memoryviews over it."""

import ctypes
import hashlib
import unittest

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from unity._messages import as_buffer, round_trip

mixins = pytest.importorskip("test.test_memoryview", reason="CPython's tests are not installed")

WRITABLE, FORMAT, ND = 0x1, 0x4, 0x8
STRIDES = 0x10 | ND
C, F, ANY = 0x20 | STRIDES, 0x40 | STRIDES, 0x80 | STRIDES
INDIRECT = 0x100 | STRIDES
ORDERS = (0, ND, STRIDES, C, F, ANY, INDIRECT)
ALL_FLAGS = [
    sum(extra) | order
    for order in ORDERS
    for extra in ((), (WRITABLE,), (FORMAT,), (WRITABLE, FORMAT))
]


class PyBuffer(ctypes.Structure):
    _fields_ = (
        ("buf", ctypes.c_void_p),
        ("obj", ctypes.py_object),
        ("len", ctypes.c_ssize_t),
        ("itemsize", ctypes.c_ssize_t),
        ("readonly", ctypes.c_int),
        ("ndim", ctypes.c_int),
        ("format", ctypes.c_char_p),
        ("shape", ctypes.POINTER(ctypes.c_ssize_t)),
        ("strides", ctypes.POINTER(ctypes.c_ssize_t)),
        ("suboffsets", ctypes.POINTER(ctypes.c_ssize_t)),
        ("internal", ctypes.c_void_p),
    )


def seen(exporter, flags):
    """What a consumer gets who asks with those flags. BufferError."""
    view = PyBuffer()
    try:
        ctypes.pythonapi.PyObject_GetBuffer(ctypes.py_object(exporter), ctypes.byref(view), flags)
    except ValueError as error:  # NumPy's
        raise BufferError(str(error)) from None
    try:
        return {
            "buf": view.buf,
            "len": view.len,
            "itemsize": view.itemsize,
            "readonly": bool(view.readonly),
            "ndim": view.ndim,
            "format": view.format,
            "shape": view.shape[: view.ndim] if view.shape else None,
            "strides": view.strides[: view.ndim] if view.strides else None,
            "suboffsets": bool(view.suboffsets),
        }
    finally:
        ctypes.pythonapi.PyBuffer_Release(ctypes.byref(view))


def expected(x, flags):
    """The same by the rules of PEP 3118, for an array of NumPy's. None: a BufferError."""
    is_c, is_f = x.flags.c_contiguous, x.flags.f_contiguous
    if flags & WRITABLE and not x.flags.writeable:
        return None
    if flags & STRIDES != STRIDES and not is_c:
        return None
    if (flags & C == C and not is_c) or (flags & F == F and not is_f):
        return None
    if flags & ANY == ANY and not (is_c or is_f):
        return None
    has_shape = flags & ND == ND
    format = memoryview(x).format
    if flags & FORMAT and not has_shape and format != "B":
        return None
    return {
        "buf": x.ctypes.data,
        "len": x.nbytes,
        "itemsize": x.itemsize,
        "readonly": not x.flags.writeable,
        "ndim": x.ndim if has_shape else 1,
        "format": format.encode() if flags & FORMAT else None,
        "shape": list(x.shape) if has_shape and x.ndim else None,
        "strides": list(x.strides) if flags & STRIDES == STRIDES and x.ndim else None,
        "suboffsets": False,
    }


def read_only(x):
    x = x.view()
    x.flags.writeable = False
    return x


GRID = np.arange(24, dtype="i4").reshape(2, 3, 4)
LAYOUTS = {
    "0-d": np.array(5.0),
    "empty": np.zeros((2, 0, 3)),
    "row": np.arange(5, dtype="u1"),
    "grid": GRID,
    "fortran": np.asfortranarray(GRID),
    "gaps": GRID[:, ::2, 1::2],
    "backwards": GRID[::-1, :, ::-1],
    "broadcast": np.broadcast_to(np.arange(3), (4, 3)),
    "one of each": np.arange(1.0).reshape(1, 1),
    "swapped": GRID.swapaxes(0, 1).astype(">f8"),
    "read-only": read_only(GRID),
    "structures": np.zeros(3, [("a", "i2"), ("b", "f8")]),
}


@pytest.mark.parametrize("flags", ALL_FLAGS, ids=hex)
@pytest.mark.parametrize("name", LAYOUTS)
def test_every_flag_is_honoured(name, flags):
    x = LAYOUTS[name]
    buffer, wanted = as_buffer(x), expected(x, flags)
    if wanted is None:
        with pytest.raises(BufferError):
            seen(buffer, flags)
    else:
        assert seen(buffer, flags) == wanted
    buffer.release()  # whatever was asked for was given back


def test_what_was_asked_for_as_plain_memory_is_in_c_order():
    x = np.arange(6.0).reshape(2, 3)
    assert hashlib.sha256(as_buffer(x)).digest() == hashlib.sha256(x).digest()
    with pytest.raises(BufferError, match="C order"):
        hashlib.sha256(as_buffer(np.asfortranarray(x)))
    assert bytes(as_buffer(np.asfortranarray(x))) == x.tobytes()


# CPython's tests: a read-only and a writable type of single bytes, and one of ints.


def bytes_read_only(source):
    return as_buffer(read_only(np.frombuffer(bytes(source), "u1")))


def bytes_writable(source):
    return as_buffer(np.frombuffer(bytearray(source), "u1"))


def ints_writable(source):
    return as_buffer(np.array(list(source), "i4"))


class OfBytes(mixins.AbstractMemoryTests):
    test_hash = unittest.skip("a Buffer has no hash, so that its views have none")(
        mixins.AbstractMemoryTests.test_hash
    )
    ro_type = staticmethod(bytes_read_only)
    rw_type = staticmethod(bytes_writable)
    getitem_type = bytes
    itemsize = 1
    format = "B"


class OfInts(mixins.BaseArrayMemoryTests):
    rw_type = staticmethod(ints_writable)
    getitem_type = staticmethod(lambda source: bytes(ints_writable(source)))
    itemsize = 4


class BytesTest(unittest.TestCase, mixins.BaseMemoryviewTests, OfBytes):
    pass


class BytesSliceTest(unittest.TestCase, mixins.BaseMemorySliceTests, OfBytes):
    pass


class BytesSliceSliceTest(unittest.TestCase, mixins.BaseMemorySliceSliceTests, OfBytes):
    pass


class IntsTest(unittest.TestCase, mixins.BaseMemoryviewTests, OfInts):
    pass


class IntsSliceTest(unittest.TestCase, mixins.BaseMemorySliceTests, OfInts):
    pass


class IntsSliceSliceTest(unittest.TestCase, mixins.BaseMemorySliceSliceTests, OfInts):
    pass


# Arbitrary strides and shapes, as NumPy sees them.


@st.composite
def views(draw):
    """An array of NumPy's with any strides: a part of another one, transposed."""
    dtype = draw(st.sampled_from(["u1", "<i2", ">i4", "<f8", ">f4", "c8", "S3", "?", "V5"]))
    shape = draw(hnp.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=4))
    count = int(np.prod(shape)) * np.dtype(dtype).itemsize
    base = (np.arange(count) % 2).astype("u1").view(dtype).reshape(shape)
    part = base[draw(hnp.basic_indices(shape, allow_newaxis=True, max_dims=6))]
    if not isinstance(part, np.ndarray):
        part = np.array(part)
    axes = draw(st.permutations(range(part.ndim)))
    part = part.transpose(axes)
    return read_only(part) if draw(st.booleans()) else part


@settings(max_examples=300, deadline=None)
@given(views())
def test_any_strides_read_as_numpys(x):
    buffer = as_buffer(x)
    for flags in ALL_FLAGS:
        wanted = expected(x, flags)
        if wanted is None:
            with pytest.raises(BufferError):
                seen(buffer, flags)
        else:
            found = seen(buffer, flags)
            if x.size == 0:  # what has no bytes lies anywhere
                found["buf"] = wanted["buf"]
            assert found == wanted
    assert buffer.tobytes() == x.tobytes() and buffer.tolist() == x.tolist()
    y = np.asarray(buffer)
    assert y.strides == x.strides and y.ctypes.data == x.ctypes.data or not x.size
    if x.dtype.kind != "V":  # the buffer protocol has padding for them, which NumPy does not copy
        assert y.tobytes() == x.tobytes()
    assert y.flags.writeable == x.flags.writeable
    again = round_trip(buffer)
    assert again.shape == buffer.shape and again.tolist() == buffer.tolist()


def test_64_dimensions():
    x = np.arange(8).reshape((2, 2, 2) + (1,) * 61)
    buffer = as_buffer(x)
    view = memoryview(buffer)
    assert view.ndim == 64 and view.shape == x.shape and buffer.tolist() == x.tolist()
    assert np.array_equal(np.asarray(view), x)
    assert np.array_equal(round_trip(x), x) and round_trip(view).shape == x.shape
