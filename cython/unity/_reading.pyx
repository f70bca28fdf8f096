# SPDX-License-Identifier: Apache-2.0
"""Messages -> Python values, read where they lie.

What a reader cannot read, be it malformed, is read as a variant, which tells what is wrong.
"""

from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.dict cimport PyDict_SetItem
from cpython.list cimport PyList_New, PyList_SET_ITEM
from cpython.ref cimport Py_INCREF
from cpython.tuple cimport PyTuple_New, PyTuple_SET_ITEM
from libc.stdint cimport uint64_t
from libcpp.memory cimport shared_ptr

from unity cimport cppipc
from unity._connection cimport Connection
from unity._marshaller cimport kDepthMax
from unity._runtime cimport PyObject
from unity._scalars cimport scalar_of
from unity._values cimport from_variant
from unity.cppipc cimport Form, Items, Result, Value, ValueReader, Words


cdef extern from "Python.h":
    object PyUnicode_DecodeUTF8(const char*, Py_ssize_t, const char*)

cdef extern from "packed.h" namespace "unity" nogil:
    cdef cppclass KnownTexts:
        object get(cppipc.string_view)
    int fill_with_ints(object, const uint64_t*, Py_ssize_t) except -1
    int fill_with_floats(object, const uint64_t*, Py_ssize_t) except -1


cdef class Irregular(Exception):
    """Nothing that a reader knows."""


# One value that is being read.
cdef cppclass Reading:
    ValueReader reader
    KnownTexts keys
    size_t depth
    PyObject* known  # borrowed: the description of the session's server, or None


cdef object value_of(const shared_ptr[Result]& result, Connection connection):
    cdef Reading reading
    known = None if connection is None else connection.described()
    if result.get().reader() != NULL:
        reading.reader = result.get().reader()[0]
        reading.depth = 0
        reading.known = <PyObject*>known
        try:
            return read(&reading, result.get().value())
        except (Irregular, UnicodeDecodeError):
            pass
    return from_variant(result.get().variant(), connection, known)


cdef object read(Reading* reading, Value value):
    cdef Form form = ValueReader.form(value)
    cdef cppipc.string_view text
    if form == Form.kInt:
        return ValueReader.integer(value)
    if form == Form.kStr:
        if not reading.reader.text(value, &text):
            raise Irregular
        return PyUnicode_DecodeUTF8(text.data(), text.size(), NULL)
    if form == Form.kFloat:
        return ValueReader.number(value)
    if form == Form.kNull:
        return None
    if form == Form.kBool:
        return ValueReader.boolean(value)
    if form == Form.kBytes:
        if not reading.reader.bytes(value, &text):
            raise Irregular
        return PyBytes_FromStringAndSize(text.data(), text.size())
    if form == Form.kInts or form == Form.kFloats:
        return read_numbers(reading, value, form == Form.kInts, False)
    if form == Form.kIntTuple or form == Form.kFloatTuple:
        return read_numbers(reading, value, form == Form.kIntTuple, True)
    if form == Form.kDict or form == Form.kList or form == Form.kTuple:
        return read_container(reading, value, form)
    if form == Form.kSet:
        return set(read_container(reading, value, form))
    if form == Form.kFrozenSet:
        return frozenset(read_container(reading, value, form))
    return read_scalar(reading, value)


cdef object read_scalar(Reading* reading, Value value):
    cdef cppipc.Variant variant
    if not reading.reader.scalar(value, &variant):
        raise Irregular
    if variant.kind() == cppipc.Kind.kComplex or variant.kind() == cppipc.Kind.kEnum:
        return from_variant(variant, None, <object>reading.known)
    return scalar_of(variant)


cdef object read_numbers(Reading* reading, Value value, bint are_ints, bint is_tuple):
    cdef Words words
    if reading.depth >= kDepthMax or not reading.reader.numbers(value, &words):
        raise Irregular
    cdef Py_ssize_t size = words.size()
    cdef object result
    if is_tuple:
        result = PyTuple_New(size)
    else:
        result = PyList_New(size)
    if are_ints:
        fill_with_ints(result, words.data(), size)
    else:
        fill_with_floats(result, words.data(), size)
    return result


cdef object read_container(Reading* reading, Value value, Form form):
    # Sets come as lists.
    cdef Items items
    if reading.depth >= kDepthMax or not reading.reader.items(value, &items):
        raise Irregular
    reading.depth += 1
    if form == Form.kDict:
        result = read_dict(reading, items)
    elif form == Form.kTuple:
        result = read_tuple(reading, items)
    else:
        result = read_list(reading, items)
    reading.depth -= 1
    return result


cdef list read_list(Reading* reading, const Items& items):
    cdef list result = PyList_New(items.count)
    cdef size_t i
    for i in range(items.count):
        item = read(reading, items.at(i))
        Py_INCREF(item)
        PyList_SET_ITEM(result, i, item)
    return result


cdef tuple read_tuple(Reading* reading, const Items& items):
    cdef tuple result = PyTuple_New(items.count)
    cdef size_t i
    for i in range(items.count):
        item = read(reading, items.at(i))
        Py_INCREF(item)
        PyTuple_SET_ITEM(result, i, item)
    return result


cdef dict read_dict(Reading* reading, const Items& items):
    cdef dict result = {}
    cdef cppipc.string_view text
    cdef Value key
    cdef size_t i
    if items.count % 2 != 0:
        raise Irregular
    for i in range(0, items.count, 2):
        key = items.at(i)
        if ValueReader.form(key) != Form.kStr:
            name = read(reading, key)
        elif reading.reader.text(key, &text):
            name = reading.keys.get(text)
        else:
            raise Irregular
        PyDict_SetItem(result, name, read(reading, items.at(i + 1)))
    return result
