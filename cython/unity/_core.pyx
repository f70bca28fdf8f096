# SPDX-License-Identifier: Apache-2.0
"""Opening sessions, what a session can be asked, and the end and the forks of the process."""

import atexit
import errno
import os
import sys
import time

from libc.stdint cimport uint64_t
from libcpp.memory cimport shared_ptr
from libcpp.optional cimport optional
from libcpp.string cimport string
from libcpp.vector cimport vector

from unity cimport cppipc
from unity._connection cimport Connection, ServerProcess, new_connection
from unity._description cimport description_of
from unity._routine cimport Target
from unity._runtime cimport Runtime, runtime
from unity._reading cimport value_of
from unity._writing cimport put_function
from unity.cppipc cimport raise_as_python

from unity import _runtime, errors
from unity._connection import live_connections
from unity._function import bind, shared  # noqa: F401

cdef extern from "server_process.h" namespace "unity" nogil:
    shared_ptr[ServerProcess] start_server "unity::ServerProcess::start" (
        const vector[string]&, int*) except +raise_as_python

cdef extern from "waiting.h" namespace "unity" nogil:
    shared_ptr[cppipc.Client] connect_client "unity::connect" (
        Runtime&, const string&, double, const string&, double,
        const optional[cppipc.TlsClientOptions]&) except +raise_as_python
    shared_ptr[cppipc.Client] adopt_client "unity::adopt" (
        Runtime&, int, double, const string&, const shared_ptr[ServerProcess]&) \
        except +raise_as_python
    void send_and_wait(
        const Runtime&, cppipc.Client&, Target, const string&,
        const shared_ptr[cppipc.RemoteObject]&, cppipc.ValueWriter&, const cppipc.CallOptions&,
        shared_ptr[cppipc.Result]*) except +raise_as_python
    void watch_and_wait(
        const Runtime&, cppipc.Client&, const string&, const cppipc.Variant&,
        shared_ptr[cppipc.Result]*) except +raise_as_python
    void give_file_and_wait(
        const Runtime&, cppipc.Client&, int, shared_ptr[cppipc.Result]*) except +raise_as_python
    void unwatch_and_wait(
        const Runtime&, cppipc.Client&, uint64_t, shared_ptr[cppipc.Result]*) \
        except +raise_as_python


cdef Runtime* process_runtime = runtime()

# Seconds that private servers get to end by themselves when the interpreter ends.
cdef double EXIT_PATIENCE_S = 3.0


def connect(str address, double timeout_s, bytes access_token=b"", double keep_alive_s=30.0,
            tls=None):
    """A Connection to a shared server; `tls` is a unity.TLS or None."""
    cdef string target = os.fsencode(address)
    cdef string token = access_token
    cdef shared_ptr[cppipc.Client] client
    cdef optional[cppipc.TlsClientOptions] encryption
    cdef cppipc.TlsClientOptions named
    if tls is not None:
        named.authority_file = os.fsencode(tls.ca or "")
        named.certificate_file = os.fsencode(tls.cert or "")
        named.key_file = os.fsencode(tls.key or "")
        named.server_name = (tls.server_name or "").encode()
        encryption = named
    with nogil:
        client = connect_client(
            process_runtime[0], target, timeout_s, token, keep_alive_s, encryption)
    return opened(client, shared_ptr[ServerProcess]())


def launch(list command, str address, double timeout_s):
    """A Connection to a new private server, started by `command`, whose first item is a path.

    The command gets the options that name its sockets and its launcher at its end. At `address`
    the server listens for other sessions.
    """
    cdef shared_ptr[ServerProcess] process
    cdef shared_ptr[cppipc.Client] client
    cdef vector[string] arguments
    cdef string name
    cdef int socket_fd
    for argument in command + [
            f"--listen={address}", "--inherited-fd=3", "--launcher-pidfd=4"]:
        if "\0" in argument:  # which would end it there
            raise errors.InvalidArgument(f"an option of the server has a NUL in it: {argument!r}")
        arguments.push_back(os.fsencode(argument))
    try:
        with nogil:
            process = start_server(arguments, &socket_fd)
    except errors.InputOutputError as error:
        raise not_started(command[0], error) from error
    name = address.encode()
    try:
        with nogil:
            client = adopt_client(process_runtime[0], socket_fd, timeout_s, name, process)
    except errors.Error as error:
        raise not_answering(process, error) from error
    except BaseException:
        process.get().finish(0)
        raise
    return opened(client, process)


