# SPDX-License-Identifier: Apache-2.0
"""`unity.Column`: one column of a DataFrame."""

import operator

from unity import _vectors
from unity._cells import CategoryCells, ValueCells, cells_from_parts
from unity._column_sources import cells_of
from unity._zones import zone_of


class Column:
    """Values of one type, any of which may be null: numbers, bools, times, text or categories.

    It is read like a tuple of Python values, with None for nulls, and never changes. Two columns
    are equal if they have the same type and the same values, bit by bit (so a NaN is equal to
    itself), and nulls in the same places; names do not count.

    Args:
        values: a NumPy array of one dimension (not copied if it has no gaps), a masked array, a
            column of pandas, polars or pyarrow, an exporter of the buffer protocol, or a list of
            values of one type and of None.
        name: a str.
        timezone: for datetimes without one, which then count as UTC: an IANA name, an offset such
            as "+05:30", or a tzinfo. It says where they are read; the moments stay.

    Raises:
        TypeError: that is no column, or not of one type that a column can have.
        ValueError: the array has more than one dimension; a text has a lone surrogate; there is no
            such time zone.
        OverflowError: an int is beyond 64 bits.
    """

    __slots__ = ("__weakref__", "_cells", "_name")

    def __init__(self, values, *, name="", timezone=None):
        self._cells, self._name = cells_of(values), _checked_name(name)
        if timezone is not None:
            if not self.type.startswith("datetime64"):
                raise ValueError(f"only datetimes have a time zone, not a column of {self.type}")
            self._cells = ValueCells(self._cells.array, self._cells.valid, zone_of(timezone))

    @classmethod
    def from_codes(cls, codes, categories, *, is_ordered=False, name=""):
        """A column of categories.

        Args:
            codes: an array or list of ints: places in `categories`, or -1 for null. Arrays of int8,
                int16, int32 and int64 are not copied.
            categories: distinct values, as for `Column()`; none of them null.
            is_ordered: whether the categories are meant in their order.

        Raises:
            TypeError, ValueError: they are no such things; or a code has no category.
        """
        codes, categories = cells_of(codes), cells_of(categories)
        if not isinstance(codes, ValueCells) or not codes.is_plain:
            raise TypeError(f"codes are ints, not {codes.type}, and have no nulls but -1")
        cells = CategoryCells.from_parts(codes.array, categories, is_ordered)
        values = categories.to_list()
        if len(set(values)) < len(values):
            raise ValueError("some categories are there more than once")
        return cls._of(cells, name)

    @classmethod
    def _of(cls, cells, name):
        column = cls.__new__(cls)
        column._cells, column._name = cells, _checked_name(name)
        return column

    @property
    def name(self):
        """The name, a str; "" without one."""
        return self._name

    @property
    def type(self):
        """The type of the values, e.g. "int64", "bool", "text", "datetime64[us, UTC]",
        "category of text"."""
        return self._cells.type

    @property
    def null_count(self):
        """How many of the values are null. A NaN is not; a NaT is."""
        valid = self.validity
        return 0 if valid is None else _vectors.zeros_in(valid)

    @property
    def validity(self):
        """An array of bools, false for nulls, that is not to be changed; None without nulls."""
        return self._cells.validity()

    @property
    def values(self):
        """Of numbers, bools and times: the array under them, with anything at all where a null is.
        Of categories: the codes. TypeError for text, which has no such array."""
        if isinstance(self._cells, ValueCells):
            return self._cells.array
        return self.codes

    @property
    def timezone(self):
        """The name of the time zone; None if there is none. `values` are UTC."""
        return self._cells.zone if isinstance(self._cells, ValueCells) else None

    @property
    def codes(self):
        """Of categories: an array of integers, places in `categories`, -1 for nulls."""
        return self._categorical().codes

    @property
    def categories(self):
        """Of categories: the list of them."""
        return self._categorical().categories.to_list()

    @property
    def is_ordered(self):
        """Of categories: whether they are meant in their order."""
        return self._categorical().is_ordered

    def _categorical(self):
        if not isinstance(self._cells, CategoryCells):
            raise TypeError(f"a column of {self.type} has no categories")
        return self._cells

    def to_list(self):
        """The values as a list of bool, int, float, complex, str, date, datetime or timedelta; None
        for nulls. Times are rounded down to microseconds, as Python has them; those that it does
        not have at all, before the year 1 or after 9999, are ints of that unit."""
        return self._cells.to_list()

    def to_numpy(self):
        """The values as an ndarray: the very one under them if there are no nulls. Nulls are NaN
        (ints become float64 then) or NaT, and None in an array of objects for bools, text and
        categories of text. Times are UTC. ImportError without NumPy."""
        return self._cells.to_numpy()

    def to_pandas(self):
        """A `pandas.Series` of that name. ImportError without pandas."""
        from unity import _pandas

        return _pandas.series_of(self._cells, self._name or None)

    def __array__(self, dtype=None, copy=None):
        import numpy

        array = self.to_numpy()
        is_same = dtype is None or numpy.dtype(dtype) == array.dtype
        shares = is_same and array is getattr(self._cells, "array", None)
        if copy is False and not shares:
            raise ValueError(f"a column of {self.type} has no array of that kind: it needs a copy")
        return numpy.array(array, dtype) if copy and shares else numpy.asarray(array, dtype)

    def __arrow_c_schema__(self):
        """The type, for `pyarrow.field()` and others. TypeError: Arrow has none like it."""
        return self._node().schema()

    def __arrow_c_array__(self, requested_schema=None):
        """The column for readers of Arrow's C data interface: `pyarrow.array()`, `polars.Series()`.

        What they read shares the memory, but for bools and validity. The type is that of the
        column, whatever `requested_schema` says. TypeError: Arrow has none like it.
        """
        node = self._node()
        return node.schema(), node.array()

    def _node(self):
        from unity import _arrow_columns

        return _arrow_columns.node_of(self._name, self._cells)

    def __len__(self):
        return len(self._cells)

    def __getitem__(self, key):
        """The value of a row, None for null; or a column of the rows of a slice, which shares the
        memory if its step is 1."""
        if isinstance(key, slice):
            rows = range(len(self))[key]
            if not rows:
                rows = range(0)
            return Column._of(self._cells.slice(rows), self._name)
        row = operator.index(key)
        if not -len(self) <= row < len(self):
            raise IndexError(f"row {row} is out of range: the column has {len(self)}")
        row %= len(self)
        return self._cells.slice(range(row, row + 1)).to_list()[0]

    def __iter__(self):
        return iter(self.to_list())

    def __contains__(self, value):
        return value in self.to_list()

    def __eq__(self, other):
        if not isinstance(other, Column):
            return NotImplemented
        return self._cells.same(other._cells)

    __hash__ = None

    def __copy__(self):
        return self

    def __reduce__(self):
        return _load, (_packed(self._to_parts()),)

    def _to_parts(self):
        return (self._name, self._cells.layout, *self._cells.parts())

    @classmethod
    def _from_parts(cls, parts):
        name, cells = cells_from_parts(parts)
        return cls._of(cells, name)

    def __repr__(self):
        from unity import _table_display

        return _table_display.column_text(self)


Column.__module__ = "unity"


def _checked_name(name):
    if not isinstance(name, str):
        raise TypeError(f"the name of a column is a str, not a {type(name).__qualname__}: {name!r}")
    return name


def _packed(parts):
    """Parts with arrays that pickle can write."""
    return tuple(_packed(part) if isinstance(part, tuple) else _vectors.packed(part)
                 for part in parts)  # fmt: skip


def _unpacked(parts):
    return tuple(
        _unpacked(part) if isinstance(part, tuple) else _vectors.unpacked(part) for part in parts
    )


def _load(parts):
    """The column of a pickle."""
    return Column._from_parts(_unpacked(parts))
