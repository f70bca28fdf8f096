# SPDX-License-Identifier: Apache-2.0
"""The extensions of a session's server, as modules."""

import types
import weakref

from unity import _core
from unity._namespace import Namespace, unknown_name

PACKAGE = "unity.extensions"

# (key of a connection, name) -> module: an extension is one module as long as something refers to
# it.
_modules = weakref.WeakValueDictionary()


class ExtensionModule(types.ModuleType):
    """What an extension offers in one session: its functions, types and enumerations.

    They are looked up when they are used, without I/O, so the module shows what the server has now,
    also after the extension was loaded anew. It keeps the session's connection, as a proxy does.
    """

    def __init__(self, connection, name):
        super().__init__(f"{PACKAGE}.{name}")
        self.__dict__["_connection"] = connection
        self.__dict__["_prefix"] = f"{name}."

    def __getattr__(self, name):
        if name == "__all__":
            return dir(self)
        if name.startswith("__"):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        routine = self._connection.description.functions.get(self._prefix + name)
        if routine is not None:
            return _core.shared(routine, self._connection)
        return getattr(_names_of(self._connection, self._prefix), name)

    def __dir__(self):
        return dir(_names_of(self._connection, self._prefix))

    def __repr__(self):
        state = "closed" if self._connection.is_closed else "live"
        return f"<module {self.__name__!r} on {self._connection.address}, {state}>"


def _names_of(connection, prefix):
    """Everything below `prefix`, of whatever kind."""

    def names():
        description = connection.description
        return {**description.names, **description.functions}

    def find(_, name):
        description = connection.description
        routine = description.functions.get(name)
        if routine is not None:
            return _core.shared(routine, connection)
        return description.find(name, connection)

    return Namespace("name", names, find, prefix)


def module_of(connection, name):
    """The module of an extension that the server of `connection` has."""
    described = connection.description.extensions[name]
    key = (connection.key, name)
    module = _modules.get(key)
    if module is None:
        module = _modules.setdefault(key, ExtensionModule(connection, name))
    module.__doc__ = described.doc
    module.__file__ = described.file
    return module


def extensions_of(connection):
    """The extensions of a connection's server."""
    return Namespace(
        "extension",
        lambda: connection.description.extensions,
        lambda _, name: module_of(connection, name),
    )


# The connections of sessions that were opened, the latest last.
_opened = []


def session_opened(connection):
    """Makes a connection the first one to be looked at by `latest()`."""
    _opened[:] = [other for other in _opened if other() is not None]
    _opened.append(weakref.ref(connection))


def names_in_live_sessions():
    """The names of all extensions that can be imported now, sorted."""
    return sorted({name for each in _live() for name in each.description.extensions})


def latest(name):
    """The module of an extension in the session that was opened last of those that have it.

    Raises:
        ModuleNotFoundError: no session that is open in this process has one of that name.
    """
    live = _live()
    for connection in live:
        if name in connection.description.extensions:
            return module_of(connection, name)
    # Not the module's full name, for then the import system would show a text of its own.
    raise ModuleNotFoundError(_why_not(name, live), name=name)


def _live():
    connections = [reference() for reference in reversed(_opened)]
    return [each for each in connections if each is not None and not each.is_closed]


def _why_not(name, live):
    if not live:
        return (
            f"no extension {name!r}: this process has no open session; open one with "
            f"unity.launch(extensions=[PATH]) and keep it in a variable"
        )
    hint = unknown_name("extension", name, names_in_live_sessions())
    return f"{hint}; session.load_extension(PATH) loads one"
