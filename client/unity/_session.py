# SPDX-License-Identifier: Apache-2.0
"""Sessions: what a user holds of a connection to a server."""

import os
import sys
import time

from unity import _core, _function, errors
from unity._connection import Connection
from unity._extensions import extensions_of, session_opened
from unity._namespace import Namespace, toolkits_of, types_of, unknown_name
from unity._routine import builtin

# Seconds that a private server gets to end by itself once its session is closed.
_CLOSE_PATIENCE_S = 5.0
# As good as no limit at all.
_ENDLESS_S = 1e9

_LOAD_EXTENSION = builtin("$load_extension", "Session.load_extension", (("path",), ("folder",)))


def connect(address, *, token=None, tls=None, timeout_s=10.0, keep_alive_s=30.0):
    """Open a session with a shared server.

    Args:
        address: "unix:PATH", "unix:@NAME" or "tcp:HOST:PORT"; unix://, ipc:// and tcp:// are
            accepted too. Over TCP arrays cross by value.
        token: the access token for a server that listens on TCP with `--token-file`, a str;
            blanks around it do not count. None: over TCP that of the variable UNITY_TOKEN, else
            the one in the file that UNITY_TOKEN_FILE names, else none. See docs/security.md.
        tls: encrypts a session over TCP, and makes sure who the server is. True: its certificate
            is for the host of the address, by an authority that the system trusts; a `unity.TLS`
            names other authorities, another name, or a certificate of the client's own. None or
            False: nothing is encrypted. See docs/tls.md.
        timeout_s: seconds for connecting and for the server's first answer; None: no limit.
        keep_alive_s: seconds, 1 to 3600, after which a server over TCP that is gone without a word
            is noticed. No matter for Unix sockets: the system knows who is there.

    Returns:
        Session

    Raises:
        InvalidArgument: the address has another form, or `timeout_s` is negative, or
            `keep_alive_s` out of its range; the token is none; a token or `tls` is given for a
            Unix socket, or a file of `tls` is not what it should be.
        WrongType: the address or token is no str, `timeout_s` or `keep_alive_s` no number, or
            `tls` none of those.
        ConnectionLost: nobody listens there; `ProtocolError` if it is no server of ours;
            `TlsError` if only one side speaks TLS, or one refuses the other's certificate.
        CallTimeout: nobody answered in time.
        NotPermitted: the server wants an access token, and not this one.
        NotSupported: TLS was asked for, and OpenSSL is not installed.
        InputOutputError: a file of `tls` cannot be read; `OSError` for that of UNITY_TOKEN_FILE.
    """
    if not isinstance(address, str):
        raise errors.WrongType(f"an address is a str, not {type(address).__name__}")
    from unity import _access

    timeout_s = checked_timeout(timeout_s)
    if tls is not None and tls is not False:
        from unity._tls import checked

        tls = checked(tls, address)
    return opened(
        _core.connect(
            _absolute(address),
            timeout_s,
            _access.token_for(address, token),
            _access.checked_keep_alive(keep_alive_s),
            tls or None,
        )
    )


def opened(connection):
    """The session of a new connection, whose progress is shown if it can be.

    Where it cannot, this costs neither an import nor a call.
    """
    known = sys.modules.get("unity._progress")
    if known is None and ("ipykernel" in sys.modules or has_terminal()):
        from unity import _progress as known
    if known is not None:
        known.attach(connection)
    return Session(connection)


def has_terminal():
    """Whether stderr is a terminal."""
    try:
        return sys.stderr.isatty()
    except (AttributeError, ValueError):  # there is no stderr, or it is closed
        return False


def _absolute(address):
    """An address that holds in any directory, so that pickled proxies find their server."""
    for scheme in ("unix://", "ipc://", "unix:"):
        path = address.removeprefix(scheme)
        if path != address:
            is_relative = path != "" and not path.startswith(("/", "@"))
            return scheme + os.path.abspath(path) if is_relative else address
    return address


def checked_timeout(timeout_s):
    """Seconds as a float that clocks can take; None is no limit. Raises: as options() does."""
    return (
        _ENDLESS_S if timeout_s is None else min(_function.checked_timeout(timeout_s), _ENDLESS_S)
    )


