# SPDX-License-Identifier: Apache-2.0
"""`unity.Buffer`, which stands for arrays where NumPy is not there: as NumPy's arrays read."""

import numpy as np
import pytest

import unity
from unity._messages import as_buffer

ARRAYS = [
    np.array([True, False]),
    *(np.array([1, 0, 100]).astype(code) for code in "bBhHiIlLqQ"),
    *(np.array([1, 0, 100]).astype(f">{code}") for code in ("i2", "u4", "i8", "u8")),
    *(np.array([1.5, -0.0, np.inf]).astype(code) for code in ("e", "f", "d", ">f2", ">f4", ">f8")),
    *(np.array([1.5j, 2]).astype(code) for code in ("F", "D", ">c8", ">c16")),
    np.array([b"ab", b"", b"c\0d"], "S3"),
    np.array(["ab", "", "\U0001f600"], "<U2"),
    np.array(["ab", "c\0d"], ">U3"),
    np.array([b"abc", b"d"], "V3"),
    *(
        np.array([0, 1, -1, 10**6, "NaT", 2**62], f"{code}[{unit}]")
        for code in ("M8", ">M8", "m8")
        for unit in ("Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns", "25s", "7D")
    ),
    np.array([5, "NaT"], "m8"),
    np.array([(1, 2.5, b"ab")], [("a", ">i2"), ("b", "f8"), ("c", "S4")]),
    np.array([((1, "x"), 2)] * 3, [("a", [("b", "u1"), ("c", "U1")]), ("d", "<M8[s]")]),
    np.zeros(2, np.dtype([("a", "i1"), ("b", "f8")], align=True)),
    np.zeros((2, 0, 3), "F"),
    np.zeros((0, 2), "U3"),
    np.array(1.5j),
    np.array("ab"),
    np.asfortranarray(np.arange(6).reshape(2, 3).astype("e")),
    np.arange(24).reshape(2, 3, 4).astype(">i4"),
]


def buffer_of(array):
    """The array as a Buffer of the same dtype, as it would come without NumPy."""
    return as_buffer(array)


@pytest.mark.parametrize("array", ARRAYS, ids=lambda a: f"{a.dtype}-{a.shape}")
def test_lists_and_items_are_those_of_numpy(array):
    buffer = buffer_of(array)
    assert buffer.tolist() == array.tolist() and repr(buffer.tolist()) == repr(array.tolist())
    for index in np.ndindex(array.shape):
        expected = array[index].item()
        assert repr(buffer[index]) == repr(expected)
        negative = tuple(i - n for i, n in zip(index, array.shape, strict=True))
        assert repr(buffer[negative]) == repr(expected)
    assert buffer == buffer_of(array) and not buffer != buffer_of(array)  # noqa: SIM202


def test_iteration_and_indices():
    buffer = buffer_of(np.array([1j, 2j]))
    assert list(buffer) == [1j, 2j] and buffer[-1] == 2j and len(buffer) == 2
    for wrong in (2, -3, np.int64(5)):
        with pytest.raises(IndexError):
            buffer[wrong]
    assert bytes(buffer[1:]) == np.array([2j]).tobytes()
    assert buffer != buffer_of(np.array([1j, 3j])) and buffer != buffer_of(np.array([1j]))
    assert buffer != 5


def test_elements_that_are_arrays_are_lists():
    array = np.array([(1, [[1, 2], [3, 4]])], [("a", "i1"), ("b", ">i2", (2, 2))])
    assert buffer_of(array).tolist() == [(1, [[1, 2], [3, 4]])]
    assert buffer_of(np.zeros(2, [("a", "f4", (2,)), ("b", [("c", "S1")], (1,))])).tolist() == [
        ([0.0, 0.0], [(b"",)]),
        ([0.0, 0.0], [(b"",)]),
    ]


def test_what_only_numpy_has():
    for dtype in ("g", "G", [("a", "g")]):
        with pytest.raises(unity.NotSupported, match="without NumPy"):
            buffer_of(np.zeros(2, dtype)).tolist()


def test_without_numpy(run_script):
    out = run_script(
        """
        import sys
        sys.modules["numpy"] = None  # it is not there
        import unity

        with unity.launch(diagnostics=True) as session:
            alloc = session.toolkits.diagnostics.alloc
            for dtype in ("f2", ">c8", "S2", ">U2", "V2", "M8[D]", "m8[s]", ">i4"):
                got = alloc((1, 2), dtype)
                assert type(got) is unity.Buffer
                print(got.tolist(), got[0, 1])
            print(alloc(1, "[('a', '<i4'), ('b', [('c', '>f8')])]").tolist())
        """
    )
    assert out.splitlines() == [
        "[[0.0, 0.0]] 0.0",
        "[[0j, 0j]] 0j",
        "[[b'', b'']] b''",
        "[['', '']] ",
        "[[b'\\x00\\x00', b'\\x00\\x00']] b'\\x00\\x00'",
        "[[datetime.date(1970, 1, 1), datetime.date(1970, 1, 1)]] 1970-01-01",
        "[[datetime.timedelta(0), datetime.timedelta(0)]] 0:00:00",
        "[[0, 0]] 0",
        "[(0, (0.0,))]",
    ]
