# SPDX-License-Identifier: Apache-2.0
"""Python values -> bytes of a message, for all but arrays and the standard library's scalars."""

from cpython.buffer cimport PyObject_CheckBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_Check, PyBytes_GET_SIZE
from cpython.complex cimport PyComplex_Check, PyComplex_ImagAsDouble, PyComplex_RealAsDouble
from cpython.dict cimport PyDict_Check, PyDict_CheckExact, PyDict_Next, PyDict_Size
from cpython.float cimport PyFloat_AS_DOUBLE, PyFloat_Check, PyFloat_CheckExact
from cpython.list cimport (
    PyList_Check, PyList_CheckExact, PyList_GET_ITEM, PyList_GET_SIZE)
from cpython.long cimport PyLong_Check, PyLong_CheckExact
from cpython.number cimport PyIndex_Check, PyNumber_Index
from cpython.set cimport PyAnySet_Check, PyFrozenSet_Check
from cpython.tuple cimport (
    PyTuple_Check, PyTuple_CheckExact, PyTuple_GET_ITEM, PyTuple_GET_SIZE)
from cpython.unicode cimport PyUnicode_Check, PyUnicode_CheckExact
from libc.stddef cimport size_t
from libcpp.string cimport string

from unity cimport variant_access as access
from unity._arrays cimport put_buffer, put_numpy
from unity._connection cimport Connection, Proxy
from unity._marshaller cimport (
    Level, Marshaller, kContainerWords, kDepthMax, kShareBytes, refusal)
from unity._references cimport put_proxy, put_stand_in
from unity._runtime cimport PyObject, Runtime, runtime
from unity._scalars cimport put_enum, put_moment, put_scalar
from unity.cppipc cimport (
    Numbers, Sequence, ValueWriter, Variant, kPlaceWords, make_view, raise_as_python)

import weakref

from unity import errors


cdef extern from "Python.h":
    long long PyLong_AsLongLongAndOverflow(object, int*) except? -1
    const char* PyUnicode_AsUTF8AndSize(object, Py_ssize_t*) except NULL
    bint PyBool_Check(object)

cdef extern from "python_function.h" namespace "unity" nogil:
    void put_python_function(Variant*, Runtime&, PyObject*, PyObject*) except +raise_as_python
    void put_named_function(Variant*, const string&) except +raise_as_python

cdef extern from "packed.h" namespace "unity" nogil:
    PyObject** items_of(object)
    Py_ssize_t store_ints(PyObject**, Py_ssize_t, void*)
    Py_ssize_t store_floats(PyObject**, Py_ssize_t, void*)


cdef Runtime* process_runtime = runtime()

cdef object table_classes = None, parts_of = None  # until a table is looked for


cdef int write(ValueWriter* out, size_t place, object value, Marshaller* marshaller) except -1:
    # The frequent ones first, by exact type.
    if PyLong_CheckExact(value):
        return write_int(out, place, value, marshaller)
    if PyUnicode_CheckExact(value):
        return write_str(out, place, value, marshaller)
    if PyFloat_CheckExact(value):
        out.put_float(place, PyFloat_AS_DOUBLE(value))
        return 0
    if value is None:
        return 0
    if PyBool_Check(value):
        out.put_bool(place, value is True)
        return 0
    if PyDict_CheckExact(value):
        return write_dict(out, place, value, marshaller)
    if PyList_CheckExact(value):
        return write_list(out, place, value, marshaller)
    if PyTuple_CheckExact(value):
        return write_tuple(out, place, value, marshaller)
    return write_other(out, place, value, marshaller)


cdef int write_other(ValueWriter* out, size_t place, object value,
                     Marshaller* marshaller) except -1:
    cdef Variant variant
    if isinstance(value, Proxy):
        put_proxy(&variant, <Proxy>value, marshaller)
    elif type(value) is bytes:
        put_bytes(&variant, value)
    elif put_moment(&variant, value, marshaller):
        pass
    # NumPy's scalars before the built-in types that some of them derive from.
    elif put_numpy(&variant, value, marshaller) or put_scalar(&variant, value, marshaller):
        pass
    elif PyBytes_Check(value):
        put_bytes(&variant, value)
    elif PyLong_Check(value):
        return write_int(out, place, value, marshaller)
    elif PyUnicode_Check(value):
        return write_str(out, place, value, marshaller)
    elif PyFloat_Check(value):
        access.put_float(&variant, PyFloat_AS_DOUBLE(value))
    elif PyComplex_Check(value):
        access.put_complex(&variant, PyComplex_RealAsDouble(value), PyComplex_ImagAsDouble(value))
    elif PyDict_Check(value):
        return write_dict(out, place, value, marshaller)
    elif PyList_Check(value):
        return write_list(out, place, value, marshaller)
    elif PyTuple_Check(value):
        return write_tuple(out, place, value, marshaller)
    elif PyAnySet_Check(value):
        return write_set(out, place, value, marshaller)
    elif marshaller.keys > 0 and PyObject_CheckBuffer(value):
        raise refusal(errors.WrongType,
                      f"cannot send a {type(value).__qualname__!r} as a key or in a set: it "
                      "would come back as a unity.Buffer, which is not hashable; send bytes",
                      marshaller)
    elif put_buffer(&variant, value, marshaller):
        pass
    elif put_enum(&variant, value, marshaller):
        pass
    elif PyIndex_Check(value):
        return write_int(out, place, PyNumber_Index(value), marshaller)
    elif table_classes is not None and isinstance(value, table_classes):
        write_table(out, place, value, marshaller)
        return 0
    elif put_stand_in(&variant, value, marshaller):
        pass
    elif put_message(&variant, value, marshaller):
        pass
    elif put_callable(&variant, value, marshaller):
        pass
    elif write_table(out, place, value, marshaller):
        return 0
    else:
        raise refusal(errors.WrongType, f"cannot send a {type(value).__qualname__!r}", marshaller)
    out.put(place, variant)
    return 0


