# SPDX-License-Identifier: Apache-2.0
"""The state of the seam that all its modules share."""

from unity import errors


cdef extern from "raise_as_python.h" namespace "unity":
    bint set_from_fault(object) except 0


cdef Runtime* process_runtime = new Runtime()
set_from_fault(errors.from_fault)


cdef Runtime* runtime() noexcept nogil:
    return process_runtime


def generation():
    """How often this process has been made by fork() since the import: differs in a child."""
    return process_runtime.generation()


def begin_exit():
    """From now on daemon threads that come back from a wait never take the GIL again."""
    process_runtime.begin_exit()
