# SPDX-License-Identifier: Apache-2.0

from libcpp.string cimport string

from unity cimport cppipc
from unity._connection cimport Connection
from unity._runtime cimport PyObject


cdef extern from "waiting.h" namespace "unity" nogil:
    cdef enum class Target(int):
        kMethod
        kCreate
        kRun
        kStats
        kPing


# One thing of a server's description that can be called. Shared by all sessions with servers
# of that description.
cdef class Routine:
    cdef Target target
    cdef string wire_name        # as the server knows it
    cdef readonly str name       # without the dots or class before it
    cdef readonly str qualname
    cdef readonly str doc
    cdef readonly str result     # the result's type as Python spells it, or ""
    # (name, type, default) each; the default is a tuple, of one item or of none.
    cdef readonly tuple parameters
    cdef tuple names             # of the parameters, interned
    cdef Py_ssize_t required     # how many parameters, from the left, have no default
    cdef readonly bint is_toolkit
    cdef bint is_variadic        # takes any further keywords
    cdef readonly bint takes_rest  # and any further values without a name
    cdef readonly bint is_named  # the server knows it as a function of that name
    # All that the name stands for, itself first, if that is more than one; else ().
    cdef readonly tuple overloads
    cdef object signature_       # inspect.Signature, once asked for

    # Checks the arguments and writes them as a message has them; no I/O. `keywords` are the names
    # of the last of `values`, or NULL. Errors: WrongType and those of write().
    cdef int marshal(self, cppipc.ValueWriter* out, PyObject** values, Py_ssize_t positional,
                     PyObject* keywords, Connection connection,
                     const cppipc.CallOptions& options, bint is_copying) except -1


# The routine for a function, or for a method or constructor of the type `owner`.
# `known` knows the enumerations that defaults may have members of.
cdef Routine routine_of(const cppipc.FunctionDescription& function, Target target, str owner,
                        object known)

# The two routines of a property.
cdef Routine getter_of(const cppipc.PropertyDescription& property_, str owner)
cdef Routine setter_of(const cppipc.PropertyDescription& property_, str owner)
