# SPDX-License-Identifier: Apache-2.0
"""The types of array elements, as NumPy, the buffer protocol and the server write them.

The server knows a type as a text and a code: NumPy's type string and type character ("<f8" and
"d"), or for structured types a Python literal, which says what numpy.dtype() makes it from.
"""

import copy
import sys

# How the buffer protocol's characters read: kind, and NumPy's character for the native size.
_KINDS = {
    "?": "b", "b": "i", "B": "u", "h": "i", "H": "u", "i": "i", "I": "u", "l": "i", "L": "u",
    "q": "i", "Q": "u", "n": "i", "N": "u", "e": "f", "f": "f", "d": "f", "g": "f",
    "Zf": "c", "Zd": "c", "Zg": "c",
}  # fmt: skip
_CODES = {
    "b1": "?", "i1": "b", "u1": "B", "i2": "h", "u2": "H", "i4": "i", "u4": "I", "i8": "l",
    "u8": "L", "f2": "e", "f4": "f", "f8": "d", "f16": "g", "c8": "F", "c16": "D", "c32": "G",
}  # fmt: skip
_FORMATS = {"F": "Zf", "D": "Zd", "G": "Zg"}
_ORDERS = {"<": "<", ">": ">", "!": ">"}
_NATIVE = "<" if sys.byteorder == "little" else ">"
# Those that stand for addresses; Z with a letter behind it is a complex number.
_POINTERS = frozenset("OPXZz&")
_NO_POINTERS = "its elements are Python objects or pointers"

# What is known of types that were seen before, each of at most so many.
_CACHED = 1000
_described = {}  # text and code, by dtype
_parsed = {}  # the same, by format of the buffer protocol, size, and whether NumPy has read it
_formats = {}  # formats of the buffer protocol, by text, code and size
_known_dtypes = {}  # by text and code

# cppipc::ArrayFlavor.
_BYTEARRAY, _ARRAY_ARRAY, _BUFFER = 2, 3, 4


def describe(dtype):
    """Text and code of a NumPy dtype. TypeError if its elements are no plain memory."""
    if dtype.char in "OT":
        raise TypeError(f"cannot send elements of dtype {dtype}: they are Python objects")
    # NumPy takes "l" and "q" for equal, and what is aligned for what only lies so.
    key = dtype, dtype.char, dtype.isalignedstruct
    found = _described.get(key)
    if found is None:
        found = _describe(dtype)
        if not _has_inner_structures(dtype):
            _remember(_described, key, found)
    return found


def _describe(dtype):
    if dtype.hasobject:
        raise TypeError(f"cannot send elements of dtype {dtype}: they are Python objects")
    if dtype.isbuiltin == 2 or dtype.kind not in "biufcmMSUV":
        raise TypeError(f"cannot send elements of dtype {dtype}: it is not NumPy's own")
    if dtype.names is None:
        return dtype.str, dtype.char
    return repr(_structure(dtype)), "V"


def _has_inner_structures(dtype):
    """Whether there are structures in it that may be aligned, too."""
    fields = dtype.fields or {}
    return any(field[0].base.names is not None for field in fields.values())


def _remember(cache, key, value):
    """Bounded: a cache that is full begins anew."""
    if len(cache) >= _CACHED:
        cache.clear()
    cache[key] = value


def _structure(dtype):
    """What numpy.dtype() makes this dtype from, in Python literals."""
    if dtype.subdtype is not None:
        base, shape = dtype.subdtype
        return (_structure(base), shape)
    if dtype.names is None:
        return dtype.str
    fields = [dtype.fields[name] for name in dtype.names]
    structure = {
        "names": list(dtype.names),
        "formats": [_structure(field[0]) for field in fields],
        "offsets": [field[1] for field in fields],
        "itemsize": dtype.itemsize,
    }
    if any(len(field) > 2 for field in fields):
        structure["titles"] = [field[2] if len(field) > 2 else None for field in fields]
    if dtype.isalignedstruct:
        structure["aligned"] = True
    return structure


def describe_buffer(value, format, itemsize):
    """Flavor, text and code of the elements of an exporter of the buffer protocol.

    TypeError or ValueError if they are no plain memory.
    """
    if isinstance(value, bytearray):
        return _BYTEARRAY, "|u1", "B"
    array = sys.modules.get("array")
    if array is not None and isinstance(value, array.array):
        if value.typecode in "uw":
            return _ARRAY_ARRAY, f"{_NATIVE}U1", "U" if value.typecode == "u" else "w"
        return _ARRAY_ARRAY, _text(_NATIVE, _KINDS[value.typecode], itemsize), value.typecode
    ctypes = sys.modules.get("ctypes")
    if ctypes is not None:
        owner = _owner(value, format, itemsize)
        _check_ctypes(ctypes, type(owner))
        if isinstance(owner, (ctypes.Array, ctypes.Structure, ctypes.Union)):
            # Its formats do not tell one structure from another.
            return _BUFFER, *_describe_format(value, format, itemsize)
    key = format, itemsize, "numpy" in sys.modules
    found = _parsed.get(key)
    if found is None:
        # The names of members stand between colons.
        characters = "".join(format.split(":")[::2])
        for plain in ("Zf", "Zd", "Zg"):
            characters = characters.replace(plain, "")
        if not _POINTERS.isdisjoint(characters):
            raise TypeError(_NO_POINTERS)
        found = (_BUFFER, *_describe_format(value, format, itemsize))
        _remember(_parsed, key, found)
    return found


