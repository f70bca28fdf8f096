# SPDX-License-Identifier: Apache-2.0

from unity cimport cppipc
from unity._marshaller cimport Marshaller


# Puts a datetime, date, time, timedelta, Decimal or UUID; returns 0 if `value` is none of them.
cdef int put_scalar(cppipc.Variant* out, object value, const Marshaller* marshaller) except -1

# The same for a datetime, date, time or timedelta that is of no subclass.
cdef int put_moment(cppipc.Variant* out, object value, const Marshaller* marshaller) except -1

# Puts a member of an enumeration of the server; returns 0 if `value` is no Enum's.
cdef int put_enum(cppipc.Variant* out, object value, const Marshaller* marshaller) except -1

# The Python value of a variant of those kinds.
cdef object scalar_of(const cppipc.Variant& value)
