# SPDX-License-Identifier: Apache-2.0
"""Cells of columns from whatever holds the values: arrays, lists, other libraries' columns."""

import datetime
import sys
from collections.abc import Mapping, Set

from unity import _dtypes, _vectors
from unity._buffer import Buffer
from unity._cells import TextCells, ValueCells
from unity._zones import zone_of

_EPOCH = datetime.datetime(1970, 1, 1)
_MICROSECOND = datetime.timedelta(microseconds=1)
_INT64 = range(-(2**63), 2**63)
# What stands for no value in pandas, whatever the type.
_PANDAS_MISSING = frozenset(("NAType", "NaTType"))


def cells_of(values):
    """The cells of a column.

    Raises:
        TypeError: that is no column, or not of one type that a column can have.
        ValueError: it has more than one dimension, or text that is no Unicode.
        OverflowError: an int is beyond 64 bits.
    """
    from unity._column import Column

    if isinstance(values, Column):
        return values._cells
    pandas = sys.modules.get("pandas")
    if pandas is not None and hasattr(pandas, "DataFrame"):  # else it is being imported
        from unity import _pandas

        if _pandas.is_column(pandas, values):
            return _pandas.cells_of_column(pandas, values)
    numpy = sys.modules.get("numpy")
    if numpy is not None and hasattr(numpy, "ma") and isinstance(values, numpy.ndarray):
        return _cells_of_ndarray(numpy, values)
    kind = type(values)
    if not isinstance(values, Buffer) and (
        hasattr(kind, "__arrow_c_array__") or hasattr(kind, "__arrow_c_stream__")
    ):
        from unity import _arrow_columns

        return _arrow_columns.cells_of(values)
    if isinstance(values, (str, Mapping, Set)):
        raise _no_column(values)
    if isinstance(values, (list, tuple)) or not _is_exporter(values):
        if not hasattr(kind, "__iter__"):
            raise _no_column(values)
        return cells_of_list(list(values))
    return ValueCells(_vectors.vector_from(values))


def _no_column(values):
    return TypeError(
        "expected an array of one dimension, a list, or a column of pandas, polars or pyarrow; "
        f"got a {type(values).__qualname__}"
    )


def _is_exporter(values):
    try:
        memoryview(values).release()
    except TypeError:
        return False
    return True


def _cells_of_ndarray(numpy, array):
    if array.ndim != 1:
        raise ValueError(f"expected one dimension, got an array of shape {array.shape}")
    valid = None
    if isinstance(array, numpy.ma.MaskedArray):
        valid = ~numpy.ma.getmaskarray(array)
        array = array.data
    if array.dtype.kind in "UOT":
        values = array.tolist()
        if valid is not None:
            values = [v if keep else None for v, keep in zip(values, valid, strict=True)]
        return cells_of_list(values)
    return ValueCells(_vectors.vector_from(array), valid)


def is_missing(value):
    """Whether it stands for no value: None, pandas' NA and NaT, or a float that is NaN."""
    if value is None or type(value).__name__ in _PANDAS_MISSING:
        return True
    return isinstance(value, float) and value != value


def cells_of_list(values):
    """The cells of a list of values of one type and of None."""
    kinds = {_kind(cls): cls for cls in set(map(type, values))}
    kinds.pop("missing", None)
    are_numbers = kinds.keys() <= {"int", "float", "complex"}
    if not are_numbers and all(v != v for v in values if isinstance(v, float)):
        # In a column of objects pandas writes NaN for null.
        kinds.pop("float", None)
        values = [None if is_missing(value) else value for value in values]
    if "object" in kinds:
        raise TypeError(
            f"a {kinds['object'].__qualname__} is nothing that a column can have: numbers, bools, "
            "str, datetime, date, timedelta and None are"
        )
    if kinds.keys() == {"text"}:
        return TextCells.from_list(values, is_missing)
    for wanted, make in _MAKERS:
        if kinds.keys() <= wanted:
            return make(values)
    names = sorted(cls.__qualname__ for cls in kinds.values())
    raise TypeError(f"its values are of several types: {', '.join(names)}; a column has one")


