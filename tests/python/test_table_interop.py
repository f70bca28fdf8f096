# SPDX-License-Identifier: Apache-2.0
"""unity.DataFrame from and for pandas, polars and pyarrow, and the Arrow C data interface."""

import contextlib
import datetime as dt
import sys

import numpy as np
import pytest

from unity import Column, DataFrame
from unity._tables import as_value

with contextlib.suppress(ImportError):
    import pandas as pd
with contextlib.suppress(ImportError):
    import polars as pl

    pl.DataFrame({"a": [1]}).select(pl.col("a").sum())  # has its threads started
with contextlib.suppress(ImportError):
    import pyarrow as pa

    pa.set_cpu_count(1)
    pa.table({"a": [1, 2], "b": ["x", "y"]}).to_pandas()


def needs(*modules):
    missing = [name for name in modules if name not in sys.modules]
    return pytest.mark.skipif(bool(missing), reason=f"{', '.join(missing)} is not installed")


@pytest.fixture(scope="module", params=["parts", "echo", "copy"])
def crossed(request):
    """Sends a value as its parts alone; to a server and back; and so that it is new there."""
    if request.param == "parts":
        return lambda value: type(value)._from_parts(value._to_parts())
    session = request.getfixturevalue("private")
    return getattr(session.toolkits.diagnostics, request.param)


TIMES = ["2024-03-31 00:30", None, "2024-03-31 02:30:01.5", "1900-01-01"]


def pandas_frames():
    """(name, frame) of columns that come back from a server as they were."""
    if "pandas" not in sys.modules:
        return
    stamps = pd.to_datetime(pd.Series(TIMES), format="ISO8601")
    letters = ["a", None, "b", "a"]
    for name, columns in {
        "numbers": {str(t): np.arange(4).astype(t) for t in "bhilBHILefdFD"},
        "bools": {"x": [True, False, True, True]},
        "NaN": {"x": [1.5, np.nan, -0.0, np.inf]},
        "text": {"x": letters, "y": ["é", "\U0001f600", "", "a\0b"]},
        "Int64": {t: pd.array([1, None, 3, 4], dtype=t) for t in ("Int64", "Int8", "UInt64")},
        "Int64 without nulls": {"x": pd.array([1, 2, 3, 4], dtype="Int64")},
        "Float64": {"x": pd.array([1.5, None, 3, 4], dtype="Float64")},
        "boolean": {"x": pd.array([True, None, False, True], dtype="boolean")},
        "datetime": {u: stamps.dt.as_unit(u) for u in ("s", "ms", "us", "ns")},
        "datetime of a zone": {
            zone: stamps.dt.tz_localize("UTC").dt.tz_convert(zone)
            for zone in ("UTC", "Europe/Paris", "+05:30", "Asia/Tokyo")
        },
        "timedelta": {u: (stamps - stamps[0]).dt.as_unit(u) for u in ("s", "ns")},
        "categories": {
            "text": pd.Categorical(letters),
            "ordered": pd.Categorical(letters, ["b", "a"], ordered=True),
            "unused": pd.Categorical(letters, ["z", "b", "a"]),
            "ints": pd.Categorical([3, 1, None, 3]),
            "times": pd.Categorical(stamps),
            "zoned": pd.Categorical(stamps.dt.tz_localize("UTC").dt.tz_convert("Asia/Tokyo")),
        },
        "many categories": {"x": pd.Categorical(np.arange(4) + 300, np.arange(1000))},
    }.items():
        yield pytest.param(pd.DataFrame(columns), id=name)
    yield pytest.param(pd.DataFrame({"a": np.arange(5), "b": list("abcde")})[2:4], id="a slice")
    yield pytest.param(pd.DataFrame(index=range(3)), id="no columns")
    yield pytest.param(pd.DataFrame({"x": np.zeros(0, "i4"), "t": np.zeros(0, "U1")}), id="no rows")
    square = pd.DataFrame(np.arange(6.0).reshape(3, 2), columns=["a", "b"])
    yield pytest.param(square, id="a block of columns")


@needs("pandas")
@pytest.mark.parametrize("frame", [*pandas_frames()])
def test_a_frame_of_pandas_comes_back_equal(frame, crossed):
    made = DataFrame(frame)
    assert made == DataFrame.from_pandas(frame) == as_value(frame)
    for one in (made, crossed(made)):
        back = one.to_pandas()
        pd.testing.assert_frame_equal(back, frame.reset_index(drop=True))
        assert DataFrame(back) == made


