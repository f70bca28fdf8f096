# SPDX-License-Identifier: Apache-2.0
"""Columns from and for the C data interface of Apache Arrow: what its types mean."""

from unity import _arrow, _dtypes, _texts, _vectors
from unity._cells import CategoryCells, TextCells, ValueCells

_N = _dtypes._NATIVE
# Formats of Arrow whose elements lie as a vector's do: its type, and the bytes of an element.
_PLAIN = {
    "c": ("|i1", 1), "C": ("|u1", 1), "s": (f"{_N}i2", 2), "S": (f"{_N}u2", 2),
    "i": (f"{_N}i4", 4), "I": (f"{_N}u4", 4), "l": (f"{_N}i8", 8), "L": (f"{_N}u8", 8),
    "e": (f"{_N}f2", 2), "f": (f"{_N}f4", 4), "g": (f"{_N}f8", 8), "tdm": (f"{_N}M8[ms]", 8),
} | {
    f"{kind}{unit[0]}{colon}": (f"{_N}{letter}8[{unit}]", 8)
    for kind, colon, letter in (("ts", ":", "M"), ("tD", "", "m"))
    for unit in ("s", "ms", "us", "ns")
}  # fmt: skip
_FORMATS = {text: format for format, (text, _) in _PLAIN.items() if format != "tdm"}
# For messages: what begins with this is called that.
_NAMES = {
    "+s": "struct", "+l": "list", "+L": "large_list", "+vl": "list_view", "+vL": "large_list_view",
    "+w": "fixed_size_list", "+m": "map", "+u": "union", "+r": "run_end_encoded",
    "d:": "decimal", "z": "binary", "Z": "large_binary", "vz": "binary_view",
    "w:": "fixed_size_binary", "tt": "time of day", "ti": "interval",
}  # fmt: skip
_ORDERED, _NULLABLE = 1, 2


class NotATable(TypeError):
    """What came by Arrow is one column."""


def cells_of(value):
    """The cells of what has `__arrow_c_array__` or `__arrow_c_stream__`.

    Raises:
        TypeError: it is a table, or of a type that no column can have.
    """
    field, chunks = _read(value)
    if field.format == "+s":
        raise TypeError(f"a {type(value).__qualname__} is a table and not one column")
    return _cells(field, chunks)


def table_of(value):
    """The number of rows and the (name, cells) of each column of such a table.

    Raises:
        NotATable: it is one column.
        TypeError: a column is of a type that none can have.
    """
    field, chunks = _read(value, is_table=True)
    if any(chunk.valid() is not None for chunk in chunks):
        raise TypeError("some rows are null as a whole; an Arrow table has no such rows")
    rows = sum(chunk.length for chunk in chunks)
    columns = []
    for i, child in enumerate(field.children):
        try:
            cells = _cells(child, [chunk.children[i] for chunk in chunks])
        except TypeError as error:
            raise TypeError(f"column {child.name!r}: {error}") from None
        columns.append((child.name, cells))
    return rows, columns


def _read(value, is_table=False):
    """The field and the chunks. What is no table is not read if one is wanted."""
    if hasattr(type(value), "__arrow_c_stream__"):
        stream = _arrow.Stream(value.__arrow_c_stream__())
        field = stream.field()
        if is_table and field.format != "+s":
            raise NotATable(f"a {type(value).__qualname__} is one column, and no table")
        return field, stream.chunks(field)
    field, chunk = _arrow.read_array(*value.__arrow_c_array__())
    if is_table and field.format != "+s":
        raise NotATable(f"a {type(value).__qualname__} is one column, and no table")
    return field, [chunk]


