# SPDX-License-Identifier: Apache-2.0
"""Variants -> Python values: for results that are not read in their message, and for defaults."""

from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.dict cimport PyDict_SetItem
from cpython.list cimport PyList_New, PyList_SET_ITEM
from cpython.ref cimport Py_INCREF
from cpython.tuple cimport PyTuple_New, PyTuple_SET_ITEM

from unity cimport variant_access as access
from unity._arrays cimport from_array
from unity._buffer cimport view_of
from unity._connection cimport Connection
from unity._scalars cimport scalar_of
from unity._runtime cimport PyObject
from unity.cppipc cimport Kind, Variant, string_view
from unity.variant_access cimport Entries, Items

from unity import errors


cdef extern from "python_function.h" namespace "unity" nogil:
    PyObject* get_python_function(const Variant&)
    string_view get_function_name(const Variant&)

cdef extern from "Python.h":
    object PyUnicode_DecodeUTF8(const char*, Py_ssize_t, const char*)


cdef object from_variant(const Variant& value, Connection connection, object known):
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
        return from_dict(access.get_entries(value), connection, known)
    if kind == Kind.kList:
        return from_list(access.get_list(value), connection, known)
    if kind == Kind.kTuple:
        return from_tuple(access.get_tuple(value), connection, known)
    if kind == Kind.kSet:
        return set(from_list(access.get_set(value), connection, known))
    if kind == Kind.kFrozenSet:
        return frozenset(from_list(access.get_frozenset(value), connection, known))
    if kind == Kind.kBytes:
        text = access.get_bytes(value)
        return PyBytes_FromStringAndSize(text.data(), text.size())
    if kind == Kind.kComplex:
        return complex(access.get_real(value), access.get_imaginary(value))
    if kind == Kind.kArray:
        return from_array(access.get_array(value))
    if kind == Kind.kObject:
        return from_object(value, connection)
    if kind == Kind.kCallable:
        return from_callable(value, connection)
    if kind == Kind.kMessage:
        return from_message(value)
    if kind == Kind.kDataFrame or kind == Kind.kGraph:
        return from_table(value, connection, known)
    if kind == Kind.kEnum:
        return enum_member(value, known)
    return scalar_of(value)


cdef object from_object(const Variant& value, Connection connection):
    remote = access.get_object(value)
    if not remote or connection is None:
        raise errors.RemoteError("a reference came that is no object of this session")
    return connection.proxy_of(remote)


cdef object from_message(const Variant& value):
    from unity._message import Message

    return Message([view_of(access.get_segment(value, i))
                    for i in range(access.count_segments(value))])


cdef object from_table(const Variant& value, Connection connection, object known):
    # A dataframe or a graph, whose classes are imported when the first one comes.
    import unity

    cls = unity.DataFrame if value.kind() == Kind.kDataFrame else unity.Graph
    return cls._from_parts(from_list(access.get_parts(value), connection, known))


cdef object from_callable(const Variant& value, Connection connection):
    # A callable of this process is itself; others are functions of the server, by their name.
    cdef PyObject* function = get_python_function(value)
    if function != NULL:
        return <object>function
    name = get_function_name(value)
    text = PyUnicode_DecodeUTF8(name.data(), name.size(), NULL)
    routine = None if connection is None else connection.described().functions.get(text)
    if routine is None:
        raise errors.RemoteError(f"a function came that the session does not know: {text!r}")
    from unity._function import bind

    return bind(routine, connection)


cdef object enum_member(const Variant& value, object known):
    type_name = access.get_enum_type(value)
    name = access.get_enum_name(value)
    if known is None:
        raise errors.RemoteError("a member of an enumeration came, which only a session knows")
    return known.member(
        PyUnicode_DecodeUTF8(type_name.data(), type_name.size(), NULL),
        PyUnicode_DecodeUTF8(name.data(), name.size(), NULL))


cdef list from_list(const Items& items, Connection connection, object known):
    cdef Py_ssize_t size = items.size()
    cdef list result = PyList_New(size)
    cdef Py_ssize_t i
    for i in range(size):
        item = from_variant(items[i], connection, known)
        Py_INCREF(item)
        PyList_SET_ITEM(result, i, item)
    return result


cdef tuple from_tuple(const Items& items, Connection connection, object known):
    cdef Py_ssize_t size = items.size()
    cdef tuple result = PyTuple_New(size)
    cdef Py_ssize_t i
    for i in range(size):
        item = from_variant(items[i], connection, known)
        Py_INCREF(item)
        PyTuple_SET_ITEM(result, i, item)
    return result


cdef dict from_dict(const Entries& entries, Connection connection, object known):
    cdef dict result = {}
    cdef size_t i
    for i in range(entries.size()):
        PyDict_SetItem(result, from_variant(entries[i].first, connection, known),
                       from_variant(entries[i].second, connection, known))
    return result
