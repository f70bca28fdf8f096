# SPDX-License-Identifier: Apache-2.0
"""Python value <-> variant, for all but arrays and the standard library's scalars."""

from cpython.bytes cimport (
    PyBytes_AS_STRING, PyBytes_Check, PyBytes_FromStringAndSize, PyBytes_GET_SIZE)
from cpython.complex cimport PyComplex_Check, PyComplex_ImagAsDouble, PyComplex_RealAsDouble
from cpython.dict cimport PyDict_Check, PyDict_CheckExact, PyDict_Next, PyDict_SetItem, PyDict_Size
from cpython.float cimport PyFloat_AS_DOUBLE, PyFloat_Check, PyFloat_CheckExact
from cpython.list cimport (
    PyList_Check, PyList_CheckExact, PyList_GET_ITEM, PyList_GET_SIZE, PyList_New,
    PyList_SET_ITEM)
from cpython.long cimport PyLong_Check, PyLong_CheckExact
from cpython.ref cimport Py_INCREF
from cpython.set cimport PyAnySet_Check, PyFrozenSet_Check
from cpython.tuple cimport (
    PyTuple_Check, PyTuple_CheckExact, PyTuple_GET_ITEM, PyTuple_GET_SIZE, PyTuple_New,
    PyTuple_SET_ITEM)
from cpython.unicode cimport PyUnicode_Check, PyUnicode_CheckExact
from libc.stddef cimport size_t

from unity cimport cppipc
from unity cimport variant_access as access
from unity._arrays cimport from_array, put_buffer, put_numpy
from unity._connection cimport Connection, Proxy
from unity._marshaller cimport (
    Level, Marshaller, kContainerWords, kDepthMax, kShareBytes, kWordsMax, refusal)
from unity._runtime cimport PyObject, Runtime, runtime
from unity._scalars cimport put_scalar, scalar_of
from unity.cppipc cimport Kind, Variant
from unity.variant_access cimport Entries, Items

from unity import errors


cdef extern from "Python.h":
    long long PyLong_AsLongLongAndOverflow(object, int*) except? -1
    const char* PyUnicode_AsUTF8AndSize(object, Py_ssize_t*) except NULL
    object PyUnicode_DecodeUTF8(const char*, Py_ssize_t, const char*)
    bint PyBool_Check(object)


cdef Runtime* process_runtime = runtime()


cdef int to_variant(Variant* out, object value, Marshaller* marshaller) except -1:
    # The frequent ones first, by exact type.
    if PyLong_CheckExact(value):
        return put_int(out, value, marshaller)
    if PyUnicode_CheckExact(value):
        return put_str(out, value, marshaller)
    if PyFloat_CheckExact(value):
        access.put_float(out, PyFloat_AS_DOUBLE(value))
        return 0
    if value is None:
        return 0
    if PyBool_Check(value):
        access.put_bool(out, value is True)
        return 0
    if PyDict_CheckExact(value):
        return put_dict(out, value, marshaller)
    if PyList_CheckExact(value):
        return put_list(out, value, marshaller)
    if PyTuple_CheckExact(value):
        return put_tuple(out, value, marshaller)
    return put_other(out, value, marshaller)


cdef int put_other(Variant* out, object value, Marshaller* marshaller) except -1:
    if isinstance(value, Proxy):
        return put_proxy(out, <Proxy>value, marshaller)
    if PyBytes_Check(value):
        if type(value) is bytes or not put_numpy(out, value, marshaller):
            put_bytes(out, value)
        return 0
    # NumPy's scalars before the built-in types that some of them derive from.
    if put_numpy(out, value, marshaller) or put_scalar(out, value, marshaller):
        return 0
    if PyLong_Check(value):
        return put_int(out, value, marshaller)
    if PyUnicode_Check(value):
        return put_str(out, value, marshaller)
    if PyFloat_Check(value):
        access.put_float(out, PyFloat_AS_DOUBLE(value))
        return 0
    if PyComplex_Check(value):
        access.put_complex(out, PyComplex_RealAsDouble(value), PyComplex_ImagAsDouble(value))
        return 0
    if PyDict_Check(value):
        return put_dict(out, value, marshaller)
    if PyList_Check(value):
        return put_list(out, value, marshaller)
    if PyTuple_Check(value):
        return put_tuple(out, value, marshaller)
    if PyAnySet_Check(value):
        return put_set(out, value, marshaller)
    if put_buffer(out, value, marshaller):
        return 0
    raise refusal(errors.WrongType, f"cannot send a {type(value).__qualname__!r}", marshaller)