@needs("pandas")
def test_columns_of_objects_in_pandas_are_what_is_in_them():
    frame = pd.DataFrame({
        "t": pd.Series(["a", None, np.nan, pd.NA], dtype=object),
        "b": pd.Series([True, None, np.nan, False], dtype=object),
        "i": pd.Series([1, None, 2**60, pd.NA], dtype=object),
        "d": pd.Series([dt.date(2024, 1, 1), None, pd.NaT, None], dtype=object),
    })  # fmt: skip
    made = DataFrame(frame)
    assert made.to_dict() == {
        "t": ["a", None, None, None],
        "b": [True, None, None, False],
        "i": [1, None, 2**60, None],
        "d": [dt.date(2024, 1, 1), None, None, None],
    }
    assert made.types == {"t": "text", "b": "bool", "i": "int64", "d": "datetime64[D]"}
    with pytest.raises(TypeError, match="column 'm': its values are of several types: int, str"):
        DataFrame(pd.DataFrame({"ok": [1, 2], "m": pd.Series([1, "a"], dtype=object)}))


@needs("pandas", "pyarrow")
def test_nullable_dtypes_of_pandas_can_be_asked_for(crossed):
    frame = pd.DataFrame({
        "i": pd.array([1, 2, None], dtype="Int64"), "f": pd.array([1, 2, 3], dtype="Float64"),
        "b": pd.array([True, None, False], dtype="boolean"),
        "t": pd.array(["a", None, "é"], dtype="string"),
        "python": pd.array(["a", None, "é"], dtype="string[python]"),
    })  # fmt: skip
    made = DataFrame(frame)
    back = crossed(made).to_pandas(dtype_backend="numpy_nullable")
    pd.testing.assert_frame_equal(back, frame.astype({"python": "string"}))
    arrow = made.to_pandas(dtype_backend="pyarrow")
    assert all(isinstance(dtype, pd.ArrowDtype) for dtype in arrow.dtypes)
    assert DataFrame(arrow) == made
    assert DataFrame().to_pandas(dtype_backend="pyarrow").shape == (0, 0)
    with pytest.raises(ValueError, match="dtype_backend is None"):
        made.to_pandas(dtype_backend="numpy")


@needs("pandas")
@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: pd.DataFrame({"a": [1]}, index=[5]), ValueError, r"call|reset_index\(\),"),
        (lambda: pd.DataFrame({"a": [1]}, index=["x"]), ValueError, r"reset_index\(drop=True\)"),
        (lambda: pd.DataFrame([[1, 2]], columns=["a", "a"]), ValueError, "more than one"),
        (lambda: pd.DataFrame([[1, 2]]), TypeError, "is a str, not a int: 0"),
        (lambda: pd.DataFrame([[1]], columns=pd.MultiIndex.from_tuples([("a", "b")])), TypeError,
         "not a tuple"),
        (lambda: pd.DataFrame({"p": pd.period_range("2024", periods=2)}), TypeError,
         "column 'p': pandas' dtype period.* is nothing that a column can have"),
        (lambda: pd.DataFrame({"p": pd.arrays.SparseArray([0, 1])}), TypeError, "Sparse"),
        (lambda: pd.DataFrame({"p": pd.interval_range(0, 2)}), TypeError, "column 'p': .*interval"),
        (lambda: {"a": pd.Series([1], index=[3])}, ValueError, "column 'a': the pandas index"),
        (lambda: pd.DataFrame({"p": [[1], [2]]}), TypeError, "column 'p': a list is nothing"),
    ],
)  # fmt: skip
def test_what_pandas_has_and_a_frame_has_not_is_refused(make, error, text):
    with pytest.raises(error, match=text):
        DataFrame(make())


@needs("pandas")
def test_series_are_columns():
    frame = DataFrame({"a": pd.Series([1, 2]), "b": pd.Index(["x", "y"]), "c": pd.array([1, None]),
                       "d": pd.Categorical(["u", "u"])})  # fmt: skip
    assert frame.to_dict() == {"a": [1, 2], "b": ["x", "y"], "c": [1, None], "d": ["u", "u"]}
    series = Column([1, None, 3], name="n").to_pandas()
    pd.testing.assert_series_equal(series, pd.Series([1, None, 3], dtype="Int64", name="n"))
    assert as_value(series) is None