cdef bint put_message(Variant* out, object value, Marshaller* marshaller) except -1:
    # A message of Cap'n Proto: ours, or what pycapnp has built or read.
    cdef Variant segment
    cdef access.Segments segments
    cdef object kind = type(value)
    if not (hasattr(kind, "to_segments") or hasattr(kind, "as_builder")
            or hasattr(kind, "get_segments_for_output") or kind.__module__ == "unity"):
        return False
    from unity._message import message_of

    message = message_of(value)
    if message is None:
        return False
    if marshaller.keys > 0:
        raise refusal(errors.WrongType, "cannot send a message of Cap'n Proto as a key or in a set",
                      marshaller)
    for view in message._segments:
        if type(view.obj) is bytes and view.nbytes == len(view.obj):
            put_bytes(&segment, view.obj)
        else:
            put_buffer(&segment, view, marshaller)
        access.add_segment(segments, segment)
    access.put_message(out, segments)
    return True


cdef bint put_callable(Variant* out, object value, Marshaller* marshaller) except -1:
    # A function of the server by its name, any other callable as itself.
    if not callable(value) or isinstance(value, type) and issubclass(value, Proxy):
        return False
    if marshaller.connection == NULL:
        raise refusal(errors.WrongType, f"cannot send {value!r} here", marshaller)
    connection = <Connection>marshaller.connection
    from unity._function import wire_name

    name = wire_name(value, connection)
    if name is not None:
        put_named_function(out, name)
        return True
    put_function(out, value, connection)
    return True


cdef int put_function(Variant* out, object function, Connection connection) except -1:
    if not process_runtime.can_call():
        from unity._callables import prepare

        prepare()
    weak_connection = weakref.ref(connection)
    put_python_function(out, process_runtime[0], <PyObject*>function, <PyObject*>weak_connection)
    return 0


cdef bint write_table(ValueWriter* out, size_t place, object value,
                      Marshaller* marshaller) except -1:
    # A dataframe, a graph, or what becomes one; returns False for anything else.
    cdef size_t depth = marshaller.path.size()
    cdef PyObject* connection = marshaller.connection
    cdef Py_ssize_t i
    global table_classes, parts_of
    if table_classes is None:
        from unity import _table_parts

        table_classes, parts_of = _table_parts.CLASSES, _table_parts.parts_of
    try:
        found = parts_of(value)
    except (TypeError, ValueError) as error:
        cls = errors.WrongType if isinstance(error, TypeError) else errors.InvalidArgument
        text = f"cannot send a {type(value).__qualname__!r}: {error}"
        raise refusal(cls, text, marshaller) from error
    if found is None:
        return False
    if marshaller.keys > 0:
        text = f"cannot send a {type(value).__qualname__!r} as a key or in a set"
        raise refusal(errors.WrongType, text, marshaller)
    is_frame, parts = found
    if not is_frame:
        marshaller.connection = NULL  # objects and functions are no vertices
    enter(value, len(parts), marshaller)
    place = out.put_sequence(place, Sequence.kDataFrame if is_frame else Sequence.kGraph,
                             len(parts))
    for i in range(len(parts)):
        marshaller.path[depth].index = i
        write(out, place, parts[i], marshaller)
        place += kPlaceWords
    leave(marshaller)
    marshaller.connection = connection
    return True


cdef int write_int(ValueWriter* out, size_t place, object value,
                   Marshaller* marshaller) except -1:
    cdef int overflow = 0
    cdef long long number = PyLong_AsLongLongAndOverflow(value, &overflow)
    if overflow:
        raise refusal(errors.Overflow, "cannot send an int beyond 64 bits", marshaller)
    out.put_int(place, number)
    return 0


cdef int write_str(ValueWriter* out, size_t place, object value,
                   Marshaller* marshaller) except -1:
    cdef Py_ssize_t size = 0
    cdef const char* text
    try:
        text = PyUnicode_AsUTF8AndSize(value, &size)
    except UnicodeEncodeError as error:
        raise refusal(errors.InvalidArgument, f"cannot send a str: {error}",
                      marshaller) from error
    out.put_text(place, make_view(text, size))
    return 0


