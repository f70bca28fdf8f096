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
        if array.dtype.kind != "O" or not values:  # of objects there are none: most often text
            return TextCells.from_list(values, is_missing)
        return cells_of_list(values)
    return ValueCells(_vectors.vector_from(array), valid)


def is_missing(value):
    """Whether it stands for no value: None, pandas' NA and NaT, or a float that is NaN."""
    if value is None or type(value).__name__ in _PANDAS_MISSING:
        return True
    return isinstance(value, float) and value != value


def cells_of_list(values):
    """The cells of a list of values of one type and of None."""
    classes = set(map(type, values))
    kinds = {_kind(cls): cls for cls in classes}
    kinds.pop("missing", None)
    are_numbers = kinds.keys() <= {"int", "float", "complex"}
    if not are_numbers and all(v != v for v in values if isinstance(v, float)):
        # In a column of objects pandas writes NaN for null.
        kinds.pop("float", None)
    if "object" in kinds:
        raise TypeError(
            f"a {kinds['object'].__qualname__} is nothing that a column can have: numbers, bools, "
            "str, datetime, date, timedelta and None are"
        )
    if kinds.keys() == {"text"}:
        return TextCells.from_list(values, is_missing)
    gaps = {cls for cls in classes if _kind(cls) not in kinds}
    for wanted, make in _MAKERS:
        if kinds.keys() <= wanted:
            return make(Values(values, gaps))
    names = sorted(cls.__qualname__ for cls in kinds.values())
    raise TypeError(f"its values are of several types: {', '.join(names)}; a column has one")


class Values:
    """A list of values, of which those of the classes `gaps` are null."""

    def __init__(self, values, gaps):
        self.all, self.valid, self._gaps = values, None, gaps
        if gaps:
            self.valid = _vectors.from_bytes("|b1", bytes(type(v) not in gaps for v in values))

    def present(self):
        return [v for v in self.all if type(v) not in self._gaps] if self._gaps else self.all

    def filled(self, fill, convert=None):
        """With `fill` for null; `convert` is called for each of the others."""
        values = self.all
        if convert is not None:
            gaps = self._gaps
            return [fill if type(value) in gaps else convert(value) for value in values]
        if not self._gaps:
            return values
        gaps = self._gaps
        return [fill if type(value) in gaps else value for value in values]

    def cells(self, text, fill, convert=None):
        """Of the type `text`."""
        return ValueCells(_vectors.from_list(text, self.filled(fill, convert)), self.valid)


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


def _native(kind):
    return f"{_dtypes._NATIVE}{kind}"


def _ints(values):
    try:
        return values.cells(_native("i8"), 0)
    except OverflowError:
        present = values.present()
    least, greatest = int(min(present)), int(max(present))
    if least >= 0 and greatest < 2**64:
        return values.cells(_native("u8"), 0)
    raise OverflowError(f"{greatest if least in _INT64 else least} is beyond 64 bits")


def _check_microseconds(values):
    """TypeError if a time of pandas has nanoseconds, which Python's own times have not."""
    for value in values.present():
        if getattr(value, "nanosecond", 0) or getattr(value, "nanoseconds", 0):
            raise TypeError(
                f"{value!r} has nanoseconds, which times in a list have not: give them as an array "
                "of datetime64[ns] or timedelta64[ns]"
            )


def _datetimes(values):
    _check_microseconds(values)
    present = values.present()
    zones = {time.tzinfo for time in present if time.utcoffset() is not None}
    if not zones:
        return values.cells(_native("M8[us]"), 0, lambda time: (time - _EPOCH) // _MICROSECOND)
    if any(time.utcoffset() is None for time in present):
        raise TypeError("some of its datetimes have a time zone and some have none")
    start = _EPOCH.replace(tzinfo=datetime.UTC)
    cells = values.cells(_native("M8[us]"), 0, lambda time: (time - start) // _MICROSECOND)
    names = {zone_of(zone) for zone in zones}
    return ValueCells(cells.array, cells.valid, names.pop() if len(names) == 1 else "UTC")


def _dates(values):
    start = _EPOCH.date()
    return values.cells(_native("M8[D]"), 0, lambda date: (date - start).days)


def _timedeltas(values):
    _check_microseconds(values)
    for value in values.present():
        if value // _MICROSECOND not in _INT64:
            raise OverflowError(f"{value!r} is beyond 64 bits of microseconds")
    return values.cells(_native("m8[us]"), 0, lambda time: time // _MICROSECOND)


def _numpy_times(values):
    import numpy

    letters = {value.dtype.kind for value in values.present()}
    if len(letters) > 1:
        raise TypeError("some of its values are datetime64 and some are timedelta64")
    none = (numpy.datetime64 if letters == {"M"} else numpy.timedelta64)("NaT")
    return ValueCells(_vectors.vector_from(numpy.array(values.filled(none))))


# What a column is made by whose values are of these kinds, and nothing else.
_MAKERS = (
    (set(), lambda values: values.cells(_native("f8"), 0.0)),
    ({"bool"}, lambda values: values.cells("|b1", False)),
    ({"int"}, _ints),
    ({"int", "float"}, lambda values: values.cells(_native("f8"), 0.0)),
    ({"int", "float", "complex"}, lambda values: values.cells(_native("c16"), 0)),
    ({"datetime"}, _datetimes),
    ({"date"}, _dates),
    ({"timedelta"}, _timedeltas),
    ({"numpy"}, _numpy_times),
)
