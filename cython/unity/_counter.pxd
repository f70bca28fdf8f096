# SPDX-License-Identifier: Apache-2.0
# The C++ proxy of Counter, and the class of Python that wraps it.

from libc.stdint cimport int64_t
from libcpp.memory cimport shared_ptr

from unity.interface cimport Client, RemoteObject, TypedProxy, raise_as_python

cdef extern from "toolkits/counter_interface.h" namespace "cppipc::toolkits" nogil:
    cdef cppclass CounterInterface:
        int64_t increment(int64_t by) except +raise_as_python
        int64_t value() except +raise_as_python

ctypedef shared_ptr[CounterInterface] CounterPtr

cdef extern from "toolkits/counter_interface.h" namespace "cppipc" nogil:
    CounterPtr create_counter "cppipc::create<cppipc::toolkits::CounterInterface>" (
        const shared_ptr[Client]&, int64_t) except +raise_as_python
    CounterPtr counter_for "cppipc::proxy_for<cppipc::toolkits::CounterInterface>" (
        shared_ptr[RemoteObject]) except +raise_as_python
    shared_ptr[RemoteObject] remote_of_counter "cppipc::remote_of" (const CounterPtr&)


cdef class Counter(TypedProxy):
    cdef CounterInterface* counter  # of the C++ proxy that TypedProxy holds

    cdef int wrap(self, object origin, const CounterPtr& counter) except -1