cdef int put_int(Variant* out, object value, Marshaller* marshaller) except -1:
    cdef int overflow = 0
    cdef long long number = PyLong_AsLongLongAndOverflow(value, &overflow)
    if overflow:
        raise refusal(errors.Overflow, "cannot send an int beyond 64 bits", marshaller)
    access.put_int(out, number)
    return 0


cdef int put_str(Variant* out, object value, Marshaller* marshaller) except -1:
    cdef Py_ssize_t size = 0
    cdef const char* text
    try:
        text = PyUnicode_AsUTF8AndSize(value, &size)
    except UnicodeEncodeError as error:
        raise refusal(errors.InvalidArgument, f"cannot send a str: {error}",
                      marshaller) from error
    access.put_str(out, text, size)
    return 0


cdef int put_bytes(Variant* out, object value) except -1:
    cdef size_t size = PyBytes_GET_SIZE(value)
    if size <= kShareBytes:
        access.put_bytes(out, PyBytes_AS_STRING(value), size)
    else:
        access.share_bytes(out, PyBytes_AS_STRING(value), size,
                           process_runtime.keep(<PyObject*>value))
    return 0


cdef int put_proxy(Variant* out, Proxy proxy, Marshaller* marshaller) except -1:
    if marshaller.connection == NULL or not proxy.remote:
        raise refusal(errors.WrongType, f"cannot send {proxy!r} here", marshaller)
    connection = <Connection>marshaller.connection
    proxy.connection.check()
    if proxy.connection is not connection:
        raise refusal(errors.InvalidArgument,
                      f"cannot send {proxy!r}, an object of another session, "
                      f"to {connection.address}", marshaller)
    access.put_object(out, proxy.remote)
    return 0


cdef Level* enter(object container, size_t size, Marshaller* marshaller) except NULL:
    # Goes one level deeper; leave() ends it. After an error the path stays as it is.
    marshaller.words += size + kContainerWords
    if marshaller.words > kWordsMax:
        raise refusal(errors.TooLarge,
                      f"cannot send so many values: a message holds {kWordsMax * 8} bytes",
                      marshaller)
    if marshaller.path.size() >= kDepthMax:
        for level in marshaller.path:
            if level.container == <PyObject*>container:
                raise refusal(errors.InvalidArgument,
                              f"cannot send a {type(container).__name__} that contains itself",
                              marshaller)
        raise refusal(errors.InvalidArgument,
                      f"cannot send values nested more than {kDepthMax} levels deep", marshaller)
    return marshaller.enter(<PyObject*>container)


cdef inline void leave(Marshaller* marshaller) noexcept:
    marshaller.path.pop_back()


cdef RuntimeError changed(object container):
    return RuntimeError(f"{type(container).__name__} changed while it was being sent")


cdef int put_list(Variant* out, object value, Marshaller* marshaller) except -1:
    cdef Py_ssize_t size = PyList_GET_SIZE(value)
    cdef Items* items = access.put_list(out, size)
    cdef size_t depth = marshaller.path.size()
    cdef Py_ssize_t i
    enter(value, size, marshaller)
    for i in range(size):
        # What an item needs (a time zone, a dtype) may run Python code.
        if PyList_GET_SIZE(value) != size:
            raise changed(value)
        marshaller.path[depth].index = i
        to_variant(&items[0][i], <object>PyList_GET_ITEM(value, i), marshaller)
    leave(marshaller)
    return 0


cdef int put_tuple(Variant* out, object value, Marshaller* marshaller) except -1:
    cdef Py_ssize_t size = PyTuple_GET_SIZE(value)
    cdef Items* items = access.put_tuple(out, size)
    cdef size_t depth = marshaller.path.size()
    cdef Py_ssize_t i
    enter(value, size, marshaller)
    for i in range(size):
        marshaller.path[depth].index = i
        to_variant(&items[0][i], <object>PyTuple_GET_ITEM(value, i), marshaller)
    leave(marshaller)
    return 0


