# SPDX-License-Identifier: Apache-2.0
"""`session.server`: what is known of the server that a session is with."""

from unity._namespace import unknown_name


class Server:
    """The server of a session. Nothing here asks the server but `settings[name]`.

    Made by `session.server`; keeps the connection of its session open.
    """

    __slots__ = ("_connection",)

    def __init__(self, connection):
        self._connection = connection

    @property
    def version(self):
        """The server's version, e.g. "0.1.0"."""
        return self._connection.description.version

    @property
    def pid(self):
        """The server's process id, on the server's machine."""
        return self._connection.server_pid

    @property
    def types(self):
        """The names of the exposed types, a sorted tuple of str; dots nest."""
        return tuple(sorted(self._connection.description.types))

    @property
    def enumerations(self):
        """The names of the enumerations, a sorted tuple of str."""
        return tuple(sorted(self._connection.description.enumerations))

    @property
    def exceptions(self):
        """The names of the exception classes, a sorted tuple of str."""
        return tuple(sorted(self._connection.description.exceptions))

    @property
    def extensions(self):
        """The names of the extensions that are loaded, a sorted tuple of str."""
        return tuple(sorted(self._connection.description.extensions))

    @property
    def toolkits(self):
        """The names of the toolkits, a sorted tuple of str."""
        return self._callables(True)

    @property
    def functions(self):
        """The names of the functions that are no toolkits, a sorted tuple of str."""
        return self._callables(False)

    def _callables(self, is_toolkit):
        functions = self._connection.description.functions.items()
        return tuple(sorted(name for name, f in functions if bool(f.is_toolkit) == is_toolkit))

    @property
    def settings(self):
        """The server's settings: a mapping, see `help(session.server.settings)`."""
        from unity._settings import Settings

        return Settings(self._connection)

    def describe(self, name):
        """What a name of the server is.

        Args:
            name: of a type, enumeration, toolkit, function or setting, with dots; or of a member
                of a type, as "Counter.increment".

        Returns:
            An object whose repr is readable, with attributes `kind` ("type", "enumeration",
            "exception", "toolkit", "function", "setting", "method", "static method" or
            "property"), `name`, `doc`, and those of its kind: `signature`, `signatures` (of all
            overloads) and `parameters` of what can be called; `bases` of types and exceptions;
            `methods` and `properties`, mappings, of types; `members`, a mapping, of enumerations;
            `type` and `is_writable` of settings and properties. A type's `signature` is that of
            its constructor, None if clients cannot make one. If a type and a function have one
            name, it is the type.

        Raises:
            UnknownName: the server has nothing of that name.
            WrongType: `name` is no str.
        """
        from unity._described import described, names_of

        description = self._connection.description
        found = described(description, name)
        if found is None:
            raise unknown_name(
                "type, toolkit, function or setting", name, names_of(description, name)
            )
        return found

    def __eq__(self, other):
        if not isinstance(other, Server):
            return NotImplemented
        return self._connection is other._connection

    def __hash__(self):
        return hash(id(self._connection))

    def __reduce__(self):
        raise TypeError("the server of a session belongs to it and cannot be pickled or copied")

    def __repr__(self):
        state = "closed" if self._connection.is_closed else "live"
        return f"<unity server {self.version} at {self._connection.address}, {state}>"
