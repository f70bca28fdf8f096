# SPDX-License-Identifier: Apache-2.0
"""`session.types` and `session.toolkits`: names of the server as attributes. Never does I/O."""

from unity import _core, errors

# So many names are listed where none is close.
_LISTED = 8


def unknown_name(kind, name, names):
    """The `UnknownName` for what is not among a server's names; it says what may have been meant.

    Args:
        kind: "type", for the text.
        name: with dots, as it was asked for.
        names: what there is; the part of a name before a dot is a name too.
    """
    return errors.UnknownName(f"the server has no {kind} {name!r}; {hint_of(name, names)}")


def hint_of(name, names):
    """What may have been meant by a name that is not among `names`: "did you mean 'x'?"."""
    import difflib  # slow, and seldom needed

    known = set(names)
    for full_name in names:
        outer = full_name.rpartition(".")[0]
        while outer and outer not in known:
            known.add(outer)
            outer = outer.rpartition(".")[0]
    if name in known:
        inner = sorted(full_name for full_name in names if full_name.startswith(f"{name}."))
        more = ["…"] if len(inner) > _LISTED else []
        return f"but it has {', '.join(inner[:_LISTED] + more)}"
    in_lower_case = {full_name.lower(): full_name for full_name in sorted(known)}
    close = difflib.get_close_matches(name.lower(), in_lower_case, n=1)
    if close:
        return f"did you mean {in_lower_case[close[0]]!r}?"
    listed = sorted({full_name.partition(".")[0] for full_name in names})
    more = ["…"] if len(listed) > _LISTED else []
    return f"it has {', '.join(listed[:_LISTED] + more) or 'none'}"


class Namespace:
    """Names of a server, as attributes. Dotted names nest: `toolkits.diagnostics.echo`."""

    # Underscores, so that they do not hide names of the server.
    __slots__ = ("__find", "__kind", "__names", "__prefix")

    def __init__(self, kind, names, find, prefix=""):
        # `names()` gives a dict by full names, as they are now; `find(names, name)` the thing.
        self.__kind = kind
        self.__names = names
        self.__find = find
        self.__prefix = prefix

    def __getattr__(self, name):
        full_name = self.__prefix + name
        names = self.__names()
        if full_name in names:
            return self.__find(names, full_name)
        if name.startswith("_"):  # Python and Jupyter look for many; the server has none of them
            raise errors.UnknownName(f"the server has no {self.__kind} {full_name!r}")
        inner = full_name + "."
        if any(known.startswith(inner) for known in names):
            return Namespace(self.__kind, self.__names, self.__find, inner)
        raise unknown_name(self.__kind, full_name, names)

    def __dir__(self):
        skip = len(self.__prefix)
        return sorted(
            {
                name[skip:].partition(".")[0]
                for name in self.__names()
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
        return self.__prefix + name in self.__names()

    def __reduce__(self):
        raise TypeError(
            f"the {self.__kind}s of a session belong to it and cannot be pickled or copied"
        )

    def __repr__(self):
        inside = f" in {self.__prefix[:-1]}" if self.__prefix else ""
        return f"<{self.__kind}s{inside}: {', '.join(dir(self)) or 'none'}>"


def types_of(connection):
    """The types and enumerations of a connection's server."""
    return Namespace(
        "type",
        lambda: connection.description.names,
        lambda names, name: connection.description.find(name, connection),
    )


def toolkits_of(connection):
    """The toolkits and functions of a connection's server."""
    return Namespace(
        "toolkit",
        lambda: connection.description.functions,
        lambda functions, name: _core.shared(functions[name], connection),
    )
