# SPDX-License-Identifier: Apache-2.0
"""Toolkits, methods and classes of sessions in pickles.

A pickle says where the server is and what the thing is called there; no code, no address in memory
and nothing that grants anything, but for methods, whose object is pickled as it always is. What it
names, `load_named` and `load_method`, must stay where it is.
"""

from unity import _core, _pickles, _references, errors

# Raised when a reader of older pickles could misunderstand a newer one.
_FORMAT = 1

_KINDS = ("function", "type")


def reduce_function(connection, name, timeout_s):
    """What pickle makes of a toolkit or function of a session."""
    if name.startswith("$"):
        raise TypeError(f"{name} belongs to its session and cannot be pickled or copied")
    return load_named, (_FORMAT, "function", name, _place_of(connection), timeout_s)


def reduce_class(connection, name):
    """What pickle makes of a class of a session."""
    return load_named, (_FORMAT, "type", name, _place_of(connection), None)


def reduce_method(proxy, name, timeout_s):
    """What pickle makes of a method of an object."""
    return load_method, (_FORMAT, proxy, name, timeout_s)


def load_named(version, kind, name, place, timeout_s):
    """The toolkit, function or class that was pickled; no I/O.

    Of the session it was pickled in, if that is one of this process; else of another one with the
    same server. If there is none, something that opens a session at its first use: a `Loaded`.

    Raises:
        NotSupported: a newer version made the pickle.
        UnknownName: the server does not have it any more.
    """
    if version != _FORMAT or kind not in _KINDS:
        raise errors.NotSupported(f"this pickle of {name} was made by a newer version")
    connection = _pickles.live_connection(place)
    if connection is None:
        return Loaded(kind, name, place, timeout_s)
    return _named(connection, kind, name, timeout_s)


def load_method(version, proxy, name, timeout_s):
    """The method that was pickled, of the proxy that came with it.

    Raises:
        NotSupported: a newer version made the pickle.
        AttributeError: the object has no such method.
    """
    if version != _FORMAT:
        raise errors.NotSupported(f"this pickle of {name} was made by a newer version")
    if _references.reference_of(proxy) is not None:
        return Loaded("method", name, proxy, timeout_s)
    return _limited(getattr(proxy, name), timeout_s)


def _place_of(connection):
    return {
        "address": connection.address,
        "tls": bool(connection.tls_version),
        "server": connection.server_id.hex(),
        "session": connection.key.hex(),
    }


def _named(connection, kind, name, timeout_s):
    from unity._namespace import unknown_name

    description = connection.description
    if kind == "type":
        if name not in description.types:
            raise unknown_name("type", name, description.names)
        return description.class_of(name, connection)
    routine = description.functions.get(name)
    if routine is None:
        raise unknown_name("toolkit or function", name, description.functions)
    return _limited(_core.shared(routine, connection), timeout_s)


def _limited(function, timeout_s):
    return function if timeout_s is None else function.options(timeout_s=timeout_s)


class Loaded:
    """A toolkit, method or class out of a pickle; this process has no session with its server yet.

    Its first use opens one, which lasts as long as this, or what came of it, does. Each use raises
    what is in the way: `ConnectionLost`, `CallTimeout`, `UnknownName`, or, of methods,
    `StaleReference`.
    """

    __module__ = "unity"

    def __init__(self, kind, name, place, timeout_s):
        self._kind = kind
        self.__qualname__ = name
        self.__name__ = name.rpartition(".")[2]
        self._place = place
        self._timeout_s = timeout_s
        self._found = None

    def _get(self):
        if self._found is None:
            if self._kind == "method":
                found = _limited(
                    getattr(_pickles.found(self._place), self.__name__), self._timeout_s
                )
            else:
                connection = _pickles.any_connection(self._place)
                # A class alone does not keep its session.
                found = _named(connection, self._kind, self.__qualname__, self._timeout_s)
                self._connection = connection
            self._found = found
        return self._found

    def __call__(self, *args, **kwargs):
        return self._get()(*args, **kwargs)

    def __getattr__(self, name):
        # Python and others look for many names of theirs; that must not open a session.
        if name.startswith("_"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(self._get(), name)

    def __instancecheck__(self, instance):
        return isinstance(instance, self._get())

    def _key(self):
        place = self._place
        server = place["server"] if self._kind != "method" else place
        return self._kind, self.__qualname__, server, self._timeout_s

    def __eq__(self, other):
        return self._key() == other._key() if type(other) is Loaded else NotImplemented

    def __hash__(self):
        return hash(self._key())

    def __reduce__(self):
        if self._kind == "method":
            return load_method, (_FORMAT, self._place, self.__qualname__, self._timeout_s)
        return load_named, (_FORMAT, self._kind, self.__qualname__, self._place, self._timeout_s)

    def __repr__(self):
        where = f"of {self._place!r}" if self._kind == "method" else f"on {self._place['address']}"
        state = "not reached" if self._found is None else "reached"
        return f"<{self._kind} {self.__qualname__} {where}, {state}>"
