# SPDX-License-Identifier: Apache-2.0
"""How the server's calls of Python callables are carried out."""

from libcpp.string cimport string
from libcpp.vector cimport vector

from unity cimport cppipc
from unity._connection cimport Connection
from unity._marshaller cimport Marshaller
from unity._runtime cimport PyObject, Runtime, runtime
from unity._values cimport from_variant
from unity._writing cimport write

from unity import errors
from unity._call import start_callback_thread


cdef extern from "cppipc/function.h" namespace "cppipc" nogil:
    cdef cppclass Arguments:
        vector[cppipc.Variant] values
        vector[string] names

cdef extern from "python_function.h" namespace "unity" nogil:
    cdef cppclass Failure:
        void set(Runtime&, int, string, string, string, PyObject*) except +


cdef Runtime* process_runtime = runtime()


cdef void run_function(PyObject* function, PyObject* connection, const Arguments& arguments,
                       cppipc.ValueWriter* out, const cppipc.MarshalLimits& limits,
                       Failure* failure) noexcept with gil:
    # On the thread that waits for the call in which the server calls, or the callback thread.
    try:
        answer(<object>function, (<object>connection)(), arguments, out, limits)
    except BaseException as error:  # noqa: B902, the caller gets it
        keep(failure, error)


cdef int answer(object function, object living, const Arguments& arguments,
                cppipc.ValueWriter* out, const cppipc.MarshalLimits& limits) except -1:
    cdef Connection connection
    cdef Marshaller marshaller
    cdef size_t i
    cdef size_t positional = arguments.values.size() - arguments.names.size()
    if living is None:
        raise errors.ConnectionLost("session closed: nothing refers to it any more")
    connection = living
    args = []
    kwargs = {}
    for i in range(arguments.values.size()):
        value = from_variant(arguments.values[i], connection, connection.described())
        if i < positional:
            args.append(value)
        else:
            kwargs[arguments.names[i - positional].decode()] = value
    result = function(*args, **kwargs)
    marshaller.connection = <PyObject*>connection
    marshaller.is_copying = True
    marshaller.words_max = limits.message_bytes // 8
    label = "result"
    marshaller.label = <PyObject*>label
    place = out.begin_value(limits)
    write(out, place, result, &marshaller)
    out.finish()
    return 0


cdef int keep(Failure* failure, object error) noexcept:
    # What C++ gets to know of the exception.
    cls = type(error)
    try:
        text = str(error)
    except Exception:
        text = "(its text cannot be shown)"
    name = cls.__qualname__ if cls.__module__ in ("builtins", "unity.errors") else \
        f"{cls.__module__}.{cls.__qualname__}"
    failure.set(process_runtime[0], errors.kind_of(error), encoded(text), encoded(name),
                encoded(errors.registered_name_of(error)), <PyObject*>error)
    return 0


cdef string encoded(str text):
    return text.encode("utf-8", "backslashreplace")


def prepare():
    """Before the first callable of this process is sent: what calls it, and its thread."""
    process_runtime.set_run_function(<void*>run_function)
    start_callback_thread()