cdef int put_set(Variant* out, object value, Marshaller* marshaller) except -1:
    cdef Py_ssize_t size = len(<object>value)
    cdef Items* items
    cdef Py_ssize_t i = 0
    if PyFrozenSet_Check(value):
        items = access.put_frozenset(out, size)
    else:
        items = access.put_set(out, size)
    enter(value, size, marshaller)
    for item in set.__iter__(value) if not PyFrozenSet_Check(value) else frozenset.__iter__(value):
        if i >= size:
            raise changed(value)
        to_variant(&items[0][i], item, marshaller)
        i += 1
    leave(marshaller)
    return 0


cdef int put_dict(Variant* out, object value, Marshaller* marshaller) except -1:
    cdef Py_ssize_t size = PyDict_Size(value)
    cdef Entries* entries = access.put_dict(out, size)
    cdef size_t depth = marshaller.path.size()
    cdef Py_ssize_t position = 0
    cdef Py_ssize_t i = 0
    cdef PyObject* raw_key = NULL
    cdef PyObject* raw_item = NULL
    enter(value, size, marshaller)
    while PyDict_Next(value, &position, &raw_key, &raw_item):
        if i >= size or PyDict_Size(value) != size:
            raise changed(value)
        key = <object>raw_key
        item = <object>raw_item
        marshaller.path[depth].key = NULL
        to_variant(&entries[0][i].first, key, marshaller)
        marshaller.path[depth].key = raw_key
        to_variant(&entries[0][i].second, item, marshaller)
        i += 1
    if i != size:
        raise changed(value)
    leave(marshaller)
    return 0


cdef object from_variant(const Variant& value, Connection connection):
    cdef Kind kind = value.kind()
    if kind == Kind.kInt:
        return access.get_int(value)
    if kind == Kind.kStr:
        text = access.get_str(value)
        return PyUnicode_DecodeUTF8(text.data(), text.size(), NULL)
    if kind == Kind.kFloat:
        return access.get_float(value)
    if kind == Kind.kNull:
        return None
    if kind == Kind.kBool:
        return access.get_bool(value)
    if kind == Kind.kDict:
        return from_dict(access.get_entries(value), connection)
    if kind == Kind.kList:
        return from_list(access.get_list(value), connection)
    if kind == Kind.kTuple:
        return from_tuple(access.get_tuple(value), connection)
    if kind == Kind.kSet:
        return set(from_list(access.get_set(value), connection))
    if kind == Kind.kFrozenSet:
        return frozenset(from_list(access.get_frozenset(value), connection))
    if kind == Kind.kBytes:
        text = access.get_bytes(value)
        return PyBytes_FromStringAndSize(text.data(), text.size())
    if kind == Kind.kComplex:
        return complex(access.get_real(value), access.get_imaginary(value))
    if kind == Kind.kArray:
        return from_array(access.get_array(value))
    if kind == Kind.kObject:
        return from_object(value, connection)
    return scalar_of(value)


cdef object from_object(const Variant& value, Connection connection):
    remote = access.get_object(value)
    if not remote or connection is None:
        raise errors.RemoteError("a reference came that is no object of this session")
    return connection.proxy_of(remote)


cdef list from_list(const Items& items, Connection connection):
    cdef Py_ssize_t size = items.size()
    cdef list result = PyList_New(size)
    cdef Py_ssize_t i
    for i in range(size):
        item = from_variant(items[i], connection)
        Py_INCREF(item)
        PyList_SET_ITEM(result, i, item)
    return result


cdef tuple from_tuple(const Items& items, Connection connection):
    cdef Py_ssize_t size = items.size()
    cdef tuple result = PyTuple_New(size)
    cdef Py_ssize_t i
    for i in range(size):
        item = from_variant(items[i], connection)
        Py_INCREF(item)
        PyTuple_SET_ITEM(result, i, item)
    return result


cdef dict from_dict(const Entries& entries, Connection connection):
    cdef dict result = {}
    cdef size_t i
    for i in range(entries.size()):
        PyDict_SetItem(result, from_variant(entries[i].first, connection),
                       from_variant(entries[i].second, connection))
    return result


def round_trip(value):
    """`value` as it comes out of a variant: what a call that returns its argument would give.

    For tests of the conversions alone. Objects of a server cannot pass.
    """
    cdef Variant variant
    cdef Marshaller marshaller
    to_variant(&variant, value, &marshaller)
    return from_variant(variant, None)
