# SPDX-License-Identifier: Apache-2.0

from unity cimport cppipc
from unity._marshaller cimport Marshaller


# Puts a NumPy array or scalar; returns 0 if `value` is neither. To be asked before the
# built-in types, from which some NumPy scalars derive.
cdef int put_numpy(cppipc.Variant* out, object value, const Marshaller* marshaller) except -1

# Puts any other exporter of the buffer protocol; returns 0 if `value` is none.
cdef int put_buffer(cppipc.Variant* out, object value, const Marshaller* marshaller) except -1

# What the array was on the way in: ndarray, NumPy scalar, array.array, bytearray or Buffer.
cdef object from_array(const cppipc.AnyArray& array)

# An ndarray's elements where they lie; it lives as long as the result.
cdef cppipc.AnyArray borrowed(object array)
