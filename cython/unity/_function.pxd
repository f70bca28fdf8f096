# SPDX-License-Identifier: Apache-2.0

from unity cimport cppipc
from unity._connection cimport Connection, Proxy
from unity._routine cimport Routine
from unity._runtime cimport PyObject

ctypedef object (*VectorCall)(object, PyObject**, size_t, PyObject*)


# A routine and where it is called: a bound method, a toolkit or a constructor of a session.
cdef class Function:
    cdef object __weakref__
    cdef VectorCall vectorcall
    cdef readonly Routine routine
    cdef Connection connection
    cdef Proxy target            # None but for methods
    cdef cppipc.CallOptions options_
    cdef object adapter          # see Method.adapted(); else None


# A method as it lies in a class.
cdef class Method:
    cdef VectorCall vectorcall
    cdef readonly Routine routine
    cdef object adapter          # see adapted(); else None


cdef Function new_function(Routine routine, Connection connection, Proxy target)
cdef Method new_method(Routine routine)

# A blocking call.
cdef object invoke(Routine routine, Connection connection, Proxy target,
                   const cppipc.CallOptions& options, PyObject** values, Py_ssize_t positional,
                   PyObject* keywords)
