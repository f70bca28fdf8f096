# SPDX-License-Identifier: Apache-2.0
"""Arrays keep dtype, shape and elements; NumPy's, the standard library's, and all others."""

import array
import ctypes
import gc
import mmap
import weakref

import numpy as np
import pytest

import unity
from equality import same_array as same
from unity._messages import round_trip


@pytest.fixture(scope="module", params=["seam", "server"])
def echo(request):
    """Sends a value through the seam's conversions alone, and through a server."""
    if request.param == "seam":
        return round_trip
    return request.getfixturevalue("private").toolkits.diagnostics.echo


PADDED = np.dtype(
    {"names": ["a", "b"], "formats": ["i1", "<f8"], "offsets": [3, 16], "itemsize": 40}
)
STRUCTURES = [
    np.dtype([("x", "<f4"), ("y", ">i2")]),
    np.dtype([("x", "i1"), ("y", "f8")], align=True),
    np.dtype([("m", "<f8", (2, 3)), ("s", "S5"), ("u", "U3")]),
    np.dtype([("t", "<M8[ms]"), ("inner", [("p", "?"), ("q", "c16")])]),
    np.dtype([(("title", "name"), "i4")]),
    np.dtype({"names": ["b", "a"], "formats": ["i4", "i4"], "offsets": [4, 0]}),
    np.dtype({"names": ["all", "low"], "formats": ["<u4", "<u2"], "offsets": [0, 0]}),
    PADDED,
]
DTYPES = [
    *"?bBhHiIlLqQefdgFDG",
    *(">i2", ">u4", ">f8", ">c8", ">q", "<M8[s]", ">M8[25ns]", "<m8[D]", "m8", "M8"),
    *("S1", "S7", "U1", "U9", ">U4", "V5", "V1"),
]


def filled(dtype, shape):
    """An array of that dtype with bytes that differ, but that are numbers."""
    dtype = np.dtype(dtype)
    count = int(np.prod(shape))
    if dtype.kind in "biufcmM" and dtype.char != "?":
        return np.arange(count).astype(dtype).reshape(shape)
    if dtype.char == "?":
        return (np.arange(count) % 2 == 0).reshape(shape)
    if dtype.kind == "U":
        return np.array([str(i) for i in range(count)], dtype).reshape(shape)
    raw = (np.arange(count * dtype.itemsize) % 2).astype(np.uint8).tobytes()
    return np.frombuffer(raw, dtype).reshape(shape)


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype(echo, dtype):
    for shape in [(), (3,), (2, 3), (0,), (2, 0, 3)]:
        value = filled(dtype, shape)
        assert same(echo(value), value), shape


@pytest.mark.parametrize("dtype", STRUCTURES, ids=str)
def test_structured_dtypes(echo, dtype):
    value = filled(dtype, (4,))
    got = echo(value)
    assert same(got, value)
    assert got.dtype.fields == dtype.fields
    assert got.dtype.isalignedstruct == dtype.isalignedstruct
    assert echo(value[1]) == value[1]


@pytest.mark.parametrize("shape", [(), (1,), (0,), (5,), (3, 4), (2, 3, 4), (1,) * 32])
def test_shapes(echo, shape):
    value = filled("<i4", shape)
    assert same(echo(value), value)


VIEWS = {
    "step": lambda a: a[:, ::2],
    "reversed": lambda a: a[::-1, ::-1],
    "transposed": lambda a: a.T,
    "fortran": np.asfortranarray,
    "broadcast": lambda a: np.broadcast_to(a[0], (5, *a.shape[1:])),
    "diagonal": lambda a: a.diagonal(),
    "one column": lambda a: a[:, 3:4],
    "no rows": lambda a: a[:0],
    "unaligned": lambda a: np.frombuffer(b"x" + a.tobytes(), a.dtype, offset=1),
    "read-only": lambda a: a.view() if a.setflags(write=False) else a,
}


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
@pytest.mark.parametrize("rows", [6, 1000])
def test_any_strides(echo, view, rows):
    value = view(np.arange(rows * 8, dtype="<f8").reshape(rows, 8).copy())
    got = echo(value)
    assert same(got, value)
    assert got.flags.writeable


