# SPDX-License-Identifier: Apache-2.0

from unity._routine cimport Routine


# A property as it lies in a class.
cdef class Property:
    cdef readonly Routine getter
    cdef readonly Routine setter  # None: read-only


cdef Property new_property(Routine getter, Routine setter)
