# SPDX-License-Identifier: Apache-2.0

from libc.stdint cimport int64_t, uint8_t
from libcpp.memory cimport shared_ptr

from unity cimport cppipc


# The elements of a vector, which share its memory and keep it.
cdef cppipc.AnyArray elements_of(object vector)

# A vector over `count` elements at `data`, which `owner` keeps.
cdef object vector_over(str text, const void* data, int64_t count, shared_ptr[const void] owner,
                        bint is_readonly)

# A new vector, whose elements may be anything.
cpdef object empty(str text, int64_t count)

# The first element of one that was made by empty().
cdef void* start_of(object vector) except? NULL

# The bytes of a vector of bools; NULL for None.
cdef const uint8_t* marks_of(valid) except? NULL
