# SPDX-License-Identifier: Apache-2.0
"""`unity.DataFrame`: named columns of one length."""

import sys
from collections.abc import Mapping

from unity._cells import ValueCells, cells_from_parts
from unity._column import Column, _checked_name, _packed, _unpacked
from unity._column_sources import cells_of


class DataFrame(Mapping):
    """Named columns of one length, a value that functions of a server take and return.

    A mapping from the names to the columns, in their order, that never changes. `frame["x"]` is
    the array itself where that says everything: numbers, bools, times without a time zone, and no
    nulls. Otherwise it is a `unity.Column`. `frame[["x", "y"]]` is a DataFrame of these columns.
    Like any mapping, it has the length of its names: `num_rows` counts rows.

    Two are equal if they have the same names in the same order, types, and values, bit by bit (so a
    NaN is equal to itself), with nulls in the same places.

    Args:
        columns: a mapping of names (str) to columns, each of which is anything that `unity.Column`
            takes; or a table of pandas, polars or pyarrow, or of anything else with
            `__arrow_c_stream__`. Arrays are not copied if they have one dimension and no gaps.

    Raises:
        TypeError: that is no table; a name is no str; or values are of no type that a column can
            have.
        ValueError: lengths differ; names are there twice; a table of pandas has an index other than
            a RangeIndex; or an array has more than one dimension.
        OverflowError: an int is beyond 64 bits.
    """

    __slots__ = ("__weakref__", "_columns", "_rows")

    def __init__(self, columns=(), /):
        table = columns if isinstance(columns, DataFrame) else _table_of(columns)
        if table is not None:
            self._rows, self._columns = table._rows, table._columns
            return
        if not isinstance(columns, (Mapping, tuple)) or (isinstance(columns, tuple) and columns):
            raise TypeError(
                "expected a mapping of names to columns, or a table of pandas, polars or pyarrow; "
                f"got a {type(columns).__qualname__}"
            )
        items = columns.items() if isinstance(columns, Mapping) else ()
        self._columns = _columns_of(items)
        self._rows = _common_length(self._columns)

    @classmethod
    def from_arrow(cls, table):
        """A DataFrame of a table with `__arrow_c_stream__` or `__arrow_c_array__`, such as those of
        pyarrow, polars and DuckDB. Numbers, times and text share its memory.

        Raises:
            TypeError: it is none, or has a column of a type that none can have: lists, structs,
                decimals, bytes, times of day.
            ValueError: names are there twice.
        """
        kind = type(table)
        if not hasattr(kind, "__arrow_c_stream__") and not hasattr(kind, "__arrow_c_array__"):
            raise TypeError(
                "expected a table with __arrow_c_stream__, such as those of pyarrow and polars; "
                f"got a {kind.__qualname__}"
            )
        from unity import _arrow_columns

        rows, columns = _arrow_columns.table_of(table)
        return cls._of(rows, columns)

    @classmethod
    def from_pandas(cls, frame):
        """A DataFrame of one of pandas.

        Raises:
            TypeError: it is none; a name is no str; or a column has values of a type that none
                can have.
            ValueError: the index is no RangeIndex: call `reset_index()` first; or names are there
                twice.
        """
        import pandas

        if not isinstance(frame, pandas.DataFrame):
            raise TypeError(f"expected a pandas.DataFrame, got a {type(frame).__qualname__}")
        from unity import _pandas

        rows, columns = _pandas.table_of(pandas, frame)
        _check_unique(columns)
        return cls._of(
            rows, [(name, column._cells) for name, column in _columns_of(columns).items()]
        )

    @classmethod
    def _of(cls, rows, columns):
        """Of (name, cells)."""
        _check_unique(columns)
        frame = cls.__new__(cls)
        frame._rows = rows
        frame._columns = {name: Column._of(cells, name) for name, cells in columns}
        for name, column in frame._columns.items():
            if len(column) != rows:
                raise ValueError(f"column {name!r} has {len(column)} rows, and the table {rows}")
        return frame

    @property
    def names(self):
        """The names of the columns, a list."""
        return list(self._columns)

    @property
    def types(self):
        """The types of the columns by their names, as `Column.type` has them; a dict."""
        return {name: column.type for name, column in self._columns.items()}

    @property
    def num_rows(self):
        """How many rows there are."""
        return self._rows

    @property
    def num_columns(self):
        """How many columns there are."""
        return len(self._columns)

    @property
    def shape(self):
        """(number of rows, number of columns)."""
        return self._rows, len(self._columns)

    def column(self, name):
        """The `unity.Column` of that name, also where `frame[name]` is an array. KeyError."""
        try:
            return self._columns[name]
        except (KeyError, TypeError):
            raise KeyError(f"there is no column {name!r}; there are {self.names}") from None

    def select(self, names):
        """A DataFrame of some of the columns, in that order; they share the memory. KeyError: there
        is none of that name. ValueError: a name is there twice."""
        return DataFrame._of(self._rows, [(name, self.column(name)._cells) for name in names])

    def rows(self, start=0, stop=None, /):
        """A DataFrame of the rows from `start` up to `stop`, which count as in a slice; they share
        the memory."""
        rows = range(self._rows)[start:stop]
        columns = [(name, column[start:stop]._cells) for name, column in self._columns.items()]
        return DataFrame._of(len(rows), columns)

    def head(self, count=5):
        """A DataFrame of the first rows."""
        return self.rows(0, count)

    def row(self, number):
        """One row, as a dict of Python values; None for nulls. IndexError: there is none."""
        if not -self._rows <= number < self._rows:
            raise IndexError(f"row {number} is out of range: there are {self._rows}")
        return {name: column[number] for name, column in self._columns.items()}

    def to_dict(self):
        """A dict of names to lists of Python values, as `Column.to_list()` has them."""
        return {name: column.to_list() for name, column in self._columns.items()}

    def to_pandas(self, *, dtype_backend=None, copy=True):
        """A `pandas.DataFrame`.

        Args:
            dtype_backend: None gives pandas' usual dtypes, and its nullable ones (Int64, boolean)
                to numbers and bools with nulls; "numpy_nullable" gives nullable ones to all
                numbers, bools and text; "pyarrow" gives all the dtypes of Arrow, and needs pyarrow.
            copy: False lets pandas use the same arrays; do not write into it then.

        Raises:
            ImportError: pandas is not installed.
            ValueError: there is no such `dtype_backend`.
        """
        from unity import _pandas

        return _pandas.frame_of(self._rows, self._cells(), dtype_backend, copy)

    def to_arrow(self):
        """A `pyarrow.Table`, which shares the memory but for bools and validity.

        Raises:
            ImportError: pyarrow is not installed.
            TypeError: Arrow has no type like that of a column.
        """
        import pyarrow

        return pyarrow.table(self)

    def to_polars(self):
        """A `polars.DataFrame`, which shares the memory but for bools and validity.

        Raises:
            ImportError: polars is not installed.
            TypeError: Arrow, by which it goes, has no type like that of a column.
        """
        import polars

        from unity import _arrow_columns

        # polars would take a mapping for one, and go through lists.
        return polars.DataFrame(_arrow_columns.Exporter(self._node()))

    def __arrow_c_schema__(self):
        """The names and types, for `pyarrow.schema()`. TypeError: Arrow has none like that."""
        return self._node().schema()

    def __arrow_c_stream__(self, requested_schema=None):
        """The table for readers of Arrow's C stream interface: `pyarrow.table()`,
        `polars.DataFrame()`, DuckDB.

        What they read shares the memory, but for bools and validity. The types are those of the
        columns, whatever `requested_schema` says. TypeError: Arrow has none like that.
        """
        return self._node().stream()

    def _node(self):
        from unity import _arrow_columns

        return _arrow_columns.table_node(self._rows, self._cells())

    def _cells(self):
        return [(name, column._cells) for name, column in self._columns.items()]

    def __getitem__(self, name):
        if isinstance(name, list):
            return self.select(name)
        column = self.column(name)
        cells = column._cells
        return cells.array if isinstance(cells, ValueCells) and cells.is_plain else column

    def __iter__(self):
        return iter(self._columns)

    def __len__(self):
        return len(self._columns)

    def __contains__(self, name):
        return isinstance(name, str) and name in self._columns

    def __eq__(self, other):
        if not isinstance(other, DataFrame):
            # Tables of other libraries would compare cell by cell, and give no bool.
            return False if hasattr(type(other), "__arrow_c_stream__") else NotImplemented
        return (
            self._rows == other._rows
            and self.names == other.names
            and all(column == other._columns[name] for name, column in self._columns.items())
        )

    __hash__ = None

    def __copy__(self):
        return self

    def __reduce__(self):
        return _load, (_packed(tuple(self._to_parts())),)

    def _to_parts(self):
        return [self._rows, *(column._to_parts() for column in self._columns.values())]

    @classmethod
    def _from_parts(cls, parts):
        rows, *columns = parts
        return cls._of(rows, [cells_from_parts(column) for column in columns])

    def __repr__(self):
        from unity import _table_display

        return _table_display.table_text(self)

    def _repr_html_(self):
        from unity import _table_display

        return _table_display.table_html(self)


