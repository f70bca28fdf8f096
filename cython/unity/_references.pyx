# SPDX-License-Identifier: Apache-2.0
"""References to a server's objects outside of their sessions: in other sessions, in pickles.

The server gives an object a token, and whoever has that gets a reference to it. No code and no
credentials are in one.
"""

import time

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libcpp.memory cimport shared_ptr

from unity cimport cppipc
from unity._connection cimport Connection, Proxy, object_id, unreachable_proxy
from unity._reading cimport value_of
from unity._runtime cimport Runtime, runtime
from unity.cppipc cimport raise_as_python

from unity import errors

cdef extern from "waiting.h" namespace "unity" nogil:
    void save_and_wait(
        const Runtime&, cppipc.Client&, const shared_ptr[cppipc.RemoteObject]&, bint,
        const cppipc.CallOptions&, shared_ptr[cppipc.Result]*) except +raise_as_python
    void restore_and_wait(
        const Runtime&, cppipc.Client&, const char*, size_t, const cppipc.CallOptions&,
        shared_ptr[cppipc.Result]*) except +raise_as_python


cdef Runtime* process_runtime = runtime()


cdef bytes token_of(Proxy proxy, bint is_once, const cppipc.CallOptions& options):
    # Whoever has the token gets the object; once only if `is_once`.
    cdef shared_ptr[cppipc.Result] result
    cdef Connection connection = proxy.connection
    connection.check()
    with nogil:
        save_and_wait(process_runtime[0], connection.client.get()[0], proxy.remote, is_once,
                      options, &result)
    return value_of(result, connection)


cdef object restored(Connection connection, bytes token, const cppipc.CallOptions& options):
    # The proxy, in that session, of the object of a token.
    cdef shared_ptr[cppipc.Result] result
    cdef const char* data = PyBytes_AS_STRING(token)
    cdef size_t size = PyBytes_GET_SIZE(token)
    connection.check()
    with nogil:
        restore_and_wait(process_runtime[0], connection.client.get()[0], data, size, options,
                         &result)
    return value_of(result, connection)


cdef Proxy in_session(Proxy proxy, Connection connection, const cppipc.CallOptions& options):
    cdef cppipc.CallOptions rest = options
    cdef double started = time.monotonic()
    cdef double left
    if not proxy.remote:
        from unity._pickles import found

        proxy = <Proxy?>found(proxy)
        if proxy.connection is connection:
            return proxy
    if proxy.connection.server_id != connection.server_id:
        raise errors.InvalidArgument(
            f"cannot send {proxy!r}, an object of another server, to {connection.address}")
    if proxy.connection.is_closed and not connection.is_closed:
        raise errors.InvalidArgument(f"cannot send {proxy!r}: its session is closed")
    token = token_of(proxy, True, options)
    if rest.timeout_s.has_value():
        left = rest.timeout_s.value() - (time.monotonic() - started)
        rest.timeout_s = left if left > 0 else <double>0
    return restored(connection, token, rest)


def reduced(Proxy proxy):
    """What stands for a proxy in a pickle: a dict of str.

    The server keeps the object for it, for as long as it is set to (`--object-token-s`).
    Raises: ConnectionLost, ForkedSession, QuotaExceeded.
    """
    cdef cppipc.CallOptions options
    cdef Connection connection = proxy.connection
    return {
        "type": type(proxy).__name__,
        "address": connection.address,
        "server": connection.server_id.hex(),
        "session": connection.key.hex(),
        "object": object_id_of(proxy).hex(),
        "token": token_of(proxy, False, options).hex(),
    }


def object_id_of(Proxy proxy):
    """16 bytes that are equal for proxies of one object."""
    if not proxy.remote:
        return bytes.fromhex(reference_of(proxy)["object"])
    return object_id(proxy)[:16]


def unreachable(cls, dict reference):
    """An instance of `cls`, a proxy without an object, that knows what it should refer to."""
    return unreachable_proxy(cls, reference)


def reference_of(Proxy proxy):
    """What an unreachable proxy was made of."""
    return proxy.reference


def restore(Connection connection, bytes token):
    """The proxy, in that session, of the object of a token. Raises: StaleReference."""
    cdef cppipc.CallOptions options
    return restored(connection, token, options)
