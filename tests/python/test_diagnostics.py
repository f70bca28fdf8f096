# SPDX-License-Identifier: Apache-2.0
"""The diagnostics that are about arrays: what is allocated, described and filled."""

import numpy as np
import pytest

import unity

DTYPES = [
    *("?", "b", "B", "h", "H", "i", "I", "l", "L", "q", "Q", "e", "f", "d", "g", "F", "D", "G"),
    *(">i2", ">f8", ">c16", "S5", "U3", ">U3", "V7", "S0", "M8[ns]", "m8[25s]", "M8", ">m8[D]"),
    [("a", "<i4"), ("b", ">f8", (2, 3)), ("c", [("d", "S3")])],
    np.dtype([("a", "i1"), ("b", "f8")], align=True),
    np.dtype({"names": ["x"], "formats": ["<i2"], "offsets": [4], "itemsize": 16}),
]


@pytest.mark.parametrize("given", DTYPES, ids=str)
def test_alloc_knows_every_dtype_of_fixed_size(private, given):
    dtype = np.dtype(given)
    text = dtype.str if dtype.names is None else unity._dtypes.describe(dtype)[0]
    got = private.toolkits.diagnostics.alloc((2, 3), text)
    assert got.dtype == dtype and got.shape == (2, 3) and got.flags.writeable
    assert got.tobytes() == bytes(6 * dtype.itemsize)
    assert np.array_equal(private.toolkits.diagnostics.echo(got), got)


@pytest.mark.parametrize(
    "name",
    ["bool", "int8", "uint64", "float16", "float64", "complex128", "longdouble", "clongdouble"],
)
def test_alloc_knows_names(private, name):
    assert private.toolkits.diagnostics.alloc(3, name).dtype == np.dtype(name)


def test_alloc_takes_any_shape_and_order(private):
    alloc = private.toolkits.diagnostics.alloc
    Order = private.types.diagnostics.Order
    assert alloc((), "f8").shape == () and alloc([0, 3], "f8").shape == (0, 3)
    for order in (Order.F, "F"):
        assert alloc((2, 3), "f8", order).flags.f_contiguous
    assert alloc((2, 3), "f8", order=Order.C).flags.c_contiguous
    assert alloc((2, 3), "f8").flags.c_contiguous


@pytest.mark.parametrize("wrong", ["", "x8", "f3", "O", "i4x", "[('a', 'O')]", "[", "M8[", "i-4"])
def test_alloc_refuses_what_is_no_dtype(private, wrong):
    with pytest.raises(TypeError, match="dtype"):
        private.toolkits.diagnostics.alloc(3, wrong)
    with pytest.raises(ValueError):
        private.toolkits.diagnostics.alloc(-1, "f8")


def test_only_what_lies_in_the_message_is_inline(private):
    describe = private.toolkits.diagnostics.describe
    assert describe(np.zeros(3))["inline"] is True
    assert describe(bytearray(5))["inline"] is True
    assert describe(np.zeros(3 << 20, "u1"))["inline"] is False
    held = private.types.Holder()
    assert describe(held.get(held.hold(np.zeros(3))))["inline"] is True


def test_fill_says_that_nothing_is_lent(private):
    given = np.zeros(3)
    for x in (given, np.zeros(3 << 20, "u1"), bytearray(3)):
        with pytest.raises(unity.InvalidArgument, match="x was not lent writable"):
            private.toolkits.diagnostics.fill(x, 1)
    with pytest.raises(TypeError, match="parameter 'x': expected ndarray, got list"):
        private.toolkits.diagnostics.fill([1], 1)
    assert not given.any()
