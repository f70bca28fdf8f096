# SPDX-License-Identifier: Apache-2.0

from libcpp.memory cimport shared_ptr

from unity cimport cppipc
from unity._connection cimport Connection


# The Python value of a result; `connection` (or None) makes the proxies.
cdef object value_of(const shared_ptr[cppipc.Result]& result, Connection connection)