def test_fortran_order_is_kept(echo):
    got = echo(np.asfortranarray(np.arange(6.0).reshape(2, 3)))
    assert got.flags.f_contiguous and not got.flags.c_contiguous


def test_results_are_independent_and_writable(echo):
    value = np.arange(2000.0)
    got = echo(value.copy())
    got[:] = -1
    assert value[5] == 5
    assert got.flags.writeable and got.base is not None


SCALARS = [
    *(np.float64(1.5), np.float32(0.1), np.float16(2), np.longdouble("1.1"), np.complex64(1j)),
    *(np.int8(-1), np.uint64(2**64 - 1), np.longlong(5), np.int64(5), np.bool_(True)),
    *(np.str_("text"), np.bytes_(b"raw"), np.datetime64("2024-01-01", "D"), np.timedelta64(5, "h")),
    np.datetime64("NaT"),
]


@pytest.mark.parametrize("value", SCALARS, ids=lambda v: f"{type(v).__name__}-{v}")
def test_numpy_scalars(echo, value):
    for got in (echo(value), echo([value])[0], echo({"k": value})["k"]):
        assert type(got) is type(value)
        assert got.dtype == value.dtype
        assert got.tobytes() == value.tobytes()


def test_ndarray_subclasses_that_only_store_arrive_as_arrays(echo, tmp_path):
    mapped = np.memmap(tmp_path / "file", dtype="<i4", mode="w+", shape=(4,))
    mapped[:] = 7
    assert same(echo(mapped), np.full(4, 7, "<i4"))
    record = np.rec.array([(1, 2.0)], dtype=[("a", "<i4"), ("b", "<f8")])
    assert echo(record)["b"][0] == 2.0


@pytest.mark.parametrize("typecode", "bBhHiIlLqQfd")
def test_array_array(echo, typecode):
    value = array.array(typecode, [0, 1, 100])
    got = echo(value)
    assert type(got) is array.array
    assert got.typecode == typecode and got == value


@pytest.mark.filterwarnings("ignore:The 'u' type code is deprecated:DeprecationWarning")
@pytest.mark.parametrize("typecode", sorted(set("uw") & set(array.typecodes)))
def test_array_array_of_text(echo, typecode):
    value = array.array(typecode, "aé\U0001f600")
    got = echo(value)
    assert got.typecode == typecode and got == value


def test_bytearray_is_itself_and_stays_resizable(echo):
    value = bytearray(b"abc" * 5000)
    got = echo(value)
    assert type(got) is bytearray and got == value
    value.append(1)
    got.append(1)


EXPORTERS = {
    "memoryview": lambda: memoryview(b"read-only bytes"),
    "slice": lambda: memoryview(bytearray(range(20)))[3:15:2],
    "two dimensions": lambda: memoryview(bytes(range(12))).cast("B", (3, 4)),
    "doubles": lambda: memoryview(array.array("d", [1.5, -2])),
    "ctypes ints": lambda: (ctypes.c_int * 3)(1, 2, 3),
    "ctypes longs": lambda: (ctypes.c_long * 2 * 2)((1, 2), (3, 4)),
    "ctypes number": lambda: ctypes.c_double(2.5),
    "characters": lambda: memoryview(b"abc").cast("c"),
}


@pytest.mark.parametrize("make", EXPORTERS.values(), ids=EXPORTERS)
def test_other_exporters_come_back_as_buffers(echo, make):
    value = memoryview(make())
    got = echo(make())
    assert type(got) is unity.Buffer
    assert got.shape == value.shape and got.itemsize == value.itemsize
    assert got.tobytes() == value.tobytes()
    assert memoryview(got).readonly is False


def test_ctypes_structures(echo):
    class Pair(ctypes.Structure):
        _fields_ = [("a", ctypes.c_int8), ("b", ctypes.c_double)]

    value = (Pair * 2)((1, 2.0), (3, 4.0))
    got = np.asarray(echo(value))
    assert got["a"].tolist() == [1, 3]
    assert got["b"].tolist() == [2.0, 4.0]


