# SPDX-License-Identifier: Apache-2.0

from libcpp.memory cimport shared_ptr

from unity cimport cppipc


# The description of what a server offers; one object for equal descriptions.
cdef object description_of(const shared_ptr[const cppipc.Offer]& offer)