@needs("pandas")
def test_frames_for_pandas_are_copies_unless_asked_not_to_be():
    values = np.arange(3)
    frame = DataFrame({"x": values})
    copied = frame.to_pandas()
    copied.loc[0, "x"] = 7
    assert values[0] == 0
    assert np.shares_memory(frame.to_pandas(copy=False)["x"].to_numpy(), values)
    given = pd.DataFrame({"x": values})
    assert np.shares_memory(DataFrame(given)["x"], given["x"].to_numpy())


def test_only_tables_are_values():
    assert as_value([1]) is as_value({"a": 1}) is as_value(Column([1])) is as_value(1) is None
    frame = DataFrame({"a": [1]})
    assert as_value(frame) == frame
    if "pyarrow" in sys.modules:
        assert as_value(pa.array([1])) is as_value(pa.chunked_array([[1]])) is None
        assert as_value(pa.table({"a": [1]})) == as_value(pa.record_batch({"a": [1]})) == frame
    if "polars" in sys.modules:
        assert as_value(pl.Series([1])) is None
        assert as_value(pl.DataFrame({"a": [1]})) == frame


@needs("polars")
def test_a_frame_of_polars_comes_back_equal(crossed):
    texts = ["a", None, "bcdé", "a text of more than twelve bytes", ""]
    times = [dt.datetime(2024, 1, 1), None, dt.datetime(1900, 1, 1, 1)] + [None] * 2
    given = pl.DataFrame({
        "i": [1, None, 3, 4, 5], "f": [1.5, None, 2.5, float("nan"), 0.0],
        "u": pl.Series([1, 2, 3, 4, 5], dtype=pl.UInt16), "b": [True, None, False, True, False],
        "t": texts, "d": times, "day": [None, dt.date(2024, 2, 29)] + [None] * 3,
        "z": pl.Series(times, dtype=pl.Datetime("ms", "Europe/Paris")),
        "td": [dt.timedelta(1), None, dt.timedelta(-1)] + [None] * 2,
        "c": pl.Series(["x", "y", None, "x", "x"], dtype=pl.Categorical),
        "e": pl.Series(["x", "y", None, "x", "x"], dtype=pl.Enum(["y", "x"])),
    })  # fmt: skip
    joined = pl.concat([given, given[1:3], given[:0]], rechunk=False)
    for one in (given, given[1:], given[2:2], joined, joined[1:], given.select("t")):
        frame = DataFrame(one)
        back = crossed(frame).to_polars()
        assert back.with_columns(pl.selectors.by_dtype(pl.Categorical, pl.Enum).cast(str)).equals(
            one.with_columns(pl.selectors.by_dtype(pl.Categorical, pl.Enum).cast(str))
        )
        assert frame.names == one.columns and frame.num_rows == one.height
        # What was an Enum is no more than a Categorical then, which has no order.
        names = [name for name in frame if name != "e"]
        assert DataFrame(back)[names] == frame[names]
        assert pl.DataFrame(frame)[names].equals(back[names])
    assert DataFrame(given)["c"].categories == ["x", "y"]
    assert DataFrame(given)["e"].categories == ["y", "x"]
    assert DataFrame({"s": given["t"], "n": given["i"]}).to_dict() == {
        "s": texts, "n": [1, None, 3, 4, 5]}  # fmt: skip
    assert pl.Series(DataFrame(given)["t"]).to_list() == texts
    with pytest.raises(TypeError, match="column 'l': Arrow's type large_list"):
        DataFrame(pl.DataFrame({"l": [[1]]}))


def test_a_frame_is_not_equal_to_a_table_of_another_library():
    frame = DataFrame({"a": [1]})
    tables = []
    if "pandas" in sys.modules:
        tables += [pd.DataFrame({"a": [1]}), pd.DataFrame()]
    if "polars" in sys.modules:
        tables += [pl.DataFrame({"a": [1]}), pl.DataFrame({"b": [1, 2]})]
    for table in tables:
        assert (frame == table) is False and (frame != table) is True
    assert (frame == 1) is False


def test_nanoseconds_in_a_list_are_refused():
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    for time in (pandas.Timestamp("2020-01-01 00:00:00.000000001"), pandas.Timedelta(1, "ns")):
        with pytest.raises(TypeError, match="has nanoseconds.*ns"):
            DataFrame({"a": [time]})
    assert DataFrame({"a": [pandas.Timestamp("2020-01-01")]}).num_rows == 1