def _kind(cls):
    """What values of a class are for a column."""
    if cls is type(None) or cls.__name__ in _PANDAS_MISSING:
        return "missing"
    for kind, base in (
        ("text", str),
        ("bool", bool),
        ("int", int),
        ("float", float),
        ("complex", complex),
        ("datetime", datetime.datetime),
        ("date", datetime.date),
        ("timedelta", datetime.timedelta),
    ):
        if issubclass(cls, base):
            return kind
    numpy = sys.modules.get("numpy")
    if numpy is not None and issubclass(cls, numpy.generic):
        letter = numpy.dtype(cls).kind
        return {"b": "bool", "i": "int", "u": "int", "f": "float", "c": "complex",
                "M": "numpy", "m": "numpy"}.get(letter, "object")  # fmt: skip
    return "object"


def _filled(text, values, fill, convert=None):
    """Cells of the type `text`; None is null, with `fill` for its value."""
    missing = [value is None or type(value).__name__ in _PANDAS_MISSING for value in values]
    valid = None
    if any(missing):
        valid = _vectors.from_bytes("|b1", bytes(not gap for gap in missing))
        values = [fill if gap else value for gap, value in zip(missing, values, strict=True)]
    if convert is not None:
        values = list(map(convert, values))
    return ValueCells(_vectors.from_list(text, values), valid)


def _native(kind):
    return f"{_dtypes._NATIVE}{kind}"


def _ints(values):
    present = [int(value) for value in values if _kind(type(value)) == "int"]
    low, high = (min(present), max(present)) if present else (0, 0)
    if low in _INT64 and high in _INT64:
        return _filled(_native("i8"), values, 0)
    if low >= 0 and high < 2**64:
        return _filled(_native("u8"), values, 0)
    raise OverflowError(f"{high if low in _INT64 else low} is beyond 64 bits")


def _datetimes(values):
    present = [value for value in values if _kind(type(value)) == "datetime"]
    aware = [value.tzinfo for value in present if value.utcoffset() is not None]
    if not aware:
        return _filled(_native("M8[us]"), values, _EPOCH, lambda t: (t - _EPOCH) // _MICROSECOND)
    if len(aware) < len(present):
        raise TypeError("some of its datetimes have a time zone and some have none")
    start = _EPOCH.replace(tzinfo=datetime.UTC)
    cells = _filled(_native("M8[us]"), values, start, lambda t: (t - start) // _MICROSECOND)
    zones = {zone_of(tz) for tz in set(aware)}
    return ValueCells(cells.array, cells.valid, zones.pop() if len(zones) == 1 else "UTC")


def _dates(values):
    start = _EPOCH.date()
    return _filled(_native("M8[D]"), values, start, lambda date: (date - start).days)


def _timedeltas(values):
    for value in values:
        if isinstance(value, datetime.timedelta) and value // _MICROSECOND not in _INT64:
            raise OverflowError(f"{value!r} is beyond 64 bits of microseconds")
    zero = datetime.timedelta()
    return _filled(_native("m8[us]"), values, zero, lambda time: time // _MICROSECOND)


def _numpy_times(values):
    import numpy

    letters = {value.dtype.kind for value in values if isinstance(value, numpy.generic)}
    if len(letters) > 1:
        raise TypeError("some of its values are datetime64 and some are timedelta64")
    none = (numpy.datetime64 if letters == {"M"} else numpy.timedelta64)("NaT")
    array = numpy.array([none if value is None else value for value in values])
    return ValueCells(_vectors.vector_from(array))


# What a column is made by whose values are of these kinds, and nothing else.
_MAKERS = (
    (set(), lambda values: _filled(_native("f8"), values, 0.0)),
    ({"bool"}, lambda values: _filled("|b1", values, False)),
    ({"int"}, _ints),
    ({"int", "float"}, lambda values: _filled(_native("f8"), values, 0.0, float)),
    ({"int", "float", "complex"}, lambda values: _filled(_native("c16"), values, 0, complex)),
    ({"datetime"}, _datetimes),
    ({"date"}, _dates),
    ({"timedelta"}, _timedeltas),
    ({"numpy"}, _numpy_times),
)