def test_buffers_behave_like_memory(echo):
    got = echo(memoryview(array.array("i", [1, 2, 3])))
    assert got.format == "i" and got.dtype == "<i4" and got.tolist() == [1, 2, 3]
    assert len(got) == 3 and got[1] == 2 and got.nbytes == 12 and got.strides == (4,)
    got[1] = 7
    assert got == array.array("i", [1, 7, 3]) and got != array.array("i", [1, 2, 3])
    assert (got == "text") is False
    assert "unity.Buffer" in repr(got)
    assert same(np.asarray(got), np.array([1, 7, 3], "i"))
    assert echo(got) == got


def test_exporters_are_free_again_after_a_call(echo):
    data = bytearray(1 << 20)
    with memoryview(data) as view:
        echo(view)
    data.append(1)
    mapping = mmap.mmap(-1, 1 << 20)
    echo(mapping)
    mapping.close()


def test_an_array_is_let_go_after_a_call(private):
    class Tracked(np.ndarray):
        pass

    for size in (10, 1 << 20):
        value = np.zeros(size).view(Tracked)
        gone = weakref.ref(value)
        private.toolkits.diagnostics.total(value)
        del value
        gc.collect()
        assert gone() is None or private.ping() >= 0 and gone() is None


def test_large_arrays_cross(private):
    value = np.arange(40 << 20, dtype="<u4")
    echo = private.toolkits.diagnostics.echo
    got = echo(value)
    assert np.array_equal(got, value)
    assert private.toolkits.diagnostics.total(value) == int(value.sum(dtype="u8"))
    strided = value[::3]
    assert np.array_equal(echo(strided), strided)


def test_many_arrays_of_middling_size_are_no_message_too_large(private):
    value = [np.full(100_000, n, "f8") for n in range(100)]
    got = private.toolkits.diagnostics.echo(value)
    assert all(map(same, got, value)) and len(got) == 100


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_arrays_beyond_512_mib(private):
    value = np.arange((512 << 20) // 8 + 1, dtype="f8").reshape(-1, 1)
    got = private.toolkits.diagnostics.echo(value)
    assert got.shape == value.shape and np.array_equal(got, value)


def test_a_submitted_call_sees_the_array_as_it_was(private):
    value = np.ones(3 << 20)
    call = private.toolkits.diagnostics.total.submit(value)
    value[:] = 2
    assert call.result() == 3 << 20


def test_totals_and_descriptions(private):
    tools = private.toolkits.diagnostics
    value = np.arange(12, dtype=">i2").reshape(3, 4)[:, ::-2]
    assert tools.total(value) == int(value.sum())
    seen = tools.describe(value)
    assert seen["kind"] == "array" and seen["dtype"] == ">i2" and list(seen["shape"]) == [3, 2]
    made = tools.alloc([2, 3], "float32")
    assert same(made, np.zeros((2, 3), "float32"))


WITHOUT_NUMPY = """
    import sys
    sys.modules["numpy"] = None
    import array
    import ctypes
    import unity
    class Pair(ctypes.Structure):
        _fields_ = [("a", ctypes.c_int8), ("b", ctypes.c_double)]
    with unity.launch(diagnostics=True) as session:
        tools = session.toolkits.diagnostics
        zeros = tools.alloc([2, 3], "float64")
        assert type(zeros) is unity.Buffer, zeros
        assert memoryview(zeros).tolist() == [[0.0] * 3] * 2
        zeros[1, 2] = 5.0
        assert tools.total(zeros) == 5.0
        assert tools.echo(array.array("d", [1, 2])) == array.array("d", [1, 2])
        assert tools.echo(bytearray(b"x")) == bytearray(b"x")
        pairs = (Pair * 2)((1, 2.0), (3, 4.0))
        assert bytes(tools.echo(pairs)) == bytes(pairs)
        assert tools.describe(memoryview(b"abc"))["shape"] in ([3], (3,))
        print("done")
"""


def test_everything_else_works_without_numpy(run_script):
    assert run_script(WITHOUT_NUMPY) == "done\n"
