# SPDX-License-Identifier: Apache-2.0
"""unity.Column: what it is made of, and what can be read of it."""

import array
import datetime as dt
import math
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from unity import Column, DataFrame
from unity._vectors import from_bytes

PARIS = ZoneInfo("Europe/Paris")
UTC = dt.UTC
MINUTES = dt.timedelta(minutes=1)
NOON = dt.datetime(2024, 10, 27, 12, 0, 0, 5)

COLUMNS = [
    ([1, 2, 3], "int64", [1, 2, 3]),
    ((-(2**63), None, 2**63 - 1), "int64", [-(2**63), None, 2**63 - 1]),
    ([2**64 - 1, 0], "uint64", [2**64 - 1, 0]),
    ([1.5, 2, None], "float64", [1.5, 2.0, None]),
    ([1j, 2, None], "complex128", [1j, 2 + 0j, None]),
    ([True, None, False], "bool", [True, None, False]),
    (["a", None, "é\0\U0001f600", ""], "text", ["a", None, "é\0\U0001f600", ""]),
    (["a", math.nan], "text", ["a", None]),
    ([True, math.nan], "bool", [True, None]),
    ([None, None], "float64", [None, None]),
    ([], "float64", []),
    (range(3), "int64", [0, 1, 2]),
    ((c for c in "ab"), "text", ["a", "b"]),
    ([NOON, None], "datetime64[us]", [NOON, None]),
    ([dt.date(1, 1, 1), dt.date(9999, 12, 31)], "datetime64[D]", None),
    ([dt.timedelta(-1, 3, 5), None], "timedelta64[us]", None),
    ([NOON.replace(tzinfo=PARIS), None], "datetime64[us, Europe/Paris]", None),
    ([NOON.replace(tzinfo=UTC)] * 2, "datetime64[us, UTC]", None),
    ([NOON.replace(tzinfo=UTC), NOON.replace(tzinfo=PARIS)], "datetime64[us, UTC]", None),
    ([NOON.replace(tzinfo=dt.timezone(-90 * MINUTES))], "datetime64[us, -01:30]", None),
    ([np.float32(1.5), np.int8(2)], "float64", [1.5, 2.0]),
    ([np.True_, False], "bool", [True, False]),
    ([np.datetime64("2024-01-01"), None], "datetime64[D]", [dt.date(2024, 1, 1), None]),
    (np.array([1, 2], ">i4"), "int32", [1, 2]),
    (np.arange(6, dtype="u2")[::2], "uint16", [0, 2, 4]),
    (np.array(["a", "bc"]), "text", ["a", "bc"]),
    (np.array(["a", None], object), "text", ["a", None]),
    (np.array([1, 2.5, None], object), "float64", [1.0, 2.5, None]),
    (np.array([1.5, 2], "f2"), "float16", [1.5, 2.0]),
    (np.array(["2024-01-01", "NaT"], "M8[s]"), "datetime64[s]", [dt.datetime(2024, 1, 1), None]),
    (np.array([-1, 1], "m8[ns]"), "timedelta64[ns]", [dt.timedelta(0, 0, -1), dt.timedelta()]),
    (np.ma.array([1, 2], mask=[True, False]), "int64", [None, 2]),
    (np.ma.array(["a", "b"], mask=[True, False]), "text", [None, "b"]),
    (array.array("h", [1, 2]), "int16", [1, 2]),
    (bytearray(b"\1\2"), "uint8", [1, 2]),
    (memoryview(array.array("d", [1, 2, 3]))[::2], "float64", [1.0, 3.0]),
    (from_bytes("<f4", b"\0" * 8), "float32", [0.0, 0.0]),
]


