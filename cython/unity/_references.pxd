# SPDX-License-Identifier: Apache-2.0

from unity cimport cppipc
from unity._connection cimport Connection, Proxy

# The same object as a proxy of another session of its server. Waits for two replies, one in
# either session, within the time of `options`. Errors: InvalidArgument if it is of another server;
# ConnectionLost, CallTimeout, QuotaExceeded.
cdef Proxy in_session(Proxy proxy, Connection connection, const cppipc.CallOptions& options)
