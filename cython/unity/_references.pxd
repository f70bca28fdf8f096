# SPDX-License-Identifier: Apache-2.0

from unity cimport cppipc
from unity._connection cimport Connection, Proxy
from unity._marshaller cimport Marshaller
from unity.cppipc cimport Variant

# The same object as a proxy of another session of its server. Waits for two replies, one in
# either session, within the time of `options`. Errors: InvalidArgument if it is of another server;
# ConnectionLost, CallTimeout, QuotaExceeded.
cdef Proxy in_session(Proxy proxy, Connection connection, const cppipc.CallOptions& options)

# Writes a proxy as an argument, after a look at its session. Errors: as in_session; WrongType where
# objects cannot be; ForkedSession.
cdef int put_proxy(Variant* out, Proxy proxy, Marshaller* marshaller) except -1
# The same of what stands for an object by way of a proxy that it has; False if it does not.
cdef bint put_stand_in(Variant* out, object value, Marshaller* marshaller) except -1