cdef int put_bytes(Variant* out, object value) except -1:
    cdef size_t size = PyBytes_GET_SIZE(value)
    if size <= kShareBytes:
        access.view_bytes(out, PyBytes_AS_STRING(value), size)
    else:
        access.share_bytes(out, PyBytes_AS_STRING(value), size,
                           process_runtime.keep(<PyObject*>value))
    return 0


cdef Level* enter(object container, size_t size, Marshaller* marshaller) except NULL:
    # Goes one level deeper; leave() ends it. After an error the path stays as it is.
    marshaller.words += size + kContainerWords
    if marshaller.words > marshaller.words_max:
        raise refusal(errors.TooLarge,
                      f"cannot send so many values: they take more than {marshaller.words * 8:,} "
                      f"bytes, and a message has room for {marshaller.words_max * 8:,}",
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


cdef bint write_numbers(ValueWriter* out, size_t place, object sequence, Py_ssize_t size,
                        Numbers ints, Numbers floats) except -1:
    # A list or tuple of only ints or only floats; returns False if it is another. Runs no
    # Python code, so the sequence stays as it is.
    cdef PyObject** items = items_of(sequence)
    cdef Py_ssize_t stored
    if size < 2:
        return False
    if PyLong_CheckExact(<object>items[0]) and PyLong_CheckExact(<object>items[size - 1]):
        stored = store_ints(items, size, out.put_numbers(place, ints, size))
    elif PyFloat_CheckExact(<object>items[0]) and PyFloat_CheckExact(<object>items[size - 1]):
        stored = store_floats(items, size, out.put_numbers(place, floats, size))
    else:
        return False
    if stored == size:
        return True
    out.take_back_numbers(place, size)
    return False


cdef int write_list(ValueWriter* out, size_t place, object value,
                    Marshaller* marshaller) except -1:
    cdef Py_ssize_t size = PyList_GET_SIZE(value)
    cdef size_t depth = marshaller.path.size()
    cdef Py_ssize_t i
    enter(value, size, marshaller)
    if not write_numbers(out, place, value, size, Numbers.kInts, Numbers.kFloats):
        place = out.put_sequence(place, Sequence.kList, size)
        for i in range(size):
            # What an item needs (a time zone, a dtype) may run Python code.
            if PyList_GET_SIZE(value) != size:
                raise changed(value)
            marshaller.path[depth].index = i
            write(out, place, <object>PyList_GET_ITEM(value, i), marshaller)
            place += kPlaceWords
    leave(marshaller)
    return 0


cdef int write_tuple(ValueWriter* out, size_t place, object value,
                     Marshaller* marshaller) except -1:
    cdef Py_ssize_t size = PyTuple_GET_SIZE(value)
    cdef size_t depth = marshaller.path.size()
    cdef Py_ssize_t i
    enter(value, size, marshaller)
    if not write_numbers(out, place, value, size, Numbers.kIntTuple, Numbers.kFloatTuple):
        place = out.put_sequence(place, Sequence.kTuple, size)
        for i in range(size):
            marshaller.path[depth].index = i
            write(out, place, <object>PyTuple_GET_ITEM(value, i), marshaller)
            place += kPlaceWords
    leave(marshaller)
    return 0


cdef int write_set(ValueWriter* out, size_t place, object value,
                   Marshaller* marshaller) except -1:
    cdef Py_ssize_t size = len(<object>value)
    cdef Py_ssize_t i = 0
    cdef bint is_frozen = PyFrozenSet_Check(value)
    enter(value, size, marshaller)
    marshaller.keys += 1
    place = out.put_sequence(place, Sequence.kFrozenSet if is_frozen else Sequence.kSet, size)
    for item in frozenset.__iter__(value) if is_frozen else set.__iter__(value):
        if i >= size:
            raise changed(value)
        write(out, place, item, marshaller)
        place += kPlaceWords
        i += 1
    marshaller.keys -= 1
    leave(marshaller)
    return 0


cdef int write_dict(ValueWriter* out, size_t place, object value,
                    Marshaller* marshaller) except -1:
    cdef Py_ssize_t size = PyDict_Size(value)
    cdef size_t depth = marshaller.path.size()
    cdef Py_ssize_t position = 0
    cdef Py_ssize_t i = 0
    cdef PyObject* raw_key = NULL
    cdef PyObject* raw_item = NULL
    enter(value, size, marshaller)
    place = out.put_dict(place, size)
    while PyDict_Next(value, &position, &raw_key, &raw_item):
        if i >= size or PyDict_Size(value) != size:
            raise changed(value)
        key = <object>raw_key
        item = <object>raw_item
        marshaller.path[depth].key = NULL
        marshaller.keys += 1
        write(out, place, key, marshaller)
        marshaller.keys -= 1
        marshaller.path[depth].key = raw_key
        write(out, place + kPlaceWords, item, marshaller)
        place += 2 * kPlaceWords
        i += 1
    if i != size:
        raise changed(value)
    leave(marshaller)
    return 0
