# SPDX-License-Identifier: Apache-2.0

from unity._routine cimport Routine


# A static method as it lies in a class.
cdef class StaticMethod:
    cdef readonly Routine routine


cdef StaticMethod new_static_method(Routine routine)
