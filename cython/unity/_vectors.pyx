# SPDX-License-Identifier: Apache-2.0
"""Vectors: the arrays that columns and graphs are made of.

A vector has one dimension and elements in native order without gaps. It is an ndarray where NumPy
is installed, else a `unity.Buffer`.
"""

import struct

from libc.stdint cimport int64_t, uint8_t
from libc.string cimport memcmp, memcpy, memset
from libcpp.memory cimport shared_ptr
from libcpp.vector cimport vector as std_vector

from unity cimport column_loops as loops
from unity cimport cppipc
from unity cimport variant_access as access
from unity._arrays cimport borrowed
from unity._buffer cimport Buffer, view_of
from unity._runtime cimport PyObject, Runtime, runtime
from unity.cppipc cimport raise_as_python

from unity import _dtypes, _elements


cdef extern from "cppipc/array.h" namespace "cppipc" nogil:
    cppipc.AnyArray make_array(
        const cppipc.DType&, std_vector[int64_t]) except +raise_as_python


cdef Runtime* process_runtime = runtime()
KINDS = frozenset("biufcmM")


def numpy_or_none():
    """NumPy, imported if it is installed."""
    try:
        import numpy
    except ImportError:
        return None
    return numpy


cdef cppipc.DType dtype_of(str text):
    cdef cppipc.DType dtype
    kind = text[1:]
    code = kind[0] if kind[0] in "mM" else _dtypes._CODES[kind]
    dtype.text = text.encode()
    dtype.code = ord(code)
    dtype.itemsize = 8 if kind[0] in "mM" else int(kind[1:])
    return dtype


cdef cppipc.AnyArray elements_of(object vector):
    if isinstance(vector, Buffer):
        (<Buffer>vector).check_open()
        return (<Buffer>vector).array
    return borrowed(vector)


cdef object vector_of(const cppipc.AnyArray& array):
    cdef Py_ssize_t count = array.shape[0]
    dtype = _dtypes.numpy_dtype(
        array.dtype.text.decode(), chr(array.dtype.code), array.dtype.itemsize)
    if dtype is None:
        return view_of(array)
    under = view_of(access.bytes_under(array))
    return _dtypes.to_numpy(under, dtype, (count,), 0, None)


cdef object vector_over(str text, const void* data, int64_t count, shared_ptr[const void] owner,
                        bint is_readonly):
    cdef cppipc.AnyArray array
    array.dtype = dtype_of(text)
    array.data = <cppipc.byte*>data
    array.shape.push_back(count)
    array.strides.push_back(array.dtype.itemsize)
    array.owner = owner
    array.is_readonly = is_readonly
    return vector_of(array)


cpdef object empty(str text, int64_t count):
    """A new vector of elements of the type that NumPy calls `text`; what they are is undefined."""
    cdef std_vector[int64_t] shape
    numpy = numpy_or_none()
    if numpy is not None:
        return numpy.empty(count, text)
    shape.push_back(count)
    return view_of(make_array(dtype_of(text), shape))


cdef void* start_of(object vector) except? NULL:
    return <void*>elements_of(vector).data


def type_of(vector):
    """The type of the elements as NumPy writes it, e.g. "<f8"."""
    return vector.dtype if isinstance(vector, Buffer) else vector.dtype.str


def vector_from(exporter):
    """A vector over the memory of anything that exports it, or of an ndarray; a copy only if that
    has gaps or another byte order.

    Raises:
        TypeError: its elements are no numbers, bools or times; or it exports nothing.
        ValueError: it has more or less than one dimension.
    """
    cdef cppipc.AnyArray array
    numpy = numpy_or_none()
    if numpy is not None and isinstance(exporter, numpy.ndarray):
        return plain_ndarray(numpy, numpy.asarray(exporter))
    if isinstance(exporter, Buffer):
        check_form(exporter.dtype, exporter.ndim)
        is_native = exporter.dtype[0] in "|" + _dtypes._NATIVE
        if is_native and (<Buffer>exporter).array.is_c_contiguous():
            return vector_of((<Buffer>exporter).array)
    view = memoryview(exporter)
    _, text, code = _dtypes.describe_buffer(exporter, view.format, view.itemsize)
    check_form(text, view.ndim)
    if text[0] not in "|" + _dtypes._NATIVE:
        if numpy is None:
            raise TypeError(f"elements of {text} have another byte order than this machine, "
                            "which needs NumPy")
        return plain_ndarray(numpy, numpy.asarray(view))
    if not view.c_contiguous:
        return from_bytes(text, view.tobytes())
    cdef const uint8_t[::1] memory = view.cast("B")
    return vector_over(text, &memory[0] if view.nbytes else NULL, view.shape[0],
                       process_runtime.keep(<PyObject*>view), view.readonly)


