# SPDX-License-Identifier: Apache-2.0
"""Columns and tables from and for pandas, which has been imported by whoever has some."""

from unity import _vectors
from unity._cells import CategoryCells, TextCells, ValueCells
from unity._column_sources import cells_of, is_missing
from unity._zones import zone_of

BACKENDS = (None, "numpy_nullable", "pyarrow")


def is_column(pandas, value):
    return isinstance(value, (pandas.Series, pandas.Index, pandas.api.extensions.ExtensionArray))


def cells_of_column(pandas, column):
    """The cells of a Series, an Index or an array of pandas.

    Raises:
        TypeError: they are of a type that no column can have.
        ValueError: a Series has an index other than a RangeIndex.
    """
    if isinstance(column, pandas.Series):
        _check_index(pandas, column.index)
    dtype = column.dtype
    if isinstance(dtype, pandas.CategoricalDtype):
        categorical = column if isinstance(column, pandas.Categorical) else column.array
        return _cells_of_categorical(pandas, categorical)
    array = column if isinstance(column, pandas.api.extensions.ExtensionArray) else column.array
    if isinstance(dtype, pandas.DatetimeTZDtype):
        moments = array.tz_convert(None)  # UTC, without saying so
        return ValueCells(_vectors.vector_from(moments.to_numpy()), None, zone_of(dtype.tz))
    if isinstance(dtype, (pandas.StringDtype, pandas.ArrowDtype)):
        return _cells_of_arrow(array, dtype)
    if _is_masked(pandas, dtype):
        values = array.to_numpy(dtype.numpy_dtype, na_value=dtype.numpy_dtype.type(0))
        return ValueCells(_vectors.vector_from(values), _vectors.vector_from(~array.isna()))
    if getattr(dtype, "kind", "") not in _vectors.KINDS | {"O"} or not _is_numpy(pandas, dtype):
        raise TypeError(f"pandas' dtype {dtype} is nothing that a column can have; cast it first")
    return cells_of(array.to_numpy())


def _is_numpy(pandas, dtype):
    return not isinstance(dtype, pandas.api.extensions.ExtensionDtype)


def _is_masked(pandas, dtype):
    return isinstance(dtype, pandas.api.extensions.ExtensionDtype) and dtype.name in (
        "boolean", "Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64",
        "Float32", "Float64",
    )  # fmt: skip


def _cells_of_categorical(pandas, categorical):
    categories = cells_of_column(pandas, categorical.categories)
    if isinstance(categories, ValueCells):
        categories.valid = None  # there is none that is null, whatever the dtype
    codes = _vectors.vector_from(categorical.codes)
    return CategoryCells.from_parts(codes, categories, categorical.ordered)


def _cells_of_arrow(array, dtype):
    """Of an array of pandas that lies as Arrow wants it, or that Arrow can take."""
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        return TextCells.from_list(array.to_numpy(object), is_missing)
    from unity import _arrow_columns

    return _arrow_columns.cells_of(array.__arrow_array__())


def _check_index(pandas, index):
    if not isinstance(index, pandas.RangeIndex):
        raise ValueError(
            f"the pandas index is of class {type(index).__qualname__}, and a unity.DataFrame has "
            "only numbered rows: make it a column with reset_index(), or drop it with "
            "reset_index(drop=True)"
        )


def table_of(pandas, frame):
    """The number of rows and the (name, values) of each column of a pandas DataFrame.

    Raises:
        ValueError: the index is no RangeIndex, or names are there twice.
        TypeError: a name is no str.
    """
    _check_index(pandas, frame.index)
    columns = []
    for i, name in enumerate(frame.columns):
        if not isinstance(name, str):
            raise TypeError(
                f"the name of a column is a str, not a {type(name).__qualname__}: {name!r}; "
                "rename it first"
            )
        columns.append((name, frame.iloc[:, i]))
    return len(frame.index), columns


def frame_of(rows, columns, dtype_backend, copy):
    """A pandas DataFrame of (name, cells)."""
    import pandas

    _check_backend(dtype_backend)
    if dtype_backend == "pyarrow":
        return _arrow_frame(pandas, rows, columns)
    arrays = {name: _array_of(pandas, cells, dtype_backend) for name, cells in columns}
    return pandas.DataFrame(arrays, index=pandas.RangeIndex(rows), copy=copy)


def series_of(cells, name):
    """A pandas Series of its own memory."""
    import pandas

    return pandas.Series(_array_of(pandas, cells, None), name=name, copy=True)


def _check_backend(dtype_backend):
    if dtype_backend not in BACKENDS:
        raise ValueError(
            f'dtype_backend is None, "numpy_nullable" or "pyarrow", not {dtype_backend!r}'
        )


def _arrow_frame(pandas, rows, columns):
    import pyarrow

    from unity import _arrow_columns

    table = _arrow_columns.Exporter(_arrow_columns.table_node(rows, columns))
    frame = pyarrow.table(table).to_pandas(types_mapper=pandas.ArrowDtype)
    return frame if columns else pandas.DataFrame(index=pandas.RangeIndex(rows))


def _array_of(pandas, cells, dtype_backend):
    """What pandas makes a column from."""
    if isinstance(cells, TextCells):
        return _text_array(pandas, cells, dtype_backend)
    if isinstance(cells, CategoryCells):
        categories = pandas.Index(_array_of(pandas, cells.categories, None))
        return pandas.Categorical.from_codes(cells.codes, categories, ordered=cells.is_ordered)
    import numpy

    array = numpy.asarray(cells.array)
    kind = array.dtype.kind
    is_nullable = cells.valid is not None or dtype_backend is not None
    if is_nullable and kind in "iufb" and array.dtype.itemsize <= 8 and array.dtype != "f2":
        return _masked_array(pandas, numpy, array, cells.valid)
    array = cells.to_numpy()
    if cells.zone is None:
        return array
    return pandas.DatetimeIndex(array).tz_localize("UTC").tz_convert(cells.zone)


def _masked_array(pandas, numpy, array, valid):
    make = {"b": pandas.arrays.BooleanArray, "f": pandas.arrays.FloatingArray}.get(
        array.dtype.kind, pandas.arrays.IntegerArray
    )
    mask = numpy.zeros(len(array), bool) if valid is None else ~numpy.asarray(valid)
    return make(array, mask)


def _text_array(pandas, cells, dtype_backend):
    if dtype_backend == "numpy_nullable":
        dtype = pandas.StringDtype()
    elif int(pandas.__version__.split(".")[0]) >= 3:
        dtype = pandas.StringDtype(na_value=float("nan"))
    else:
        return cells.to_numpy()
    try:
        import pyarrow
    except ImportError:
        return pandas.array(cells.to_numpy(), dtype=dtype)
    from unity import _arrow_columns

    texts = _arrow_columns.Exporter(_arrow_columns.node_of("", cells))
    return dtype.__from_arrow__(pyarrow.array(texts))
