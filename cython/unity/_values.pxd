# SPDX-License-Identifier: Apache-2.0

from unity cimport cppipc
from unity._connection cimport Connection
from unity._marshaller cimport Marshaller


# Python value -> variant. Errors: unity.WrongType, Overflow, InvalidArgument or TooLarge, naming
# the place in the value.
cdef int to_variant(cppipc.Variant* out, object value, Marshaller* marshaller) except -1

# Variant -> Python value; `connection` (or None) makes the proxies.
cdef object from_variant(const cppipc.Variant& value, Connection connection)
