# SPDX-License-Identifier: Apache-2.0

from unity cimport cppipc


cdef class Buffer:
    cdef cppipc.AnyArray array
    cdef bytes format_  # of the buffer protocol; None until asked for
    cdef Py_ssize_t exports  # views that were given out and not taken back
    cdef bint is_released
    cdef bint is_held  # by somebody who does not say when the memory is used no more
    cdef object __weakref__

    cdef int check_open(self) except -1
    cdef int check_order(self, int flags) except -1
    cdef bytes buffer_format(self)
    cdef bytes element(self, tuple indices)
    cdef bint is_plain(self) except -1


# A writable buffer that shares the memory where it can.
cdef Buffer buffer_of(const cppipc.AnyArray& array)

# One that shares the memory in any case, and is as writable as that.
cdef Buffer view_of(const cppipc.AnyArray& array)
