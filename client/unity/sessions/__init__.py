# SPDX-License-Identifier: Apache-2.0
"""The classes of sessions, by module names that say where a session is.

`session.types.Probe.__module__` is such a name: "unity.sessions.ADDRESS#SERVER#SESSION", with "%2E"
for a dot in the address and hexadecimal numbers that tell servers and sessions apart. So picklers
that name a class by its module and its name find it again: in this process the class itself, in
another one what stands for it (`unity._function_pickles.Loaded`), with no I/O. Nothing of a name
grants anything.
"""

import sys
import types
import weakref


def module_of(connection, type_name):
    """The module name of a class of a connection's session; from then on it can be imported.

    Args:
        type_name: the registered name, which may have dots. The part before the last of them is in
            the module's name too, as another process could not tell it from a class.
    """
    outer = type_name.rpartition(".")[0]
    place = (connection.address, connection.server_id.hex(), connection.key.hex(), outer)
    name = f"{__name__}.{'#'.join(_quoted(part) for part in place if part)}"
    if name not in sys.modules:
        module = _SessionModule(name, _fields_of(name))
        module._follow(connection)
        sys.modules[name] = module
    return name


def _quoted(text):
    return text.replace("%", "%25").replace(".", "%2E").replace("#", "%23")


def _unquoted(text):
    return text.replace("%23", "#").replace("%2E", ".").replace("%25", "%")


def _fields_of(name):
    parts = [_unquoted(part) for part in name[len(__name__) + 1 :].split("#")]
    if len(parts) not in (3, 4):
        raise ModuleNotFoundError(f"{name!r} names no session", name=name)
    return (*parts, "")[:4]


class _SessionModule(types.ModuleType):
    """The classes of one session, as attributes."""

    def __init__(self, name, fields):
        super().__init__(name, "Classes of one session.")
        address, server, session, outer = fields
        self._place = {"address": address, "server": server, "session": session}
        self._outer = outer
        self._connection = lambda: None

    def _follow(self, connection):
        """Goes when the connection goes."""
        name = self.__name__
        self._connection = weakref.ref(connection, lambda _: sys.modules.pop(name, None))

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        from unity import _function_pickles, _namespace, _pickles

        connection = self._connection() or _pickles.live_connection(self._place)
        if connection is not None:
            return getattr(_namespace.types_of(connection), name)
        outer = self._outer.split(".") if self._outer else []
        return (
            _Unreached(outer, self._place)
            if outer[:1] == [name]
            else (_function_pickles.Loaded("type", name, self._place, None))
        )


class _Unreached:
    """The part of a class's name before the last dot, of a session that this process has not."""

    def __init__(self, outer, place, depth=1):
        self._outer = outer
        self._place = place
        self._depth = depth

    def __getattr__(self, name):
        from unity import _function_pickles

        if name.startswith("__"):
            raise AttributeError(name)
        if self._outer[self._depth : self._depth + 1] == [name]:
            return _Unreached(self._outer, self._place, self._depth + 1)
        full_name = ".".join([*self._outer[: self._depth], name])
        return _function_pickles.Loaded("type", full_name, self._place, None)


class _Finder:
    """Finds modules of this package, whatever session they name. It derives from nothing, because
    importlib.abc takes longer to import than a server to start."""

    def find_spec(self, fullname, path=None, target=None):
        if fullname.rpartition(".")[0] != __name__:
            return None
        from importlib.machinery import ModuleSpec

        return ModuleSpec(
            fullname, self, loader_state=_fields_of(fullname), origin="a session of unity"
        )

    def create_module(self, spec):
        return _SessionModule(spec.name, spec.loader_state)

    def exec_module(self, module):
        """Nothing is left to do."""


def __getattr__(name):
    # Of a session of this process, whose module was never imported.
    module = sys.modules.get(f"{__name__}.{name}")
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return module


sys.meta_path.append(_Finder())
