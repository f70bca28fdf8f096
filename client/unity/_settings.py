# SPDX-License-Identifier: Apache-2.0
"""`session.server.settings`: the settings of a server, as a mapping."""

from collections.abc import MutableMapping

from unity import _core, errors
from unity._namespace import hint_of
from unity._routine import builtin

_READ = builtin("$setting", "Session.setting", (("name",),))
_WRITE = builtin("$set_setting", "Session.set_setting", (("name",), ("value",)))


class Settings(MutableMapping):
    """The settings of a server, by name. All sessions of a server see the same ones.

    `settings[name]` reads a setting and `settings[name] = value` writes it; each is a call, which
    any session may make, and the server runs them one at a time. `len()`, `in`, `list()` and
    `repr()` ask nobody: which settings there are does not change.

    Raises:
        UnknownKey: (a `KeyError`) the server has no such setting.
        WrongType: (a `TypeError`) the setting is read-only or the value of a wrong type; settings
            cannot be deleted.
        InvalidArgument: (a `ValueError`) the setting cannot have this value.
        Overflow: the number is too large.
        ConnectionLost: the session ended.
    """

    __slots__ = ("_connection", "_described")

    def __init__(self, connection):
        self._connection = connection
        self._described = connection.description.settings

    def __getitem__(self, name):
        self._checked(name)
        return _core.bind(_READ, self._connection)(name)

    def __setitem__(self, name, value):
        if not self._checked(name).is_writable:
            raise errors.WrongType(f"setting {name!r} is read-only")
        _core.bind(_WRITE, self._connection)(name, value)

    def __delitem__(self, name):
        self._checked(name)
        raise errors.WrongType(f"setting {name!r} cannot be deleted")

    def popitem(self):
        raise errors.WrongType("settings cannot be deleted")

    clear = popitem

    def __iter__(self):
        return iter(sorted(self._described))

    def __len__(self):
        return len(self._described)

    def __contains__(self, name):
        return isinstance(name, str) and name in self._described

    def _checked(self, name):
        """The description of a setting. Raises: UnknownKey."""
        described = self._described.get(name) if isinstance(name, str) else None
        if described is None:
            hint = hint_of(name, self._described) if isinstance(name, str) else "names are str"
            raise errors.UnknownKey(f"the server has no setting {name!r}; {hint}")
        return described

    def __eq__(self, other):
        if not isinstance(other, Settings):
            return NotImplemented
        return self._connection is other._connection

    def __hash__(self):
        return hash(id(self._connection))

    def __reduce__(self):
        raise TypeError("the settings of a session belong to it and cannot be pickled or copied")

    def __repr__(self):
        return f"<settings of {self._connection.address}: {', '.join(self) or 'none'}>"
