# SPDX-License-Identifier: Apache-2.0

from libc.stdint cimport uint32_t
from libcpp cimport bool as cbool
from libcpp.memory cimport shared_ptr
from libcpp.string cimport string

from unity cimport cppipc
from unity.cppipc cimport raise_as_python


cdef extern from "server_process.h" namespace "unity" nogil:
    cdef cppclass Ending "unity::ServerProcess::Ending":
        int signal
        string text

    cdef cppclass ServerProcess:
        int pid()
        cbool has_ended(double timeout_s) except +raise_as_python
        void finish(double patience_s) except +raise_as_python
        Ending ending() except +raise_as_python
        string last_lines() except +raise_as_python


cdef class Connection:
    cdef object __weakref__
    cdef shared_ptr[cppipc.Client] client
    cdef shared_ptr[ServerProcess] process  # of a private server, else null
    cdef uint32_t generation
    cdef object description_          # a _description.Description
    cdef shared_ptr[const cppipc.Offer] offer  # what that was made of
    cdef readonly str address
    cdef readonly bytes server_id     # random, of the server process
    cdef readonly bytes key           # random, of this session; tells sessions apart in pickles
    cdef readonly dict classes        # name of a type -> its class, of this session
    cdef readonly object functions    # wire name -> the function that is in use; weak
    cdef readonly dict tokens         # id of an object -> its token, of those that were pickled

    # The Description; another one once the server has told of a change. Cheap while there is none.
    cdef object described(self)
    cdef bint is_of_parent(self) noexcept
    cdef int check(self) except -1
    cdef object proxy_of(self, const shared_ptr[cppipc.RemoteObject]& remote)
    cdef object class_of(self, const cppipc.RemoteObject& remote)


# A connection over an open client; `process` is null but for private servers. `description` was
# made of `offer`.
cdef Connection new_connection(
    shared_ptr[cppipc.Client] client, shared_ptr[ServerProcess] process, object description,
    shared_ptr[const cppipc.Offer] offer)


cdef class Proxy:
    cdef object __weakref__
    # A pending one has neither yet, but what it refers to (_pickles.py); see settle().
    cdef Connection connection
    cdef shared_ptr[cppipc.RemoteObject] remote
    cdef dict reference

cdef Proxy pending_proxy(object cls, dict reference)
# Sees to it that a proxy has its connection and its object: to be called before either is used.
# It may connect. Errors: what is in the way, as _pickles.found().
cdef int settle(Proxy proxy) except -1
# The proxy that a server object has; None if there is none. Borrows nothing.
cdef object living_proxy(cppipc.RemoteObject* remote)
cdef const unsigned char* object_id(Proxy proxy) noexcept


# The first bytes of an object's id, enough for people to tell objects apart.
cdef struct ShortId:
    unsigned char[4] bytes

cdef ShortId short_id(Proxy proxy) noexcept
# How errors and proxies call an object: "Counter 3f2a91c0".
cdef str label_of(object cls, ShortId short_id)
