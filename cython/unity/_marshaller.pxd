# SPDX-License-Identifier: Apache-2.0

from libc.stdint cimport uint64_t
from libcpp cimport bool as cbool
from libcpp.vector cimport vector

from unity cimport cppipc
from unity._runtime cimport PyObject


cdef extern from "marshaller.h" namespace "unity" nogil:
    cdef cppclass Level:
        PyObject* container
        PyObject* key
        Py_ssize_t index

    cdef cppclass Marshaller:
        vector[Level] path
        uint64_t words
        uint64_t words_max
        PyObject* label
        PyObject* connection
        size_t keys
        cbool is_copying
        cppipc.SharedPool* pool
        cppipc.CallOptions options
        Level* enter(PyObject* container) except +

    size_t kDepthMax
    uint64_t kContainerWords
    size_t kShareBytes


# The exception of class `cls` that says `text` and where in the arguments that is.
cdef object refusal(object cls, str text, const Marshaller* marshaller)
