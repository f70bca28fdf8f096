# SPDX-License-Identifier: Apache-2.0

from libc.stdint cimport uint32_t
from libcpp.memory cimport shared_ptr

from unity cimport cppipc
from unity._connection cimport Connection, Proxy, ShortId
from unity._routine cimport Routine


cdef extern from "done_queue.h" namespace "unity" nogil:
    cdef cppclass Deadline "std::optional<unity::DoneQueue::Clock::time_point>":
        pass


cdef class CallState:
    cdef shared_ptr[cppipc.Call] call
    cdef Connection connection
    cdef Routine routine
    # Of the object whose method it is: its class and id, for errors. None: it is no method.
    cdef object target_class
    cdef ShortId target_id
    cdef uint32_t generation
    cdef Deadline deadline
    cdef bint has_outcome     # result_ or error_ is set
    cdef bint was_cancelled
    cdef bint is_watched      # the queue gets this call when it is done
    cdef bint has_told        # the waiters have been told; callbacks run at once
    cdef object result_
    cdef object error_
    cdef list callbacks
    cdef object condition_    # made when somebody waits for several futures at once
    cdef list waiters_


# The future of a call that was sent. `target` is None but for methods.
cdef CallState new_call(cppipc.CallPtr call, Connection connection, Routine routine, Proxy target,
                        const cppipc.CallOptions& options)