def _named(params):
    """The arguments of run() as a dict."""
    if params is None:
        return {}
    if not hasattr(params, "keys"):
        raise errors.WrongType(
            f"run() takes a mapping of argument names to values, not {type(params).__qualname__!r}"
        )
    named = dict(params)
    for name in named:
        if not isinstance(name, str):
            raise errors.WrongType(f"names of arguments are str, not {type(name).__qualname__!r}")
    return named


class Session:
    """One connection to a server. A context manager that closes itself at the end.

    Made by `unity.launch()` and `unity.connect()`. The connection lives as long as the session,
    one of its proxies, methods or toolkits does; a class of `types` alone does not keep it.

    Attributes:
        types: the server's exposed types; `dir()` lists them, dotted names nest.
        toolkits: the server's toolkits and functions, likewise.
        extensions: what was loaded into the server, as modules; see `unity.extensions`.

    All three show what the server has now: an extension that is loaded, by whatever session, is
    there within moments, and in the session that loads it when `load_extension()` returns.
    """

    def __init__(self, connection):
        if not isinstance(connection, Connection):
            raise TypeError("sessions are made by unity.launch() and unity.connect()")
        self._connection = connection
        session_opened(connection)

    @property
    def types(self):
        return types_of(self._connection)

    @property
    def toolkits(self):
        return toolkits_of(self._connection)

    @property
    def extensions(self):
        return extensions_of(self._connection)

    def load_extension(self, path):
        """Load an extension, a shared library, into the server, for all of its sessions.

        A file that was loaded before and is the same still changes nothing. If it was built anew,
        new calls and new objects are of the new version; proxies of older objects keep their class
        and their code.

        Args:
            path: str or path-like. On a private server any file, seen from this process's working
                directory; on a shared one a file in the directory that it was started with
                (`--extension-dir`), seen from there.

        Returns:
            The names that are there now, a sorted list of str such as "square.square_root".

        Raises:
            NotPermitted: a shared server without `--extension-dir`, or a file outside of it.
            InputOutputError: there is no such file, or it cannot be read.
            InvalidArgument: it is no shared library, or no extension, or its name or one of its
                names is the server's own.
            NotSupported: it was built for another version of the boundary.
            UnknownName: it needs a library or a symbol that is not there.
            RemoteError: its entry point failed.
            ToolkitError: what it registers is wrong.
            WrongType: `path` is no path.
        """
        try:
            file = os.fsdecode(path)
        except TypeError:
            raise errors.WrongType(
                f"load_extension() takes a path, not {type(path).__qualname__!r}"
            ) from None
        folder = "" if os.path.isabs(file) else os.getcwd()
        return _core.bind(_LOAD_EXTENSION, self._connection)(file, folder)

    def run(self, name, params=None):
        """Call a toolkit or function by its name.

        Args:
            name: as registered, with dots, e.g. "diagnostics.echo".
            params: a mapping of argument names to values.

        Returns:
            The toolkit's results, a dict; for a plain function `{"result": value}`.

        Raises:
            UnknownName: the server has nothing of that name.
            WrongType: `name` is no str, or `params` is no mapping or does not fit the arguments'
                names.
            ToolkitError: the toolkit reports failure.
        """
        if not isinstance(name, str):
            raise errors.WrongType(
                f"run() takes the name of a toolkit or function, not {type(name).__qualname__!r}"
            )
        functions = self._connection.description.functions
        routine = functions.get(name)
        if routine is None:
            raise unknown_name("toolkit or function", name, functions)
        result = _core.bind(routine, self._connection)(**_named(params))
        return result if routine.is_toolkit else {"result": result}

    @property
    def address(self):
        """Where the server was found, e.g. "unix:/run/u.sock"."""
        return self._connection.address

    @property
    def transport(self):
        """How messages travel: "unix" or "tcp"."""
        return self._connection.transport

    @property
    def tls_version(self):
        """With what the session is encrypted: "TLSv1.3" or "TLSv1.2"; None if it is not."""
        return self._connection.tls_version

    @property
    def server_pid(self):
        """The server's process id, on the server's machine."""
        return self._connection.server_pid

    @property
    def server_version(self):
        """The server's version, e.g. "0.1.0"."""
        return self._connection.description.version

    @property
    def server(self):
        """What is known of the server, a `unity.Server`: its version, the names it has, what
        each of them is, and its settings."""
        from unity._server import Server

        return Server(self._connection)

    @property
    def closed(self):
        """Whether the session has ended, by `close()` or by the server's end."""
        return self._connection.is_closed

    def ping(self):
        """Seconds that an empty call takes."""
        start = time.perf_counter()
        _core.ping(self._connection)
        return time.perf_counter() - start

    def stats(self):
        """What the server counts: a dict with `live_objects`, `sessions`, `calls` and more."""
        return _core.stats(self._connection)

    def save(self, value, path_or_file):
        """Save an object of the server, or any value with such objects in it, to a file.

        The server writes the file by itself, straight from the memory of the object. Objects
        say how they are saved (`saveable` in C++); each is saved once, however often it occurs.

        Args:
            value: a proxy, or any value that can cross.
            path_or_file: where to; or a file that is open for writing bytes, which is written
                from its place on. A file at that path is replaced when all is written, and stays
                as it is if saving fails.

        Raises:
            WrongType: an object's type does not say how it is saved; functions; `path_or_file`
                is neither, or is open as text.
            InvalidArgument: an object contains itself.
            OSError: the file cannot be opened or written; `InputOutputError` if the server finds
                that out.
            What the object's own code raises.
        """
        from unity import _files

        _files.save(self._connection, value, path_or_file)

    def load(self, path_or_file):
        """Load what `save` has written, with new objects on this server.

        Args:
            path_or_file: where from; or a file that is open for reading bytes, which is read
                from its place on, up to the end of what was saved.

        Returns:
            An equal value, with proxies of the new objects.

        Raises:
            InvalidArgument: the file was not written by `save`, is damaged or was cut short.
            NotSupported: the file, or an object in it, is of a newer version than the server
                knows.
            UnknownName: an object is of a type that the server does not have.
            QuotaExceeded: it is more than the session may hold.
            WrongType: `path_or_file` is neither, or is open as text.
            OSError: the file cannot be opened or read; `InputOutputError` if the server finds
                that out.
        """
        from unity import _files

        return _files.load(self._connection, path_or_file)

    def revoke(self, proxy):
        """Make all pickles of an object worthless: who loads one gets `StaleReference`.

        Whoever has the object already keeps it. A pickle that is made afterwards is good again.

        Args:
            proxy: an object of this session's server.

        Returns:
            How many references there were that could still be loaded.

        Raises:
            WrongType: it is no proxy.
        """
        from unity import _pickles

        return _pickles.revoke(self._connection, proxy)

    def watch(self, prefix, callback):
        """Have a function called with what this session's calls report while they run.

        Args:
            prefix: of the names of toolkits, functions and methods, such as "diagnostics.work"
                or "Counter."; "" for all.
            callback: called as `callback(name, fraction, text)` on the thread "unity-callback", in
                order. `fraction` is the progress from 0 to 1, or None for a line of the log. It
                delays no call: if it is slow, the server keeps 16 MiB of messages; of more the
                oldest are lost, and a line of the log tells how many. What it raises is logged.

        Returns:
            A context manager whose end, or `close()`, ends the watch.

        Raises:
            WrongType: `prefix` is no str, or `callback` cannot be called.
            QuotaExceeded: the session has a hundred watches.
        """
        if not isinstance(prefix, str):
            raise errors.WrongType(f"a prefix is a str, not {type(prefix).__qualname__!r}")
        if not callable(callback):
            raise errors.WrongType(
                f"watch() calls a function, and {type(callback).__qualname__!r} is none"
            )
        from unity._watch import Watch

        return Watch(self._connection, prefix, callback)

    def close(self):
        """End the session; twice is fine.

        Its objects on the server are freed, pending calls and its proxies raise
        `ConnectionLost`, and a private server ends. While a method still runs there, that takes
        up to 2 seconds (`end_grace_s` of `launch`), which `close()`, the end of a `with` block
        and the exit of Python wait for; after 5 seconds the server is killed.
        """
        self._connection.close(_CLOSE_PATIENCE_S)
        shown = sys.modules.get("unity._progress")
        if shown is not None:
            shown.closing(self._connection)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    def __reduce__(self):
        raise TypeError(
            "a session belongs to its process and cannot be pickled or copied; "
            "unity.connect(session.address) opens another one"
        )

    def __repr__(self):
        return f"<unity.Session on {self.address}, {'closed' if self.closed else 'live'}>"


__all__ = ["Namespace", "Session", "connect"]
