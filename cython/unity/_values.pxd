# SPDX-License-Identifier: Apache-2.0

from unity cimport cppipc
from unity._connection cimport Connection


# Variant -> Python value; `connection` (or None) makes the proxies, and `known`, the description of
# a server (or None), the members of enumerations.
cdef object from_variant(const cppipc.Variant& value, Connection connection, object known)
