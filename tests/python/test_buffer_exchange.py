# SPDX-License-Identifier: Apache-2.0
"""`unity.Buffer` by DLPack and by the C data interface of Apache Arrow."""

import ctypes
import gc
import threading
import weakref

import numpy as np
import pytest

import unity
from unity._messages import as_buffer

NUMBERS = [*"?bBhHiIlLqQefdFD"]


def read_only(x):
    x = x.view()
    x.flags.writeable = False
    return x


def capsule_name(capsule):
    get_name = ctypes.pythonapi.PyCapsule_GetName
    get_name.restype, get_name.argtypes = ctypes.c_char_p, [ctypes.py_object]
    return get_name(capsule)


def capsule_pointer(capsule, kind):
    get = ctypes.pythonapi.PyCapsule_GetPointer
    get.restype, get.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    return ctypes.cast(get(capsule, capsule_name(capsule)), ctypes.POINTER(kind)).contents


# DLPack


class Tensor(ctypes.Structure):
    _fields_ = (
        ("data", ctypes.c_void_p),
        ("device", ctypes.c_int32 * 2),
        ("ndim", ctypes.c_int32),
        ("code", ctypes.c_uint8),
        ("bits", ctypes.c_uint8),
        ("lanes", ctypes.c_uint16),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
    )


class Managed(ctypes.Structure):
    _fields_ = (
        ("tensor", Tensor),
        ("context", ctypes.c_void_p),
        ("deleter", ctypes.CFUNCTYPE(None, ctypes.c_void_p)),
    )


class Versioned(ctypes.Structure):
    _fields_ = (
        ("version", ctypes.c_uint32 * 2),
        ("context", ctypes.c_void_p),
        ("deleter", ctypes.CFUNCTYPE(None, ctypes.c_void_p)),
        ("flags", ctypes.c_uint64),
        ("tensor", Tensor),
    )


@pytest.mark.parametrize("code", NUMBERS)
def test_numpy_takes_it_by_dlpack(code):
    x = (np.arange(24) % 3).astype(code).reshape(2, 3, 4)
    for part in (x, np.asfortranarray(x), x[:, ::2, ::-1], x[1, 1, 1:2], x[:0], x[1, 1, 1:2][0:1]):
        y = np.from_dlpack(as_buffer(part))
        assert y.dtype == x.dtype and np.array_equal(y, part)
        if part.size:
            assert np.shares_memory(x, y) or not np.shares_memory(x, part)
    assert np.from_dlpack(as_buffer(np.array(7, code))).shape == ()


def test_the_structures_of_dlpack():
    x = np.arange(12, dtype="f4").reshape(3, 4)[:, ::2]
    assert as_buffer(x).__dlpack_device__() == (1, 0)
    for capsule, kind in (
        (as_buffer(x).__dlpack__(), Managed),
        (as_buffer(x).__dlpack__(max_version=(0, 8)), Managed),
        (as_buffer(x).__dlpack__(max_version=(1, 0), dl_device=(1, 0)), Versioned),
        (as_buffer(x).__dlpack__(max_version=(2, 3), copy=False), Versioned),
    ):
        managed = capsule_pointer(capsule, kind)
        assert capsule_name(capsule) == (b"dltensor" if kind is Managed else b"dltensor_versioned")
        tensor = managed.tensor
        assert (tensor.code, tensor.bits, tensor.lanes, list(tensor.device)) == (2, 32, 1, [1, 0])
        assert tensor.shape[:2] == [3, 2] and tensor.strides[:2] == [4, 2]
        assert tensor.data == x.ctypes.data and tensor.byte_offset == 0
        if kind is Versioned:
            assert managed.version[0] == 1 and managed.flags == 0