@pytest.mark.parametrize(("values", "kind", "expected"), COLUMNS)
def test_a_column_has_the_values_it_was_made_of(values, kind, expected):
    expected = values if expected is None else expected
    column = Column(values)
    assert (column.type, column.to_list(), len(column)) == (kind, expected, len(expected))
    assert column.null_count == expected.count(None)
    assert list(column) == expected
    assert [column[i] for i in range(len(column))] == expected
    assert [type(a) for a in column] == [type(b) for b in expected]
    if column.null_count:
        assert column.validity.tolist() == [value is not None for value in expected]
    else:
        assert column.validity is None


def test_times_are_read_in_their_zone():
    column = Column([NOON.replace(tzinfo=PARIS)])
    assert column[0].utcoffset() == dt.timedelta(hours=1)
    assert column.timezone == "Europe/Paris"
    assert column.values.tolist() == [NOON - dt.timedelta(hours=1)]
    given = Column(np.array(["2024-07-01"], "M8[s]"), timezone=PARIS)
    assert given[0] == dt.datetime(2024, 7, 1, 2, tzinfo=PARIS)
    assert given[0].hour == 2
    assert Column(np.array([0], "M8[s]"), timezone="+05:30")[0].hour == 5


def test_times_finer_than_microseconds_are_rounded_down_for_python_only():
    column = Column(np.array([-1, 999, 1001], "M8[ns]"))
    assert [time.microsecond for time in column] == [999_999, 0, 1]
    assert column.values.view("i8").tolist() == [-1, 999, 1001]
    assert Column(np.array([2**62], "M8[s]")).to_list() == [2**62]


@pytest.mark.parametrize(
    ("values", "error", "text"),
    [
        ([1, "a"], TypeError, "column 'x': its values are of several types: int, str"),
        ([True, 1], TypeError, "several types: bool, int"),
        ([object()], TypeError, "column 'x': a object is nothing that a column can have"),
        ([[1]], TypeError, "a list is nothing"),
        ([b"x"], TypeError, "a bytes is nothing"),
        (["a", 1.5], TypeError, "several types: float, str"),
        ([2**64], OverflowError, "column 'x': 18446744073709551616 is beyond 64 bits"),
        ([-1, 2**63], OverflowError, "9223372036854775808 is beyond 64 bits"),
        (["a", "\ud800"], ValueError, "column 'x': the text in row 1 is no Unicode"),
        (np.zeros((2, 2)), ValueError, r"column 'x': expected one dimension.*\(2, 2\)"),
        (np.zeros(2, "S3"), TypeError, "are no numbers, bools or times"),
        (np.zeros(2, "i4,i4"), TypeError, "are no numbers, bools or times"),
        (5, TypeError, "column 'x': expected an array of one dimension.*got a int"),
        ("text", TypeError, "got a str"),
        ({"a": 1}, TypeError, "got a dict"),
        ({1, 2}, TypeError, "got a set"),
        ([NOON, NOON.replace(tzinfo=UTC)], TypeError, "some have none"),
        ([NOON, dt.date(1, 1, 1)], TypeError, "several types"),
        ([np.datetime64(1, "s"), np.timedelta64(1, "s")], TypeError, "some are timedelta64"),
        ([dt.timedelta.max], OverflowError, "column 'x': .* is beyond 64 bits of microseconds"),
    ],
)
def test_what_is_no_column_is_refused_by_its_name(values, error, text):
    with pytest.raises(error, match=text):
        DataFrame({"x": values})


def test_an_array_with_nulls_or_a_zone_is_a_column():
    values = np.arange(2.0)
    masked = DataFrame({"x": np.ma.array(values, mask=[True, False])})["x"]
    assert isinstance(masked, Column) and np.shares_memory(masked.values, values)
    unmasked = DataFrame({"x": np.ma.array(values)})["x"]
    assert type(unmasked) is np.ndarray
    zoned = DataFrame({"x": Column(np.zeros(2, "M8[s]"), timezone="UTC")})["x"]
    assert isinstance(zoned, Column)