cdef Connection opened(shared_ptr[cppipc.Client] client, shared_ptr[ServerProcess] process):
    cdef shared_ptr[const cppipc.Offer] offer = client.get().offer()
    return new_connection(client, process, description_of(offer), offer)


cdef object not_started(str path, object error):
    # The LaunchError for a process that could not be started.
    if error.errno == errno.ENOENT and os.path.exists(path):
        cls = errors.ServerNotExecutable
        text = f"the server binary {path!r} cannot be executed: its interpreter is missing"
    elif error.errno in (errno.ENOENT, errno.ENOTDIR):
        cls = errors.ServerNotFound
        text = f"there is no server binary at {path!r}"
    elif error.errno in (errno.EACCES, errno.ENOEXEC):
        cls = errors.ServerNotExecutable
        text = f"the server binary {path!r} cannot be executed"
    else:
        cls = errors.LaunchError
        text = f"the server {path!r} cannot be started: {error}"
    result = cls(text)
    result.errno = error.errno
    return result


cdef object not_answering(shared_ptr[ServerProcess] process, object error):
    # The LaunchError for a process that did not become a server of ours; ends it.
    cdef bint is_ended = process.get().has_ended(0)  # explaining the loss has waited for it
    ending = process.get().ending().text.decode()
    lines = process.get().last_lines().decode(errors="backslashreplace")
    with nogil:
        process.get().finish(0)
    text = f"the server {ending} at its start" if is_ended else f"the server is of no use: {error}"
    return errors.LaunchError(text + (f"\nits last lines:\n{lines}" if lines else ""))


def stats(Connection connection, timeout_s=None):
    """What the server counts, a dict."""
    return ask(connection, Target.kStats, "stats", timeout_s)


def ping(Connection connection, timeout_s=None):
    """An empty call."""
    ask(connection, Target.kPing, "ping", timeout_s)


cdef object ask(Connection connection, Target target, str name, object timeout_s):
    cdef cppipc.ValueWriter no_arguments
    cdef cppipc.CallOptions options
    cdef shared_ptr[cppipc.Result] result
    cdef shared_ptr[cppipc.RemoteObject] no_object
    cdef string no_name
    if timeout_s is not None:
        options.timeout_s = <double>timeout_s
    try:
        connection.check()
        with nogil:
            send_and_wait(process_runtime[0], connection.client.get()[0], target, no_name,
                          no_object, no_arguments, options, &result)
        return value_of(result, connection)
    except errors.Error as error:
        errors.in_call(error, f"Session.{name}", "", True, connection.description)
        raise


def watch(Connection connection, str prefix, watcher):
    """Have the server tell `watcher`, a callable, of this session's calls; returns a number."""
    cdef cppipc.Variant function
    cdef shared_ptr[cppipc.Result] result
    cdef string name = prefix.encode()
    connection.check()
    put_function(&function, watcher, connection)
    with nogil:
        watch_and_wait(process_runtime[0], connection.client.get()[0], name, function, &result)
    return value_of(result, connection)


def unwatch(Connection connection, uint64_t number):
    cdef shared_ptr[cppipc.Result] result
    connection.check()
    with nogil:
        unwatch_and_wait(process_runtime[0], connection.client.get()[0], number, &result)


def give_file(Connection connection, int fd):
    """Give the server an open file; its number there, or None where descriptors do not cross."""
    cdef shared_ptr[cppipc.Result] result
    connection.check()
    with nogil:
        give_file_and_wait(process_runtime[0], connection.client.get()[0], fd, &result)
    return value_of(result, connection)


# After the finalizers of multiprocessing's queues, which have -5.
cdef int LAST = -1000


def end_sessions():
    """When the interpreter ends: close what is open, and let nobody come back from a wait.

    But if multiprocessing is yet to wait for the threads that pickle what is in its queues, proxies
    among it, they need the sessions: then it is told to end these last.
    """
    util = sys.modules.get("multiprocessing.util")
    if util is not None and not util.is_exiting():
        util.Finalize(None, end_at_last, exitpriority=LAST)
    else:
        end_at_last()


def end_at_last():
    _runtime.begin_exit()
    connections = list(live_connections)
    for connection in connections:
        connection.disconnect()
    deadline = time.monotonic() + EXIT_PATIENCE_S
    for connection in connections:
        connection.close(max(0.0, deadline - time.monotonic()))


def abandon_sessions():
    """In a forked child: the sessions are the parent's."""
    for connection in list(live_connections):
        connection.abandon()
    live_connections.clear()


atexit.register(end_sessions)
os.register_at_fork(after_in_child=abandon_sessions)
