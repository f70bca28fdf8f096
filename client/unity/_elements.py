# SPDX-License-Identifier: Apache-2.0
"""Elements of arrays as Python values where NumPy is not asked: what its `tolist()` would give.

The differences: an element that is an array itself is a list, and there is nothing for a C
`long double`, which only NumPy has.
"""

import datetime
import struct
import sys

from unity import errors

_NATIVE = "<" if sys.byteorder == "little" else ">"
_STRUCT = {"b1": "?", "f2": "e", "f4": "f", "f8": "d"} | {
    f"{kind}{size}": character
    for size, pair in ((1, "bB"), (2, "hH"), (4, "iI"), (8, "qQ"))
    for kind, character in zip("iu", pair, strict=True)
}
_COMPLEX = {"c8": "f", "c16": "d"}
_NOT_A_TIME = -(2**63)
_EPOCH = datetime.datetime(1970, 1, 1)
# In microseconds; finer units are ints, as are years and months of a timedelta.
_UNITS = {"us": 1, "ms": 1000, "s": 10**6, "m": 60 * 10**6, "h": 3600 * 10**6}
_DAYS = {"D": 1, "W": 7}


def elements(text, data, count):
    """`count` elements of the type that `text` names, a list; `data` has them one after the other.

    Raises:
        NotSupported: only NumPy knows that type.
    """
    if text[0] in "[{":
        import ast

        return _structures(ast.literal_eval(text), data, count)
    order = _NATIVE if text[0] in "|=" else text[0]
    plain = text[1:]
    character = _STRUCT.get(plain)
    if character is not None:
        return list(struct.unpack(f"{order}{count}{character}", data))
    character = _COMPLEX.get(plain)
    if character is not None:
        parts = struct.unpack(f"{order}{2 * count}{character}", data)
        return [complex(*pair) for pair in zip(parts[::2], parts[1::2], strict=True)]
    kind = plain[0]
    if kind in "mM":
        times = struct.unpack(f"{order}{count}q", data)
        step, unit = _unit(plain[2:])
        convert = _moment if kind == "M" else _duration
        return [None if time == _NOT_A_TIME else convert(time, step, unit) for time in times]
    if kind in "SUV":
        return _flexible(kind, order, data, count)
    raise errors.NotSupported(f"elements of {text} cannot be read without NumPy")


def _flexible(kind, order, data, count):
    size = len(data) // count if count else 0
    pieces = [data[i * size : (i + 1) * size] for i in range(count)]
    if kind == "V":
        return pieces
    if kind == "S":
        return [piece.rstrip(b"\0") for piece in pieces]
    encoding = "utf-32-le" if order == "<" else "utf-32-be"
    return [piece.decode(encoding, "surrogatepass").rstrip("\0") for piece in pieces]


def _unit(text):
    """(3, "s") of "[3s]"; (1, "") of no unit."""
    text = text[1:-1]
    digits = len(text) - len(text.lstrip("0123456789"))
    return int(text[:digits] or 1), text[digits:]


def _moment(time, step, unit):
    amount = time * step
    try:
        if unit in _UNITS:
            return _EPOCH + datetime.timedelta(microseconds=amount * _UNITS[unit])
        if unit in _DAYS:
            return _EPOCH.date() + datetime.timedelta(days=amount * _DAYS[unit])
        if unit in ("Y", "M"):
            months = amount * (12 if unit == "Y" else 1)
            return datetime.date(1970 + months // 12, months % 12 + 1, 1)
    except (OverflowError, ValueError):
        pass  # past what datetime can be: the number, as NumPy gives it
    return time


def _duration(time, step, unit):
    amount = time * step
    try:
        if unit in _UNITS:
            return datetime.timedelta(microseconds=amount * _UNITS[unit])
        if unit in _DAYS:
            return datetime.timedelta(days=amount * _DAYS[unit])
    except OverflowError:
        pass
    return time


def _structures(structure, data, count):
    """Elements of a type that is a Python literal, of those that numpy.dtype() takes."""
    size = len(data) // count if count else 0
    columns = []
    for form, offset in _fields(structure):
        width, column = _column(form)
        pieces = b"".join(data[i * size + offset : i * size + offset + width] for i in range(count))
        columns.append(column(pieces, count))
    return list(zip(*columns, strict=True)) if columns else [()] * count


def _fields(structure):
    """(form, offset) of each field."""
    if isinstance(structure, dict):
        yield from zip(structure["formats"], structure["offsets"], strict=True)
        return
    offset = 0
    for _, *rest in structure:
        form = rest[0] if len(rest) == 1 else tuple(rest)
        yield form, offset
        offset += _column(form)[0]


def _column(form):
    """Bytes of one element of a field, and what reads `count` of them."""
    if isinstance(form, tuple):
        base, shape = form
        shape = shape if isinstance(shape, tuple) else (shape,)
        width, column = _column(base)
        length = 1
        for dimension in shape:
            length *= dimension

        def read(data, count):
            return nested(column(data, length * count), (count, *shape))

        return width * length, read
    if not isinstance(form, str):
        width = (
            form["itemsize"]
            if isinstance(form, dict)
            else sum(_column(inner)[0] for inner, _ in _fields(form))
        )
        return width, lambda data, count: _structures(form, data, count)
    digits = "".join(c for c in form[2:].partition("[")[0] if c.isdigit())
    width = int(digits) * (4 if form[1] == "U" else 1)
    return width, lambda data, count: elements(form, data, count)


def nested(flat, shape):
    """Values in C order as nested lists; the value itself without dimensions."""
    if not shape:
        return flat[0]
    for length in reversed(shape[1:]):
        if length == 0 or not flat:
            return _empty(shape)
        flat = [flat[i : i + length] for i in range(0, len(flat), length)]
    return flat


def _empty(shape):
    """Nested lists of a shape without elements."""
    if len(shape) == 1:
        return []
    return [_empty(shape[1:]) for _ in range(shape[0])]
