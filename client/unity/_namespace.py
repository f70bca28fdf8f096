# SPDX-License-Identifier: Apache-2.0
"""`session.types` and `session.toolkits`: names of the server as attributes. Never does I/O."""

from unity import _core, errors


class Namespace:
    """Names of a server, as attributes. Dotted names nest: `toolkits.diagnostics.echo`."""

    # Underscores, so that they do not hide names of the server.
    __slots__ = ("__find", "__kind", "__names", "__prefix")

    def __init__(self, kind, names, find, prefix=""):
        self.__kind = kind
        self.__names = names
        self.__find = find
        self.__prefix = prefix

    def __getattr__(self, name):
        full_name = self.__prefix + name
        if full_name in self.__names:
            return self.__find(full_name)
        inner = full_name + "."
        if any(known.startswith(inner) for known in self.__names):
            return Namespace(self.__kind, self.__names, self.__find, inner)
        raise errors.UnknownName(f"the server has no {self.__kind} {full_name!r}")

    def __dir__(self):
        skip = len(self.__prefix)
        return sorted(
            {
                name[skip:].partition(".")[0]
                for name in self.__names
                if name.startswith(self.__prefix)
            }
        )

    def __getitem__(self, name):
        """The thing of that name, which may have dots."""
        found = self
        for part in name.split("."):
            found = getattr(found, part)
        return found

    def __iter__(self):
        return iter(dir(self))

    def __contains__(self, name):
        return self.__prefix + name in self.__names

    def __reduce__(self):
        raise TypeError(
            f"the {self.__kind}s of a session belong to it and cannot be pickled or copied"
        )

    def __repr__(self):
        inside = f" in {self.__prefix[:-1]}" if self.__prefix else ""
        return f"<{self.__kind}s{inside}: {', '.join(dir(self)) or 'none'}>"


def types_of(connection):
    """The types and enumerations of a connection's server."""
    description = connection.description
    return Namespace("type", description.names, lambda name: description.find(name, connection))


def toolkits_of(connection):
    """The toolkits and functions of a connection's server."""
    functions = connection.description.functions
    return Namespace("toolkit", functions, lambda name: _core.bind(functions[name], connection))