DataFrame.__module__ = "unity"


def as_value(value):
    """The DataFrame that stands for a table of another library: pandas, or any with
    `__arrow_c_stream__`. None if it is no table. Nothing is imported for that.

    Raises:
        TypeError, ValueError: it is a table that cannot be a DataFrame.
    """
    return _table_of(value)


def _table_of(value):
    pandas = sys.modules.get("pandas")
    if pandas is not None and hasattr(pandas, "DataFrame"):
        if isinstance(value, pandas.DataFrame):
            return DataFrame.from_pandas(value)
        if isinstance(value, (pandas.Series, pandas.Index)):
            return None
    kind = type(value)
    if isinstance(value, Column) or not (
        hasattr(kind, "__arrow_c_stream__") or hasattr(kind, "__arrow_c_array__")
    ):
        return None
    from unity import _arrow_columns

    try:
        return DataFrame.from_arrow(value)
    except _arrow_columns.NotATable:
        return None


def _columns_of(items):
    """A dict of Columns; each complaint names the column."""
    columns = {}
    for name, values in items:
        _checked_name(name)
        try:
            columns[name] = Column._of(cells_of(values), name)
        except (TypeError, ValueError, OverflowError) as error:
            kinds = (OverflowError, TypeError, ValueError)
            kind = next(kind for kind in kinds if isinstance(error, kind))
            raise kind(f"column {name!r}: {error}") from error
    return columns


def _common_length(columns):
    lengths = {len(column) for column in columns.values()}
    if len(lengths) > 1:
        each = ", ".join(f"{name!r} has {len(column)}" for name, column in columns.items())
        raise ValueError(f"the columns of a DataFrame have one length; {each}")
    return lengths.pop() if lengths else 0


def _check_unique(columns):
    seen = set()
    for name, _ in columns:
        if name in seen:
            raise ValueError(f"there is more than one column {name!r}; rename them first")
        seen.add(name)


def _load(parts):
    """The DataFrame of a pickle."""
    return DataFrame._from_parts(_unpacked(parts))
