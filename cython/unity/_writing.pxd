# SPDX-License-Identifier: Apache-2.0

from unity cimport cppipc
from unity._connection cimport Connection
from unity._marshaller cimport Marshaller


# Python value -> the bytes of a message, at `place`. Errors: unity.WrongType, Overflow,
# InvalidArgument or TooLarge, naming the place in the value.
cdef int write(cppipc.ValueWriter* out, size_t place, object value,
               Marshaller* marshaller) except -1

# Puts a callable of this process, which the server may call through that connection.
cdef int put_function(cppipc.Variant* out, object function, Connection connection) except -1
