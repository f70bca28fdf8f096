# SPDX-License-Identifier: Apache-2.0

from unity cimport cppipc


# The description of a client's server; one object for equal descriptions.
cdef object description_of(const cppipc.Client& client)
