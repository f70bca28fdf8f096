# SPDX-License-Identifier: Apache-2.0
"""One session with a server, and the proxies that stand for the server's objects."""

import os
import weakref

cimport cython
from libc.string cimport memcmp, memcpy
from libcpp.memory cimport shared_ptr

from unity cimport cppipc
from unity._runtime cimport PyObject, Runtime, runtime
from unity.type_slots cimport Maker, TypeObject, rename_type, seal

from unity import errors


cdef extern from "waiting.h" namespace "unity" nogil:
    void leak_client "unity::leak" (shared_ptr[cppipc.Client]&)
    void leak_process "unity::leak" (shared_ptr[ServerProcess]&)
    void leak_remote "unity::leak" (shared_ptr[cppipc.RemoteObject]&)

cdef extern from "Python.h":
    Py_ssize_t Py_REFCNT(PyObject*)


cdef Runtime* process_runtime = runtime()

# What brings a connection's description up to date: that module is above this one.
cdef object renew = None


def set_renew(function):
    global renew
    renew = function


# Every connection of this process that is not gone: what exit and fork have to look after.
live_connections = weakref.WeakSet()


cdef class Connection:
    """The connection under one `unity.Session`; lives while the session or a proxy does."""

    def __cinit__(self):
        self.generation = process_runtime.generation()
        self.classes = {}
        self.functions = weakref.WeakValueDictionary()
        self.tokens = {}

    def __dealloc__(self):
        if not self.client:
            return
        if self.is_of_parent():
            leak_client(self.client)
            leak_process(self.process)
            return
        with nogil:
            self.client.get().close()
            self.client.reset()
            self.process.reset()

    @property
    def description(self):
        """What the server offers now, a `Description`."""
        return self.described()

    cdef object described(self):
        if self.client.get().offer_version() != self.offer.get().version:
            # In a forked child a thread of the parent may have been about to write the offer.
            if not self.is_of_parent():
                renew(self)
        return self.description_

    @property
    def is_closed(self):
        return self.is_of_parent() or self.client.get().is_closed()

    @property
    def transport(self):
        return self.client.get().transport().decode()

    @property
    def tls_version(self):
        return self.client.get().tls_version().decode() or None

    @property
    def server_pid(self):
        return self.client.get().server_pid()

    def close(self, double patience_s):
        """End the session; a private server gets `patience_s` seconds to end by itself.

        Does nothing in a forked child. Twice is fine.
        """
        self.disconnect()
        if self.process and not self.is_of_parent():
            with nogil:
                self.process.get().finish(patience_s)

    def disconnect(self):
        """The first half of close(): a private server begins to end."""
        if not self.is_of_parent():
            with nogil:
                self.client.get().close()

    def abandon(self):
        """In a forked child: make every use an error, and leave the parent's session alone."""
        self.client.get().abandon()

    cdef bint is_of_parent(self) noexcept:
        return self.generation != process_runtime.generation()

    cdef int check(self) except -1:
        if self.is_of_parent():
            raise errors.ForkedSession(
                f"the session on {self.address} belongs to the parent process; "
                "open another one in the forked child")
        return 0

    cdef object proxy_of(self, const shared_ptr[cppipc.RemoteObject]& remote):
        # The proxy for a server object: the living one if there is one.
        cdef Proxy fresh
        living = living_proxy(remote.get())
        if living is not None:
            return living
        cls = self.class_of(remote.get()[0])
        fresh = proxy_maker.make(<TypeObject*>cls)
        # Making it may have run finalisers, and those may have made the same proxy.
        living = living_proxy(remote.get())
        if living is not None:
            return living
        fresh.connection = self
        fresh.remote = remote
        remote.get().counterpart = <void*>fresh
        return fresh

    cdef object class_of(self, const cppipc.RemoteObject& remote):
        name = remote.type_name().data()[:remote.type_name().size()].decode()
        return self.described().class_of(name, self)


# A server object's counterpart is its living proxy: a borrowed reference, which the proxy takes
# back when it dies. Guarded by the GIL.
cdef object living_proxy(cppipc.RemoteObject* remote):
    cdef PyObject* proxy = <PyObject*>remote.counterpart
    # While a proxy's weak references end it is still the counterpart, but it is dead.
    if proxy == NULL or Py_REFCNT(proxy) <= 0:
        return None
    return <object>proxy


cdef Connection new_connection(
        shared_ptr[cppipc.Client] client, shared_ptr[ServerProcess] process, object description,
        shared_ptr[const cppipc.Offer] offer):
    cdef Connection connection = Connection.__new__(Connection)
    connection.client = client
    connection.process = process
    connection.address = client.get().address().decode()
    connection.description_ = description
    connection.offer = offer
    connection.server_id = client.get().server_id().data()[:16]
    connection.key = os.urandom(8)
    live_connections.add(connection)
    return connection


# A proxy refers to its connection only, so it is never part of a cycle.
@cython.no_gc
cdef class Proxy:
    """A server object, as this process sees it.

    Equal proxies, with equal hashes, stand for the same object, and within a session an object
    has one proxy. When the last proxy is dropped the server may let the object go.
    """

    def __dealloc__(self):
        if not self.remote:
            return  # it lost the race to stand for its object
        # Another one may have taken the place of a proxy that was dying.
        if self.remote.get().counterpart == <void*>self:
            self.remote.get().counterpart = NULL
        if self.connection.is_of_parent():
            leak_remote(self.remote)

    def __eq__(self, other):
        if not isinstance(other, Proxy):
            return NotImplemented
        if self is other:
            return True
        if not self.remote or not (<Proxy>other).remote:
            return NotImplemented
        return memcmp(object_id(self), object_id(<Proxy>other), 16) == 0

    def __hash__(self):
        cdef Py_hash_t value
        memcpy(&value, object_id(self), sizeof(value))
        return value

    def __repr__(self):
        state = "closed" if self.connection.is_closed else "live"
        label = label_of(type(self), short_id(self))
        return f"<{label} on {self.connection.address}, {state}>"

    def __reduce__(self):
        from unity._pickles import reduce_proxy

        return reduce_proxy(self)

    def __copy__(self):
        return self  # the object is the server's; a copy of what stands for it is as good

    def __deepcopy__(self, memo):
        return self


cdef unsigned char[16] no_id


cdef const unsigned char* object_id(Proxy proxy) noexcept:
    if not proxy.remote:
        return no_id
    return proxy.remote.get().object_id().data()


cdef Proxy pending_proxy(object cls, dict reference):
    cdef Proxy proxy = proxy_maker.make(<TypeObject*>cls)
    proxy.reference = reference
    return proxy


cdef int settle(Proxy proxy) except -1:
    if not proxy.remote:
        from unity._pickles import found

        found(proxy)
    return 0


cdef ShortId short_id(Proxy proxy) noexcept:
    cdef ShortId result
    memcpy(result.bytes, object_id(proxy), sizeof(result.bytes))
    return result


cdef str label_of(object cls, ShortId short_id):
    return f"{cls.__name__} {short_id.bytes[:4].hex()}"


cdef Maker proxy_maker = seal(<TypeObject*>Proxy)
seal(<TypeObject*>Connection)
rename_type(<TypeObject*>Proxy, "unity.Proxy")