@pytest.mark.parametrize(
    "values",
    [
        list(range(7)),
        [1.5, None, 2.5, None, 3.5, 4.5, None],
        ["a", "", None, "dé", "e", None, "g"],
        Column.from_codes([0, 1, -1, 1, 0, 0, -1], ["x", "y"]),
        np.arange(7).astype("M8[s]"),
    ],
)
def test_slices_are_columns_of_these_rows(values):
    column = Column(values)
    listed = column.to_list()
    bounds = [None, 0, 1, 3, 6, 7, 9, -1, -7, -9]
    for start in bounds:
        for stop in bounds:
            for step in (None, 1, 2, -1, -3):
                part = column[start:stop:step]
                assert part.to_list() == listed[start:stop:step], (start, stop, step)
                assert part.type == column.type
    assert Column._from_parts(column[2:5]._to_parts()).to_list() == listed[2:5]
    for row in (7, -8):
        with pytest.raises(IndexError, match="out of range: the column has 7"):
            column[row]


def test_categories():
    column = Column.from_codes([1, -1, 0, 1], ["low", "high"], is_ordered=True, name="c")
    assert column.type == "category of text"
    assert column.to_list() == ["high", None, "low", "high"]
    assert (column.categories, column.is_ordered) == (["low", "high"], True)
    assert column.codes.tolist() == column.values.tolist() == [1, -1, 0, 1]
    assert column.null_count == 1
    assert column == Column.from_codes(np.array([1, -1, 0, 1], "i1"), ["low", "high"],
                                       is_ordered=True)  # fmt: skip
    assert column != Column.from_codes([1, -1, 0, 1], ["low", "high"])
    assert column != Column.from_codes([0, -1, 1, 0], ["high", "low"], is_ordered=True)
    assert Column.from_codes([0, 1], [10, 20]).to_numpy().tolist() == [10, 20]
    with pytest.raises(TypeError, match="a column of int64 has no categories"):
        Column([1]).categories  # noqa: B018
    for codes, categories, error, text in (
        ([2], ["a", "b"], ValueError, "not one of 2 categories, nor -1"),
        ([-2], ["a", "b"], ValueError, "not one of 2 categories, nor -1"),
        ([0], ["a", None], ValueError, "one of the categories is null"),
        ([0], ["a", "a"], ValueError, "more than once"),
        ([0.0], ["a"], TypeError, "codes are integers with a sign, not <f8"),
        (np.zeros(1, "u1"), ["a"], TypeError, r"codes are integers with a sign, not \|u1"),
        ([None], ["a"], TypeError, "no nulls but -1"),
        (["a"], ["a"], TypeError, "codes are ints, not text"),
    ):
        with pytest.raises(error, match=text):
            Column.from_codes(codes, categories)


def test_columns_are_arrays_for_numpy():
    assert np.shares_memory(Column(whole := np.arange(3)).to_numpy(), whole)
    assert np.asarray(Column([1, None])).dtype == "f8"
    assert np.isnan(np.asarray(Column([1.5, None]))[1])
    assert np.asarray(Column([True, None])).tolist() == [True, None]
    assert np.asarray(Column(["a", None])).tolist() == ["a", None]
    assert np.isnat(np.asarray(Column([NOON, None]))[1])
    assert np.asarray(Column([1, 2]), "f4").dtype == "f4"
    copied = np.array(Column(whole), copy=True)
    assert copied.tolist() == [0, 1, 2] and not np.shares_memory(copied, whole)
    assert np.sum(Column([1, 2, 3])) == 6
    # What NumPy before 2.0 does not know it does not ask for.
    with pytest.raises(ValueError, match="needs a copy"):
        Column([1, None]).__array__(copy=False)


def test_wrong_zones_are_refused():
    with pytest.raises(ValueError, match="there is no time zone 'Mars/Olympus' here"):
        Column(np.zeros(1, "M8[s]"), timezone="Mars/Olympus")
    with pytest.raises(ValueError, match="only datetimes have a time zone, not a column of int64"):
        Column([1], timezone="UTC")
    with pytest.raises(TypeError, match="has no name"):
        Column(np.zeros(1, "M8[s]"), timezone=5)
