# SPDX-License-Identifier: Apache-2.0
"""Formats and dtypes are parsed once: what is kept of them, of how many, and for whom."""

import itertools

import numpy as np
import pytest

from unity import _dtypes
from unity._messages import round_trip

ALIKE = [
    ("l", "q"),
    (
        np.dtype([("a", "i1"), ("b", "i4")], align=True),
        {"names": ["a", "b"], "formats": ["i1", "i4"], "offsets": [0, 4], "itemsize": 8},
    ),
    (
        [("o", np.dtype([("a", "i1"), ("b", "i4")], align=True))],
        [("o", {"names": ["a", "b"], "formats": ["i1", "i4"], "offsets": [0, 4], "itemsize": 8})],
    ),
]


@pytest.mark.parametrize("one, other", ALIKE, ids=["integers", "aligned", "aligned inside"])
def test_types_that_numpy_takes_for_equal_stay_two(one, other):
    one, other = np.dtype(one), np.dtype(other)
    assert one == other
    for dtype in (one, other, one):
        assert _dtypes.describe(dtype) == _dtypes._describe(dtype)
    for first, second in itertools.permutations((one, other)):
        _dtypes._described.clear()
        assert _dtypes.describe(first) != _dtypes.describe(second)


def test_equal_types_are_known_as_one():
    make = [("a", "i2"), ("b", "f8", (3,))]
    first = _dtypes.describe(np.dtype(make))
    assert _dtypes.describe(np.dtype(make)) is first
    view = memoryview(np.zeros(2, make))
    found = _dtypes.describe_buffer(view, view.format, view.itemsize)
    assert _dtypes.describe_buffer(view, view.format, view.itemsize) is found
    assert found[1:] == first


def test_the_caches_are_bounded():
    for i in range(2 * _dtypes._CACHED + 10):
        dtype = np.dtype([(f"field{i}", "i4")])
        text, code = _dtypes.describe(dtype)
        assert _dtypes.dtype_of(text, code) == dtype
        _dtypes.format_of(text, code, 4)
        _dtypes.describe_buffer(b"", f"{i + 1}s", i + 1)
    for cache in (
        _dtypes._described, _dtypes._parsed, _dtypes._formats, _dtypes._known_dtypes
    ):  # fmt: skip
        assert 0 < len(cache) <= _dtypes._CACHED


def test_who_renames_the_fields_of_a_result_renames_no_others():
    x = np.zeros(3, [("a", "i2"), ("b", "f8")])
    y = round_trip(x)
    y.dtype.names = ("p", "q")
    assert round_trip(x).dtype.names == ("a", "b") and round_trip(y).dtype.names == ("p", "q")
    sent = np.zeros(3, [("a", "i2"), ("b", "f8")])
    round_trip(sent)
    sent.dtype.names = ("r", "s")
    assert round_trip(sent).dtype.names == ("r", "s")