cdef int check_form(str text, int dimensions) except -1:
    if text[1:2] not in KINDS or text[0] in "[{":
        raise TypeError(f"elements of {text} are no numbers, bools or times")
    if dimensions != 1:
        raise ValueError(f"there are {dimensions} dimensions, and 1 is expected")
    return 0


def plain_ndarray(numpy, array):
    check_form(array.dtype.str if array.dtype.kind in KINDS else "|" + array.dtype.kind,
               array.ndim)
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    return numpy.ascontiguousarray(array)


def from_bytes(str text, data):
    """A new vector of the elements that lie in `data`."""
    cdef cppipc.DType dtype = dtype_of(text)
    cdef const uint8_t[::1] memory = memoryview(data).cast("B")
    vector = empty(text, len(memory) // dtype.itemsize)
    if len(memory) > 0:
        memcpy(start_of(vector), &memory[0], len(memory))
    return vector


def from_list(str text, list values):
    """A new vector of ints, floats, complex numbers or bools.

    Raises:
        OverflowError: one does not fit.
    """
    cdef int64_t i
    numpy = numpy_or_none()
    if text[1] in "mM":  # as ints
        ints = from_list(text[0] + "i8", values)
        return vector_over(text, start_of(ints), len(values),
                           process_runtime.keep(<PyObject*>ints), False)
    if numpy is not None:
        return numpy.array(values, text)
    if text[1] == "c":
        values = [part for value in values for part in (value.real, value.imag)]
    form = _elements._STRUCT.get(text[1:]) or _elements._COMPLEX[text[1:]]
    try:
        return from_bytes(text, struct.pack(f"={len(values)}{form}", *values))
    except struct.error as error:
        raise OverflowError(f"a number does not fit in {text}: {error}") from None


def part(vector, int64_t start, int64_t stop):
    """The elements from `start` to `stop`, in the same memory."""
    cdef cppipc.AnyArray array
    if not isinstance(vector, Buffer):
        return vector[start:stop]
    array = elements_of(vector)
    array.data += start * array.dtype.itemsize
    array.shape[0] = stop - start
    return view_of(array)


def join(vectors):
    """The elements of vectors of one type, one after the other, in new memory."""
    cdef int64_t at = 0
    cdef cppipc.AnyArray piece
    types = {type_of(vector) for vector in vectors}
    if len(types) != 1:
        raise ValueError(f"vectors of several types cannot be joined: {sorted(types)}")
    result = empty(type_of(vectors[0]), sum(len(vector) for vector in vectors))
    cdef uint8_t* out = <uint8_t*>start_of(result)
    for vector in vectors:
        piece = elements_of(vector)
        if piece.shape[0] > 0:
            memcpy(out + at, piece.data, piece.nbytes())
        at += piece.nbytes()
    return result


def zeros_in(vector):
    """How many bytes, or bools, are 0."""
    cdef cppipc.AnyArray array = elements_of(vector)
    return loops.count_zeros(<const uint8_t*>array.data, array.shape[0])


def no_times_in(vector):
    """How many times are "not a time"."""
    cdef cppipc.AnyArray array = elements_of(vector)
    return loops.mark_no_times(<const int64_t*>array.data, array.shape[0], NULL)


def valid_times(vector, valid):
    """Where there is a time: `valid`, which may be None, but for those that are none. New."""
    cdef cppipc.AnyArray array = elements_of(vector)
    result = from_bytes("|b1", b"\1" * array.shape[0]) if valid is None else join([valid])
    loops.mark_no_times(<const int64_t*>array.data, array.shape[0], <uint8_t*>start_of(result))
    return result


def bits_of(valid):
    """Bools as Arrow's bits, in a new vector of bytes."""
    cdef cppipc.AnyArray array = elements_of(valid)
    result = empty("|u1", (array.shape[0] + 7) // 8)
    loops.bytes_to_bits(<const uint8_t*>array.data, array.shape[0], <uint8_t*>start_of(result))
    return result


cdef const uint8_t* marks_of(valid) except? NULL:
    # NULL for None.
    if valid is None:
        return NULL
    return <const uint8_t*>start_of(valid)


def are_codes(codes, int64_t count):
    """Whether codes lie between -1 and `count` - 1."""
    cdef cppipc.AnyArray array = elements_of(codes)
    return loops.are_codes(array.data, array.dtype.itemsize, array.shape[0], count)


def valid_codes(codes):
    """Where codes stand for something, as bools; None if all do."""
    cdef int64_t i
    wide = wide_codes(codes, None)
    cdef const int64_t* at = <const int64_t*>start_of(wide)
    valid = empty("|b1", len(wide))
    cdef uint8_t* marks = <uint8_t*>start_of(valid)
    for i in range(len(wide)):
        marks[i] = at[i] >= 0
    return valid if zeros_in(valid) else None


def wide_codes(codes, places):
    """Codes as int64 in new memory; those that are not -1 replaced by what the list `places`, if
    given, has at their place.

    Raises:
        ValueError: it has none there.
    """
    cdef cppipc.AnyArray array = elements_of(codes)
    cdef int64_t i, count = array.shape[0]
    result = empty(f"{_dtypes._NATIVE}i8", count)
    cdef int64_t* out = <int64_t*>start_of(result)
    loops.widen_codes(array.data, array.dtype.itemsize, count, out)
    if places is None:
        return result
    if not are_codes(result, len(places)):
        raise ValueError("a code stands for no category")
    for i in range(count):
        if out[i] >= 0:
            out[i] = places[out[i]]
    return result


def blanked(codes, valid):
    """A copy of codes with -1 where `valid` is false."""
    cdef const uint8_t* marks = marks_of(valid)
    cdef int64_t i
    result = join([codes])
    cdef size_t size = elements_of(result).dtype.itemsize
    cdef char* out = <char*>start_of(result)
    for i in range(len(result)):
        if not marks[i]:
            memset(out + i * <int64_t>size, 0xff, size)
    return result


def pick(vector, int64_t start, int64_t step, int64_t count):
    """Every `step`-th of the elements from `start` on, `count` of them, in new memory."""
    cdef cppipc.AnyArray array = elements_of(vector)
    cdef size_t size = array.dtype.itemsize
    cdef int64_t i
    result = empty(type_of(vector), count)
    cdef char* out = <char*>start_of(result)
    for i in range(count):
        memcpy(out + i * size, <const char*>array.data + (start + i * step) * <int64_t>size, size)
    return result


def same_elements(a, b, valid):
    """Whether the vectors have the same type, and the same bytes wherever `valid` is true."""
    cdef cppipc.AnyArray first = elements_of(a), second = elements_of(b)
    cdef size_t size = first.dtype.itemsize
    if type_of(a) != type_of(b) or first.shape[0] != second.shape[0]:
        return False
    if valid is None:
        return first.shape[0] == 0 or memcmp(first.data, second.data, first.nbytes()) == 0
    return loops.same_where(first.data, second.data, size, <const uint8_t*>start_of(valid),
                            first.shape[0])


def seen_as(vector, str text):
    """The same memory, of elements of the type `text`, which are as large."""
    cdef cppipc.AnyArray array = elements_of(vector)
    array.dtype = dtype_of(text)
    return vector_of(array)


def packed(value):
    """What pickle can write instead of a vector; anything else as it is."""
    if isinstance(value, Buffer):
        return ["vector", value.dtype, value.tobytes()]
    return value


def unpacked(value):
    """What was packed."""
    if isinstance(value, list) and value[:1] == ["vector"]:
        return from_bytes(*value[1:])
    return value