def _cells(field, chunks):
    """One column, whatever its chunks."""
    if field.dictionary is not None:
        return _categories(field, chunks)
    if field.format in ("u", "U", "vu"):
        texts = [_chunk_texts(field.format, chunk) for chunk in chunks]
        return TextCells(*_joined_texts(texts), _joined_valid(chunks))
    zone = None
    if field.format.startswith("ts"):
        zone = field.format[4:] or None
    pieces = [_values(field, chunk) for chunk in chunks]
    if len(pieces) == 1:
        values = pieces[0]
    else:
        values = _vectors.join(pieces) if pieces else _vectors.empty(_type(field), 0)
    if field.format == "n":
        return ValueCells(values, _vectors.from_bytes("|b1", bytes(len(values))))
    return ValueCells(values, _joined_valid(chunks), zone)


def _type(field):
    """The type of the vector for a field. TypeError: there is none."""
    format = field.format
    if format == "b" or (format == "c" and field.extension == "arrow.bool8"):
        return "|b1"
    if format == "n":
        return f"{_N}f8"
    if format == "tdD":
        return f"{_N}M8[D]"
    key = format[:4] if format.startswith("ts") else format
    if key in _PLAIN:
        return _PLAIN[key][0]
    name = next((name for start, name in _NAMES.items() if format.startswith(start)), format)
    raise TypeError(
        f"Arrow's type {name} ({format!r}) is nothing that a column can have: numbers, bools, "
        "text, dates, timestamps, durations and dictionaries of these are; cast it first"
    )


def _values(field, chunk):
    text = _type(field)
    if field.format == "b":
        return chunk.bools()
    if field.format == "n":
        return _vectors.from_bytes(text, bytes(8 * chunk.length))
    if field.format == "tdD":
        days = _vectors.wide_codes(chunk.values(f"{_N}i4", 4), None)
        return _vectors.seen_as(days, text)
    return chunk.values(text, 1 if text[1:] == "b1" else int(text[2]))


def _chunk_texts(format, chunk):
    if format == "vu":
        return chunk.viewed_texts(f"{_N}i8")
    return chunk.texts(f"{_N}i8", format == "U")


def _joined_texts(texts):
    if len(texts) == 1:
        return texts[0]
    if not texts:
        return _vectors.from_list(f"{_N}i8", [0]), _vectors.empty("|u1", 0)
    offsets = _texts.join_offsets([offsets for offsets, _ in texts])
    return offsets, _vectors.join([characters for _, characters in texts])


def _joined_valid(chunks):
    pieces = [chunk.valid() for chunk in chunks]
    if all(piece is None for piece in pieces):
        return None
    return _vectors.join([
        _vectors.from_bytes("|b1", b"\1" * chunk.length) if piece is None else piece
        for chunk, piece in zip(chunks, pieces, strict=True)
    ])  # fmt: skip


def _categories(field, chunks):
    """A column that came as codes with a dictionary, which each chunk has one of."""
    is_ordered = bool(field.flags & _ORDERED)
    dictionaries = [_cells(field.dictionary, [chunk.dictionary]) for chunk in chunks]
    if not chunks:
        return CategoryCells(_vectors.empty("|i1", 0), _cells(field.dictionary, []), is_ordered)
    first = dictionaries[0]
    if all(other.same(first) for other in dictionaries[1:]) and _is_distinct(first):
        codes = [_codes(field, chunk, len(first)) for chunk in chunks]
        codes = codes[0] if len(codes) == 1 else _vectors.join(codes)
        return CategoryCells.from_parts(codes, first, is_ordered)
    # One dictionary of all: null and what is there twice have no place of their own.
    places, codes = {}, []
    for chunk, dictionary in zip(chunks, dictionaries, strict=True):
        where = [
            -1 if key is None else places.setdefault(key, len(places)) for key in _keys(dictionary)
        ]
        plain = _codes(field, chunk, len(where))
        codes.append(_vectors.wide_codes(plain, where))
    categories = _distinct(dictionaries, list(places))
    return CategoryCells.from_parts(_vectors.join(codes), categories, is_ordered)


def _keys(cells):
    """A list of what tells the values from each other; None for nulls."""
    if isinstance(cells, ValueCells) and _vectors.type_of(cells.array)[1] in "mM":
        return _as_ints(cells)  # there may be more digits to them than Python's times have
    return cells.to_list()


