# SPDX-License-Identifier: Apache-2.0

from libc.stdint cimport uint32_t
from libcpp cimport bool as cbool
from libcpp.memory cimport shared_ptr


cdef extern from "Python.h":
    ctypedef struct PyObject


cdef extern from "runtime.h" namespace "unity" nogil:
    cdef cppclass Runtime:
        uint32_t generation()
        void begin_exit()
        cbool is_exiting()
        void park_if_exiting()
        shared_ptr[const void] keep(PyObject* object_) except +
        void set_run_function(void* run)
        cbool can_call()
        cbool has_dropped()
        void release_dropped()


# The one of this process; never null, never destroyed.
cdef Runtime* runtime() noexcept nogil
