# SPDX-License-Identifier: Apache-2.0
"""References to a server's objects: as arguments, in other sessions, in pickles.

The server gives an object a token, and whoever has that gets a reference to it. No code and no
credentials are in one.
"""

import time

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libcpp.memory cimport shared_ptr
from libcpp.string cimport string

from unity cimport cppipc
from unity cimport variant_access as access
from unity._connection cimport (
    Connection, Proxy, living_proxy, object_id, pending_proxy, settle)
from unity._marshaller cimport Marshaller, refusal
from unity._reading cimport value_of
from unity._runtime cimport Runtime, runtime
from unity.cppipc cimport Variant, raise_as_python

from unity import errors

cdef extern from "waiting.h" namespace "unity" nogil:
    void save_and_wait(
        const Runtime&, cppipc.Client&, const shared_ptr[cppipc.RemoteObject]&, const string&,
        const cppipc.CallOptions&, shared_ptr[cppipc.Result]*) except +raise_as_python
    void save_once_and_wait(
        const Runtime&, cppipc.Client&, const shared_ptr[cppipc.RemoteObject]&,
        const cppipc.CallOptions&, shared_ptr[cppipc.Result]*) except +raise_as_python
    void restore_and_wait(
        const Runtime&, cppipc.Client&, const char*, size_t, const cppipc.CallOptions&,
        shared_ptr[cppipc.Result]*) except +raise_as_python


cdef Runtime* process_runtime = runtime()


# So many tokens a connection remembers; the server has limits of its own.
cdef Py_ssize_t kTokensMax = 10_000


cdef bytes token_of(Proxy proxy):
    # The token of the object in that session: the same one as long as it is good.
    cdef cppipc.CallOptions options
    cdef shared_ptr[cppipc.Result] result
    cdef Connection connection = proxy.connection
    cdef dict tokens = connection.tokens
    cdef string earlier
    connection.check()
    name = object_id(proxy)[:16]
    known = tokens.get(name)
    if known is not None:
        earlier = known
    with nogil:
        save_and_wait(process_runtime[0], connection.client.get()[0], proxy.remote, earlier,
                      options, &result)
    token = value_of(result, connection)
    if token != known:
        if len(tokens) >= kTokensMax:
            tokens.pop(next(iter(tokens)), None)
        tokens[name] = token
    return token


cdef bytes passing_token_of(Proxy proxy, const cppipc.CallOptions& options):
    # One that is good once.
    cdef shared_ptr[cppipc.Result] result
    cdef Connection connection = proxy.connection
    connection.check()
    with nogil:
        save_once_and_wait(process_runtime[0], connection.client.get()[0], proxy.remote, options,
                           &result)
    return value_of(result, connection)


cdef shared_ptr[cppipc.RemoteObject] restored(
        Connection connection, bytes token, const cppipc.CallOptions& options) except *:
    # The object of a token, in that session.
    cdef shared_ptr[cppipc.Result] result
    cdef shared_ptr[cppipc.RemoteObject] remote
    cdef const char* data = PyBytes_AS_STRING(token)
    cdef size_t size = PyBytes_GET_SIZE(token)
    connection.check()
    with nogil:
        restore_and_wait(process_runtime[0], connection.client.get()[0], data, size, options,
                         &result)
    remote = access.get_object(result.get().variant())
    if not remote:
        raise errors.RemoteError("what came for a token is no object of this session")
    return remote


cdef Proxy in_session(Proxy proxy, Connection connection, const cppipc.CallOptions& options):
    cdef cppipc.CallOptions rest = options
    cdef double started = time.monotonic()
    cdef double left
    if not proxy.remote:
        settle(proxy)
        if proxy.connection is connection:
            return proxy
    if proxy.connection.server_id != connection.server_id:
        raise errors.InvalidArgument(
            f"cannot send {proxy!r}, an object of another server, to {connection.address}")
    if proxy.connection.is_closed and not connection.is_closed:
        raise errors.InvalidArgument(f"cannot send {proxy!r}: its session is closed")
    token = passing_token_of(proxy, options)
    if rest.timeout_s.has_value():
        left = rest.timeout_s.value() - (time.monotonic() - started)
        rest.timeout_s = left if left > 0 else <double>0
    return connection.proxy_of(restored(connection, token, rest))


cdef int put_proxy(Variant* out, Proxy proxy, Marshaller* marshaller) except -1:
    if marshaller.connection == NULL:
        raise refusal(errors.WrongType, f"cannot send {proxy!r} here", marshaller)
    connection = <Connection>marshaller.connection
    if proxy.remote:
        proxy.connection.check()
    if proxy.connection is not connection:
        try:
            proxy = in_session(proxy, connection, marshaller.options)
        except errors.InvalidArgument as error:
            raise refusal(errors.InvalidArgument, str(error), marshaller) from None
    access.put_object(out, proxy.remote)
    return 0


cdef bint put_stand_in(Variant* out, object value, Marshaller* marshaller) except -1:
    # What stands for a server object by way of a proxy that it has, such as a unity.Counter.
    if not hasattr(type(value), "__unity_proxy__"):
        return False
    put_proxy(out, <Proxy?>value.__unity_proxy__, marshaller)
    return True


def reduced(Proxy proxy):
    """What stands for a proxy in a pickle: a dict of str and bool.

    The server keeps the object for it, for as long as it is set to (`--object-token-s`).
    Raises: ConnectionLost, ForkedSession, QuotaExceeded.
    """
    cdef Connection connection = proxy.connection
    return {
        "type": type(proxy).__name__,
        "address": connection.address,
        "tls": bool(connection.tls_version),
        "server": connection.server_id.hex(),
        "session": connection.key.hex(),
        "object": object_id_of(proxy).hex(),
        "token": token_of(proxy).hex(),
    }


def object_id_of(Proxy proxy):
    """16 bytes that are equal for proxies of one object."""
    if not proxy.remote:
        return bytes.fromhex(reference_of(proxy)["object"])
    return object_id(proxy)[:16]


def pending(cls, dict reference):
    """An instance of `cls`, a proxy that has no object yet, but knows what it refers to."""
    return pending_proxy(cls, reference)


def reference_of(Proxy proxy):
    """What a pending proxy was made of; None once it has its object."""
    return None if proxy.remote else proxy.reference


def connection_of(Proxy proxy):
    """None for a pending proxy."""
    return proxy.connection


def complete(Proxy proxy, Connection connection, bytes token):
    """Give a pending proxy the object of a token, and its class, in that session.

    Raises: StaleReference, NotPermitted, ConnectionLost.
    """
    cdef cppipc.CallOptions options
    cdef shared_ptr[cppipc.RemoteObject] remote = restored(connection, token, options)
    cls = connection.class_of(remote.get()[0])
    # From here on no other thread runs.
    if proxy.remote:
        return
    class_slot.__set__(proxy, cls)
    proxy.connection = connection
    proxy.remote = remote
    proxy.reference = None
    if living_proxy(remote.get()) is None:
        remote.get().counterpart = <void*>proxy


# The class of a pending proxy says of itself what it will be, and cannot be set.
cdef object class_slot = object.__dict__["__class__"]
