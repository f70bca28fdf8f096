# SPDX-License-Identifier: Apache-2.0
"""What is in a column: cells in one of three layouts, as they cross to a server.

Cells never change; the arrays they are made of are shared with whoever made them.
"""

import datetime

from unity import _elements, _texts, _vectors
from unity._zones import tzinfo_of

_NAMES = {"b": "bool", "i": "int", "u": "uint", "f": "float", "c": "complex"}
_TIMES = {"M": "datetime64", "m": "timedelta64"}


class ValueCells:
    """Numbers, bools, times or durations.

    Args:
        array: a vector.
        valid: a vector of bools, false for nulls; or None. A time that is NaT is null, too.
        zone: for times that are UTC, where they are read; else None.
    """

    __slots__ = ("array", "valid", "zone")
    layout = "values"

    def __init__(self, array, valid=None, zone=None):
        self.array, self.valid, self.zone = array, valid, zone

    @classmethod
    def from_parts(cls, array, valid, zone):
        """Cells of what crossed. ValueError, TypeError: it is no such thing."""
        array = _vectors.vector_from(array)
        if zone is not None and _vectors.type_of(array)[1] != "M":
            raise ValueError("values that are no times have a time zone")
        return cls(array, _checked(valid, len(array)), zone)

    def parts(self):
        return self.array, self.valid, self.zone

    def __len__(self):
        return len(self.array)

    @property
    def is_plain(self):
        """Whether the array says everything."""
        return self.zone is None and _some_nulls(self.valid) is None

    @property
    def type(self):
        text = _vectors.type_of(self.array)
        if text[1] in _TIMES:
            unit = text[4:-1]
            more = "" if self.zone is None else f", {self.zone}"
            return f"{_TIMES[text[1]]}[{unit}{more}]"
        return "bool" if text[1] == "b" else f"{_NAMES[text[1]]}{8 * int(text[2:])}"

    def validity(self):
        """A vector of bools; None if there are no nulls."""
        if _vectors.type_of(self.array)[1] in _TIMES and _vectors.no_times_in(self.array):
            return _vectors.valid_times(self.array, self.valid)
        return _some_nulls(self.valid)

    def to_list(self):
        text = _vectors.type_of(self.array)
        values = self._times(text) if text[1] in _TIMES else self.array.tolist()
        return _with_nones(values, self.validity())

    def _times(self, text):
        """Times as Python has them, which are whole microseconds; ints if it has no such time."""
        array = self.array
        numbers = _elements.elements(f"{text[0]}i8", array.tobytes(), len(array))
        step, unit = _elements._unit(text[3:])
        if unit in ("ns", "ps", "fs", "as"):
            divisor = {"ns": 1000, "ps": 10**6, "fs": 10**9, "as": 10**12}[unit]
            # Not a time stays that: nobody looks at it.
            numbers, step, unit = [number * step // divisor for number in numbers], 1, "us"
        convert = _elements._moment if text[1] == "M" else _elements._duration
        values = [convert(number, step, unit) for number in numbers]
        if self.zone is None:
            return values
        tz = tzinfo_of(self.zone)
        return [
            value.replace(tzinfo=datetime.UTC).astimezone(tz)
            if isinstance(value, datetime.datetime)
            else value
            for value in values
        ]

    def to_numpy(self):
        import numpy

        array, valid = numpy.asarray(self.array), self.validity()
        if valid is None or array.dtype.kind in "mM" and self.valid is None:
            return array
        missing = ~numpy.asarray(valid)
        if array.dtype.kind == "b":
            array = array.astype(object)
            array[missing] = None
        elif array.dtype.kind in "mM":
            array = array.copy()
            array[missing] = "NaT"
        else:
            array = array.astype("f8") if array.dtype.kind in "iu" else array.copy()
            array[missing] = numpy.nan
        return array

    def slice(self, rows):
        return ValueCells(
            _sliced(self.array, rows),
            None if self.valid is None else _sliced(self.valid, rows),
            self.zone,
        )

    def same(self, other):
        valid = self.validity()
        return (
            isinstance(other, ValueCells)
            and self.zone == other.zone
            and len(self) == len(other)
            and _same_validity(valid, other.validity())
            and _vectors.same_elements(self.array, other.array, valid)
        )


class TextCells:
    """Texts: UTF-8, one after the other.

    Args:
        offsets: a vector of int64: where each text begins, and at last where the last one ends.
        characters: a vector of bytes.
        valid: a vector of bools, false for nulls; or None.
    """

    __slots__ = ("characters", "offsets", "valid")
    layout = "text"
    type = "text"
    is_plain = False

    def __init__(self, offsets, characters, valid=None):
        self.offsets, self.characters, self.valid = offsets, characters, valid

    @classmethod
    def from_parts(cls, offsets, characters, valid):
        """Cells of what crossed. ValueError, TypeError: it is no such thing."""
        offsets, characters = _vectors.vector_from(offsets), _vectors.vector_from(characters)
        types = _vectors.type_of(offsets)[1:], _vectors.type_of(characters)[1:]
        if types != ("i8", "u1") or not len(offsets):
            raise ValueError(f"a column of text has arrays of {types}, not int64 and uint8")
        if not _texts.are_offsets(offsets, characters):
            raise ValueError("the offsets of a column of text do not fit its characters")
        return cls(offsets, characters, _checked(valid, len(offsets) - 1))

    @classmethod
    def from_list(cls, values, is_missing):
        return cls(*_texts.encode(values, is_missing))

    def parts(self):
        return self.offsets, self.characters, self.valid

    def __len__(self):
        return len(self.offsets) - 1

    def validity(self):
        """A vector of bools; None if there are no nulls."""
        return _some_nulls(self.valid)

    def to_list(self):
        return _texts.decode(self.offsets, self.characters, self.valid)

    def to_numpy(self):
        return _objects(self.to_list())

    def slice(self, rows):
        if rows.step != 1:
            return TextCells.from_list(
                self.to_list()[rows.start : _stop(rows) : rows.step], _is_none
            )
        offsets, characters = _texts.part_of_texts(
            self.offsets, self.characters, rows.start, rows.stop
        )
        valid = None if self.valid is None else _sliced(self.valid, rows)
        return TextCells(offsets, characters, valid)

    def same(self, other):
        valid = self.validity()
        return (
            isinstance(other, TextCells)
            and len(self) == len(other)
            and _same_validity(valid, other.validity())
            and _texts.same_texts(
                (self.offsets, self.characters), (other.offsets, other.characters), valid
            )
        )


class CategoryCells:
    """Some of a few values.

    Args:
        codes: a vector of int8, int16, int32 or int64: places among the categories, -1 for null.
        categories: ValueCells or TextCells without nulls.
        is_ordered: whether the categories are meant in their order.
    """

    __slots__ = ("categories", "codes", "is_ordered")
    layout = "category"
    is_plain = False

    def __init__(self, codes, categories, is_ordered=False):
        self.codes, self.categories, self.is_ordered = codes, categories, is_ordered

    @classmethod
    def from_parts(cls, codes, categories, is_ordered):
        """Cells of what crossed, or was given. ValueError, TypeError: it is no such thing."""
        codes = _vectors.vector_from(codes)
        if _vectors.type_of(codes)[1] != "i":
            raise TypeError(f"codes are integers with a sign, not {_vectors.type_of(codes)}")
        if not isinstance(categories, (ValueCells, TextCells)):
            layout, *parts = categories[1:]
            categories = LAYOUTS[layout].from_parts(*parts)
        if categories.validity() is not None:
            raise ValueError("one of the categories is null; the code of a null is -1")
        if not _vectors.are_codes(codes, len(categories)):
            raise ValueError(f"a code is not one of {len(categories)} categories, nor -1")
        return cls(codes, categories, bool(is_ordered))

    def parts(self):
        categories = ("", self.categories.layout, *self.categories.parts())
        return self.codes, categories, self.is_ordered

    def __len__(self):
        return len(self.codes)

    @property
    def type(self):
        return f"category of {self.categories.type}"

    def validity(self):
        """A vector of bools; None if there are no nulls."""
        return _vectors.valid_codes(self.codes)

    def to_list(self):
        categories = self.categories.to_list()
        return [None if code < 0 else categories[code] for code in self.codes.tolist()]

    def to_numpy(self):
        if self.validity() is None and self.categories.layout == "values":
            return self.categories.to_numpy()[self.codes]
        return _objects(self.to_list())

    def slice(self, rows):
        return CategoryCells(_sliced(self.codes, rows), self.categories, self.is_ordered)

    def same(self, other):
        return (
            isinstance(other, CategoryCells)
            and self.is_ordered == other.is_ordered
            and self.categories.same(other.categories)
            and _vectors.same_elements(
                _vectors.wide_codes(self.codes, None),
                _vectors.wide_codes(other.codes, None),
                None,
            )
        )


LAYOUTS = {cells.layout: cells for cells in (ValueCells, TextCells, CategoryCells)}


def cells_from_parts(parts):
    """(name, cells) of a column as it crosses. ValueError, TypeError: it is none."""
    name, layout, *rest = parts
    return name, LAYOUTS[layout].from_parts(*rest)


def _checked(valid, count):
    """A vector of bools; None stays None."""
    if valid is None:
        return None
    valid = _vectors.vector_from(valid)
    if _vectors.type_of(valid) != "|b1" or len(valid) != count:
        raise ValueError(
            f"the validity of {count} rows is {len(valid)} of {_vectors.type_of(valid)}, not as "
            "many bools"
        )
    return valid


def _some_nulls(valid):
    return valid if valid is not None and _vectors.zeros_in(valid) else None


def _same_validity(a, b):
    if a is None or b is None:
        return a is b
    return _vectors.same_elements(a, b, None)


def _with_nones(values, valid):
    if valid is None:
        return values
    return [value if keep else None for value, keep in zip(values, valid.tolist(), strict=True)]


def _objects(values):
    import numpy

    array = numpy.empty(len(values), object)
    array[:] = values
    return array


def _sliced(vector, rows):
    """The elements of a range of rows; in the same memory if they lie side by side."""
    if rows.step == 1:
        return _vectors.part(vector, rows.start, max(rows.start, rows.stop))
    return _vectors.pick(vector, rows.start, rows.step, len(rows))


def _stop(rows):
    """The end of a range as slices want it: None where it goes down to the first row."""
    return None if rows.stop < 0 else rows.stop


def _is_none(value):
    return value is None