def test_dlpack_says_who_may_write_and_what_is_a_copy():
    x = np.arange(5)
    shown = as_buffer(read_only(x))
    capsule = shown.__dlpack__(max_version=(1, 0))
    assert capsule_pointer(capsule, Versioned).flags == 1
    assert not np.from_dlpack(shown).flags.writeable
    with pytest.raises(BufferError, match="<i8.*read-only"):
        shown.__dlpack__()
    copied = shown.__dlpack__(max_version=(1, 0), copy=True)
    managed = capsule_pointer(copied, Versioned)
    assert managed.flags == 2 and managed.tensor.data != x.ctypes.data
    assert np.from_dlpack(as_buffer(x)).flags.writeable


@pytest.mark.parametrize("dtype", [">i4", ">f8", "g", "G", "S3", "U2", "M8[s]", "V5", "i4,f8"])
def test_what_dlpack_cannot_say(dtype):
    buffer = as_buffer(np.zeros(3, dtype))
    with pytest.raises(BufferError) as raised:
        buffer.__dlpack__(max_version=(1, 0))
    assert buffer.dtype in str(raised.value)


def test_dlpack_of_odd_strides_and_other_devices():
    x = np.zeros(3, [("a", "i1"), ("b", "<i4")])["b"]
    assert x.strides == (5,)
    with pytest.raises(BufferError, match="<i4.*5"):
        as_buffer(x).__dlpack__()
    assert capsule_name(as_buffer(x).__dlpack__(copy=True)) == b"dltensor"
    for options in ({"dl_device": (2, 0)}, {"stream": 1}):
        with pytest.raises(BufferError, match="CPU"):
            as_buffer(np.zeros(3)).__dlpack__(**options)


def test_a_tensor_keeps_the_memory_until_it_is_deleted():
    x = np.arange(5)
    buffer, gone = as_buffer(x), weakref.ref(x)
    taken, left = np.from_dlpack(buffer), buffer.__dlpack__()
    buffer.release()  # the tensors have shares of the memory of their own
    del x, buffer
    gc.collect()
    assert taken.tolist() == [0, 1, 2, 3, 4] and gone() is not None
    del taken
    gc.collect()
    assert gone() is not None
    del left  # nobody took it
    gc.collect()
    assert gone() is None


def test_a_tensor_is_deleted_on_any_thread(eventually):
    x = np.arange(5)
    gone = weakref.ref(x)
    capsule = as_buffer(x).__dlpack__()
    managed = capsule_pointer(capsule, Managed)
    deleter, address = managed.deleter, ctypes.addressof(managed)
    # As a consumer does: from now on the tensor is ours.
    set_name = ctypes.pythonapi.PyCapsule_SetName
    set_name.argtypes = [ctypes.py_object, ctypes.c_char_p]
    used = b"used_dltensor"
    set_name(capsule, used)
    del capsule, x
    thread = threading.Thread(target=lambda: deleter(address))  # without the GIL
    thread.start()
    thread.join()
    eventually(lambda: gc.collect() >= 0 and gone() is None)


# Arrow


class Schema(ctypes.Structure):
    _fields_ = (
        ("format", ctypes.c_char_p),
        ("name", ctypes.c_char_p),
        ("metadata", ctypes.c_void_p),
        ("flags", ctypes.c_int64),
        ("child_count", ctypes.c_int64),
        ("children", ctypes.c_void_p),
        ("dictionary", ctypes.c_void_p),
        ("release", ctypes.c_void_p),
        ("context", ctypes.c_void_p),
    )


class Column(ctypes.Structure):
    _fields_ = (
        ("length", ctypes.c_int64),
        ("null_count", ctypes.c_int64),
        ("offset", ctypes.c_int64),
        ("buffer_count", ctypes.c_int64),
        ("child_count", ctypes.c_int64),
        ("buffers", ctypes.POINTER(ctypes.c_void_p)),
        ("children", ctypes.c_void_p),
        ("dictionary", ctypes.c_void_p),
        ("release", ctypes.c_void_p),
        ("context", ctypes.c_void_p),
    )