def _is_distinct(categories):
    keys = _keys(categories)
    return categories.validity() is None and len(set(keys)) == len(keys)


def _distinct(dictionaries, keys):
    """Cells of the values with these keys, of the type that the dictionaries have."""
    first = dictionaries[0]
    if isinstance(first, TextCells):
        return TextCells.from_list(keys, lambda value: value is None)
    text = _vectors.type_of(first.array)
    return ValueCells(_vectors.from_list(text, keys), None, first.zone)


def _codes(field, chunk, count):
    """The codes of one chunk as integers with a sign, -1 for nulls."""
    text, size = _PLAIN[field.format]
    # Without a sign they are the same bytes, if no category has a number as great as that.
    if text[1] == "u" and count > 2 ** (8 * size - 1):
        listed = chunk.values(text, size).tolist()
        codes = _vectors.from_list(f"{_N}i8", listed)
    else:
        codes = chunk.values(f"{text[0]}i{size}", size)
    valid = chunk.valid()
    return codes if valid is None else _vectors.blanked(codes, valid)


def node_of(name, cells):
    """What leaves by Arrow for a column.

    Raises:
        TypeError: Arrow has no type like that of the column.
    """
    valid = cells.validity()
    nulls = 0 if valid is None else _vectors.zeros_in(valid)
    bits = None if valid is None else _vectors.bits_of(valid)
    if isinstance(cells, TextCells):
        if not _texts.are_offsets(cells.offsets, cells.characters):
            raise ValueError(f"column {name!r}: the offsets of the text have been changed")
        buffers = (bits, cells.offsets, cells.characters)
        return _arrow.Node("U", name, _NULLABLE, len(cells), nulls, buffers)
    if isinstance(cells, CategoryCells):
        format = _FORMATS[_vectors.type_of(cells.codes)]
        flags = _NULLABLE | (_ORDERED if cells.is_ordered else 0)
        dictionary = node_of("", cells.categories)
        return _arrow.Node(
            format, name, flags, len(cells), nulls, (bits, cells.codes), (), dictionary
        )
    format, values = _format(name, cells)
    return _arrow.Node(format, name, _NULLABLE, len(cells), nulls, (bits, values))


def _format(name, cells):
    """The format of values, and the vector that lies as it says."""
    text = _vectors.type_of(cells.array)
    if text == "|b1":
        return "b", _vectors.bits_of(cells.array)
    if text[1:] == "M8[D]":
        return "tdD", _days(name, cells)
    format = _FORMATS.get(text)
    if format is None:
        raise TypeError(
            f"column {name!r}: Arrow has no type like {cells.type}; convert it first, for instance "
            "with numpy.ndarray.astype()"
        )
    return format + (cells.zone or "") if format.startswith("ts") else format, cells.array


def _days(name, cells):
    days = [day or 0 for day in _as_ints(cells)]
    if any(not -(2**31) <= day < 2**31 for day in days):
        raise TypeError(f"column {name!r}: a date is beyond the 32 bits that Arrow has for it")
    return _vectors.from_list(f"{_N}i4", days)


def _as_ints(cells):
    """The numbers of dates; None for nulls."""
    numbers = _vectors.seen_as(cells.array, f"{_N}i8").tolist()
    valid = cells.validity()
    if valid is None:
        return numbers
    return [n if keep else None for n, keep in zip(numbers, valid.tolist(), strict=True)]


def table_node(rows, columns):
    """What leaves by Arrow for a table of (name, cells)."""
    children = [node_of(name, cells) for name, cells in columns]
    return _arrow.Node("+s", "", 0, rows, 0, (None,), children)


class Exporter:
    """What leaves by Arrow, and can do nothing else that a library could prefer."""

    def __init__(self, node):
        self._node = node

    def __arrow_c_array__(self, requested_schema=None):
        return self._node.schema(), self._node.array()

    def __arrow_c_stream__(self, requested_schema=None):
        return self._node.stream()