def _owner(value, format, itemsize):
    """What exports the memory, unless a memoryview sees it as something else."""
    if isinstance(value, memoryview) and value.obj is not None:
        whole = memoryview(value.obj)
        if (whole.format, whole.itemsize) == (format, itemsize):
            return value.obj
    return value


def _check_ctypes(ctypes, element):
    """TypeError if a type of ctypes has what its format does not tell of."""
    while issubclass(element, ctypes.Array):
        element = element._type_
    if issubclass(element, (ctypes.Structure, ctypes.Union)):
        for base in element.__mro__:
            for _, member, *bits in base.__dict__.get("_fields_", ()):
                if bits:
                    raise TypeError("it has bit fields")
                _check_ctypes(ctypes, member)
    elif issubclass(element, (ctypes._Pointer, ctypes._CFuncPtr)) or (
        issubclass(element, ctypes._SimpleCData) and element._type_ in _POINTERS
    ):
        raise TypeError(_NO_POINTERS)


def _text(order, kind, itemsize):
    return f"{'|' if itemsize == 1 else order}{kind}{itemsize}"


def _describe_format(value, format, itemsize):
    """Text and code for a format of the buffer protocol; opaque bytes if it has no name."""
    order, character = _NATIVE, format
    if format[:1] in ("@", "=", "<", ">", "!"):
        order, character = _ORDERS.get(format[0], _NATIVE), format[1:]
    if character in _KINDS:
        text = _text(order, _KINDS[character], itemsize)
        code = _CODES.get(text[1:])
        if code is not None:
            if code in "lL" and character in "qQ":
                code = character
            return text, code
    if character == "c" and itemsize == 1:
        return "|S1", "c"
    if character.endswith("s") and character[:-1].isdigit():
        return f"|S{itemsize}", "S"
    if character.endswith("w"):
        return f"{order}U{itemsize // 4}", "U"
    if sys.modules.get("numpy") is not None and character.startswith("T{"):
        return describe(_structure_of(value))
    return f"|V{itemsize}", "V"


def _structure_of(value):
    """The NumPy dtype of an exporter whose elements are structures."""
    import numpy

    ctypes = sys.modules.get("ctypes")
    owner = value.obj if isinstance(value, memoryview) else value
    if ctypes is not None and isinstance(owner, (ctypes.Array, ctypes.Structure, ctypes.Union)):
        # The formats that ctypes writes do not fit its structures; its types do.
        element = type(owner)
        while issubclass(element, ctypes.Array):
            element = element._type_
        return numpy.dtype(element)
    return numpy.asarray(memoryview(value)).dtype


def format_of(text, code, itemsize):
    """The buffer protocol's format for elements of that text and code."""
    if text[0] in "[{" and sys.modules.get("numpy") is not None:
        format = _formats.get((text, code))
        if format is None:
            format = _structure_format(text, code, itemsize)
            _remember(_formats, (text, code), format)
        return format
    if text[1:2] in tuple("iufcb"):
        character = _FORMATS.get(code, code)
        return character if text[0] in ("|", _NATIVE) else text[0] + character
    if text[1:2] == "S":
        return "c" if code == "c" else f"{itemsize}s"
    if text[1:2] == "U":
        return f"{itemsize // 4}w"
    return f"{itemsize}x"


def _structure_format(text, code, itemsize):
    import numpy

    try:
        return memoryview(numpy.empty(1, dtype_of(text, code))).format
    except ValueError:  # with dates inside, which the buffer protocol has no format for
        return f"{itemsize}x"


def dtype_of(text, code):
    """The NumPy dtype of that text and code. ValueError if the server sent nonsense."""
    import numpy

    dtype = _known_dtypes.get((text, code))
    if dtype is None:
        dtype = _made_dtype(numpy, text, code)
        _remember(_known_dtypes, (text, code), dtype)
    # Who has an array can change the names in its dtype, so each gets one of its own.
    return dtype if dtype.names is None else copy.copy(dtype)


def _made_dtype(numpy, text, code):
    if text[0] in "[{":
        import ast

        dtype = numpy.dtype(ast.literal_eval(text))
    else:
        dtype = numpy.dtype(text)
        if dtype.char != code and code not in "VSUMm":
            dtype = numpy.dtype(code).newbyteorder(text[0])
    if dtype.hasobject:
        raise ValueError(f"the server sent an array of {text}, which is no plain memory")
    return dtype


def numpy_dtype(text, code, itemsize):
    """The dtype of a text and code; None without NumPy."""
    try:
        import numpy  # noqa: F401
    except ImportError:
        return None
    dtype = dtype_of(text, code)
    if dtype.itemsize != itemsize:
        raise ValueError(f"the server sent elements of {itemsize} bytes as {text}")
    return dtype


def to_numpy(buffer, dtype, shape, offset, strides):
    """An ndarray over the memory of `buffer`, which is one of bytes."""
    import numpy

    return numpy.ndarray(shape, dtype, buffer, offset, strides)


def array_array(code, buffer):
    """An array.array of the elements of `buffer`."""
    import array

    result = array.array("u" if code == "U" else code)
    result.frombytes(buffer.tobytes())
    return result
