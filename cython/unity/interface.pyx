# SPDX-License-Identifier: Apache-2.0
"""What Cython modules need to wrap C++ proxies of interfaces; see docs/interfaces.md.

`unity.Counter` is made with it, and so can be classes of modules that others build.
"""

from libc.stdint cimport int64_t
from libcpp.memory cimport shared_ptr

from unity cimport cppipc
from unity._connection cimport Connection, Proxy, label_of, short_id
from unity._runtime cimport Runtime, runtime
from unity.type_slots cimport TypeObject, rename_type

from unity import errors
from unity._session import Session


cdef extern from "Python.h":
    long long PyLong_AsLongLongAndOverflow(object, int*) except? -1
    object PyNumber_Index(object)

cdef extern from "raise_as_python.h":
    void set_python_exception "raise_as_python" ()

cdef extern from "waiting.h" namespace "unity" nogil:
    void leak "unity::leak" (shared_ptr[void]&)

cdef extern from *:
    """
    // To Cython the classes of interface.pxd are others than those of cppipc.pxd.
    static inline std::shared_ptr<cppipc::Client> unity_same(
        const std::shared_ptr<cppipc::Client>& client) { return client; }
    static inline std::shared_ptr<cppipc::RemoteObject> unity_same(
        const std::shared_ptr<cppipc::RemoteObject>& remote) { return remote; }
    """
    shared_ptr[Client] same_client "unity_same" (const shared_ptr[cppipc.Client]&)
    shared_ptr[RemoteObject] same_remote "unity_same" (const shared_ptr[cppipc.RemoteObject]&)
    shared_ptr[cppipc.RemoteObject] seam_remote "unity_same" (const shared_ptr[RemoteObject]&)


cdef Runtime* process_runtime = runtime()


cdef void raise_as_python() noexcept:
    set_python_exception()


cdef Connection connection_of(object session):
    if not isinstance(session, Session):
        raise errors.WrongType(
            f"expected a unity.Session, got {type(session).__qualname__}; unity.launch() and "
            "unity.connect() make one")
    cdef Connection connection = session._connection
    connection.check()
    return connection


cdef shared_ptr[Client] client_of(object session) except *:
    return same_client(connection_of(session).client)


cdef Proxy reached(object value):
    # The proxy that a value is or has; one that was unpickled is looked for now.
    if isinstance(value, TypedProxy):
        (<TypedProxy>value).check()
        value = (<TypedProxy>value).proxy
    if not isinstance(value, Proxy):
        raise errors.WrongType(f"expected a unity.Proxy, got {type(value).__qualname__}")
    cdef Proxy proxy = value
    if not proxy.remote:
        from unity._pickles import found

        proxy = <Proxy?>found(proxy)
    proxy.connection.check()
    return proxy


cdef shared_ptr[RemoteObject] remote_of(object proxy) except *:
    return same_remote(reached(proxy).remote)


cdef int64_t to_int64(object value, str place) except? -1:
    cdef int overflow = 0
    cdef long long number
    try:
        number = PyLong_AsLongLongAndOverflow(PyNumber_Index(value), &overflow)
    except TypeError:
        raise errors.WrongType(
            f"{place}: expected int, got {type(value).__qualname__}") from None
    if overflow:
        raise errors.Overflow(f"{place}: cannot send an int beyond 64 bits")
    return number


cdef int failed(object error, str name, TypedProxy target, object session) except -1:
    cdef Proxy proxy
    if target is None:
        errors.in_call(error, name, "", True, connection_of(session).description)
        return 0
    proxy = target.proxy
    errors.in_call(error, f"{type(proxy).__qualname__}.{name}",
                   label_of(type(proxy), short_id(proxy)), True, proxy.connection.description)
    return 0


cdef class TypedProxy:
    """The base of Cython classes that wrap the C++ proxy of an interface.

    An instance stands for one object of a server, and is equal to the `unity.Proxy` of that
    object; it may be given to calls wherever that may.
    """

    def __cinit__(self):
        self.generation = process_runtime.generation()

    def __dealloc__(self):
        if self.generation != process_runtime.generation():
            leak(self.held)

    cdef int hold(self, object session, const shared_ptr[RemoteObject]& remote,
                  const shared_ptr[void]& held) except -1:
        if self.proxy is not None:
            raise TypeError(f"this {type(self).__name__} is made already")
        cdef Connection connection
        if isinstance(session, Session):
            connection = connection_of(session)
        else:
            connection = reached(session).connection
        self.proxy = connection.proxy_of(seam_remote(remote))
        self.held = held
        return 0

    cdef int check(self) except -1:
        if self.proxy is None:
            raise TypeError(f"this {type(self).__name__} was never made: call the class")
        (<Proxy>self.proxy).connection.check()
        return 0

    @property
    def __unity_proxy__(self):
        """The `unity.Proxy` of the object, of a class of its session."""
        if self.proxy is None:
            self.check()
        return self.proxy

    def __eq__(self, other):
        if isinstance(other, TypedProxy):
            other = (<TypedProxy>other).proxy
        if not isinstance(other, Proxy):
            return NotImplemented
        return self.__unity_proxy__ == other

    def __hash__(self):
        return hash(self.__unity_proxy__)

    def __repr__(self):
        cls = type(self)
        if self.proxy is None:
            return f"<{cls.__module__}.{cls.__qualname__}, never made>"
        cdef Proxy proxy = self.proxy
        state = "closed" if proxy.connection.is_closed else "live"
        label = label_of(cls, short_id(proxy))
        return f"<{cls.__module__}.{label} on {proxy.connection.address}, {state}>"

    def __reduce__(self):
        raise TypeError(
            f"a {type(self).__module__}.{type(self).__name__} cannot be pickled; pickle its "
            "__unity_proxy__, which can be")

    def __copy__(self):
        return self

    def __deepcopy__(self, memo):
        return self


rename_type(<TypeObject*>TypedProxy, "unity.interface.TypedProxy")