FORMATS = {
    "?": "c", "b": "c", "B": "C", "h": "s", "H": "S", "i": "i", "I": "I", "l": "l", "L": "L",
    "q": "l", "Q": "L", "e": "e", "f": "f", "d": "g",
    **{f"M8[{unit}]": f"ts{letter}:" for unit, letter in (("s", "s"), ("ms", "m"), ("us", "u"))},
    "M8[ns]": "tsn:", "m8[s]": "tDs", "m8[ms]": "tDm", "m8[us]": "tDu", "m8[ns]": "tDn",
}  # fmt: skip


@pytest.mark.parametrize("dtype", FORMATS)
def test_the_structures_of_arrow(dtype):
    x = np.arange(20).astype(dtype)[3:11]
    names = schema, column = as_buffer(x).__arrow_c_array__()
    assert [capsule_name(capsule) for capsule in names] == [b"arrow_schema", b"arrow_array"]
    schema, column = capsule_pointer(schema, Schema), capsule_pointer(column, Column)
    assert schema.format.decode() == FORMATS[dtype] and schema.release and column.release
    assert (schema.child_count, schema.children, schema.dictionary) == (0, None, None)
    assert (column.length, column.null_count, column.offset) == (8, 0, 0)
    assert (column.buffer_count, column.child_count) == (2, 0)
    assert column.buffers[:2] == [None, x.ctypes.data]
    if dtype == "?":
        assert ctypes.string_at(schema.metadata, 4) == (2).to_bytes(4, "little")
        assert b"arrow.bool8" in ctypes.string_at(schema.metadata, 60)
    else:
        assert schema.metadata is None


def test_what_is_no_time_is_null_in_arrow():
    x = np.array([1, "NaT", 3, 4, 5, 6, 7, 8, "NaT", 10], "M8[us]")
    _, capsule = as_buffer(x).__arrow_c_array__()
    column = capsule_pointer(capsule, Column)
    assert column.null_count == 2
    bits = np.unpackbits(
        np.frombuffer(ctypes.string_at(column.buffers[0], 2), "u1"), bitorder="little"
    )
    assert (bits[:10] == ~np.isnat(x)).all()


@pytest.mark.parametrize(
    "dtype", ["F", "g", ">i4", "S3", "U2", "V5", "M8[D]", "M8[25s]", "M8", "i4,f8"]
)
def test_what_arrow_has_no_layout_for(dtype):
    buffer = as_buffer(np.zeros(3, dtype))
    with pytest.raises(BufferError) as raised:
        buffer.__arrow_c_array__()
    assert buffer.dtype in str(raised.value)


@pytest.mark.parametrize(
    "x", [np.array(1), np.zeros((2, 3)), np.arange(6)[::2], np.arange(3)[::-1]]
)
def test_arrow_has_columns_without_gaps(x):
    with pytest.raises(BufferError, match="one dimension without gaps"):
        as_buffer(x).__arrow_c_array__()


def test_a_column_keeps_the_memory_until_it_is_released():
    x = np.arange(5)
    buffer, gone = as_buffer(x), weakref.ref(x)
    schema, column = buffer.__arrow_c_array__(None)
    taken = capsule_pointer(buffer.__arrow_c_array__()[1], Column)  # its capsule is gone already
    del taken
    buffer.release()
    del x, buffer, schema
    gc.collect()
    assert gone() is not None
    structure = capsule_pointer(column, Column)
    ctypes.CFUNCTYPE(None, ctypes.c_void_p)(structure.release)(ctypes.addressof(structure))
    gc.collect()
    assert gone() is None and not structure.release
    del column  # has nothing to release any more


def test_pyarrow_takes_it():
    pyarrow = pytest.importorskip("pyarrow")
    x = np.array([1.5, 2.5])
    assert pyarrow.array(as_buffer(x)).to_pylist() == [1.5, 2.5]


def test_a_result_of_a_server(private):
    buffer = private.toolkits.diagnostics.echo(memoryview(np.arange(100_000.0)))
    assert isinstance(buffer, unity.Buffer)
    x = np.from_dlpack(buffer)
    x[0] = 5
    assert buffer[0] == 5
    assert capsule_pointer(buffer.__arrow_c_array__()[1], Column).length == 100_000
