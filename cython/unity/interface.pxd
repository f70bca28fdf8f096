# SPDX-License-Identifier: Apache-2.0
# For Cython modules that wrap the C++ proxy of an interface: see docs/interfaces.md. This file is
# installed with the package and needs nothing but the headers of cppipc.

from libc.stdint cimport int64_t, uint32_t
from libcpp.memory cimport shared_ptr


cdef extern from "cppipc/proxy.h" namespace "cppipc" nogil:
    cdef cppclass Client:
        pass

    cdef cppclass RemoteObject:
        pass


# For `except +raise_as_python`: a C++ exception becomes what all calls of unity raise for it.
cdef void raise_as_python() noexcept

# The client under a unity.Session. Errors: WrongType if it is none; ForkedSession.
cdef shared_ptr[Client] client_of(object session) except *

# What a proxy of Python stands for, for cppipc::proxy_for(). Errors: WrongType if it is none;
# ForkedSession; for an unpickled one those of reaching its object.
cdef shared_ptr[RemoteObject] remote_of(object proxy) except *

# An int as C++ takes it; `place` is what errors say it is for. Errors: WrongType, Overflow.
cdef int64_t to_int64(object value, str place) except? -1

# Completes the unity.Error of a call that is about to be raised with what was called: "increment"
# of `target`, or, if that is None, the constructor of the type that is named.
cdef int failed(object error, str name, TypedProxy target, object session) except -1


# The base of such classes. Each instance holds one C++ proxy, from its creation on.
cdef class TypedProxy:
    cdef object proxy              # the unity.Proxy of the same object; None until hold()
    cdef shared_ptr[void] held
    cdef uint32_t generation       # of the process it was made in

    # Takes the C++ proxy, once. The first argument is where it is from: a unity.Session, or
    # anything that hold() was given before. Errors: TypeError the second time.
    cdef int hold(self, object session, const shared_ptr[RemoteObject]& remote,
                  const shared_ptr[void]& held) except -1
    # To be called first by every method. Errors: TypeError before hold(); ForkedSession.
    cdef int check(self) except -1
