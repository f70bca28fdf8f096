# SPDX-License-Identifier: Apache-2.0
"""What `session.server.describe(name)` returns; apart because few programs ask."""

import textwrap
from types import MappingProxyType

from unity import errors
from unity._property import Property


class Described:
    """One name of a server, in words and as attributes; see `Server.describe`."""

    def __init__(self, kind, name, doc, **attributes):
        self.kind = kind
        self.name = name
        self.doc = doc
        self.__dict__.update(attributes)

    @property
    def parameters(self):
        """Name -> inspect.Parameter, in order; empty for what cannot be called."""
        signature = getattr(self, "signature", None)
        return MappingProxyType({}) if signature is None else signature.parameters

    def __eq__(self, other):
        if not isinstance(other, Described):
            return NotImplemented
        return self.__dict__ == other.__dict__

    __hash__ = None

    def __repr__(self):
        return "\n".join(_lines(self))


class _Spelt(str):
    """A type as the server spells it; inspect shows it without quotes."""

    __slots__ = ()

    def __repr__(self):
        return str(self)


def _text_of(signature):
    """A signature as Python would write it: `(by: int = 1) -> int`."""
    spelt = [
        parameter.replace(annotation=_Spelt(parameter.annotation))
        if parameter.annotation is not parameter.empty
        else parameter
        for parameter in signature.parameters.values()
    ]
    result = signature.return_annotation
    if result is not signature.empty:
        result = _Spelt(result)
    return str(signature.replace(parameters=spelt, return_annotation=result))


def _headline(described):
    """The first line: kind, name and signature or type."""
    signature = getattr(described, "signature", None)
    suffix = ""
    if signature is not None:
        suffix = _text_of(signature)
    elif hasattr(described, "is_writable"):
        read_only = "" if described.is_writable else " (read-only)"
        suffix = f": {described.type}{read_only}"
    return f"{described.kind} {described.name}{suffix}"


def _lines(described):
    yield _headline(described)
    yield from textwrap.indent(described.doc, "    ").splitlines()
    for name, value in getattr(described, "members", {}).items():
        yield f"    {name} = {value}"
    for inner in ("methods", "properties"):
        for member in getattr(described, inner, {}).values():
            yield textwrap.indent(_headline(member), "    ")
            yield from textwrap.indent(member.doc, "        ").splitlines()


def _routine(kind, routine):
    return Described(kind, routine.qualname, routine.doc, signature=routine.signature)


def _member(member):
    """A method or property of a type, as its class has it."""
    if isinstance(member, Property):
        getter = member.getter
        is_writable = member.setter is not None
        return Described(
            "property", getter.qualname, getter.doc, type=getter.result, is_writable=is_writable
        )
    return _routine("method", member.routine)


def _type(described):
    members = {name: _member(member) for name, member in sorted(described.members.items())}
    constructor = described.constructor
    return Described(
        "type",
        described.name,
        described.doc,
        signature=None if constructor is None else constructor.signature,
        methods=MappingProxyType({n: m for n, m in members.items() if m.kind == "method"}),
        properties=MappingProxyType({n: m for n, m in members.items() if m.kind == "property"}),
    )


def described(description, name):
    """The Described of that name; None if the server has nothing of it."""
    if not isinstance(name, str):
        raise errors.WrongType(f"names of a server are str, not {type(name).__qualname__!r}")
    if name in description.types:
        return _type(description.types[name])
    if name in description.enumerations:
        enumeration = description.enumerations[name]
        members = MappingProxyType(enumeration.members)
        return Described("enumeration", name, enumeration.doc, members=members)
    if name in description.functions:
        routine = description.functions[name]
        return _routine("toolkit" if routine.is_toolkit else "function", routine)
    if name in description.settings:
        setting = description.settings[name]
        return Described(
            "setting", name, setting.doc, type=setting.type, is_writable=setting.is_writable
        )
    owner, _, member = name.rpartition(".")
    if owner in description.types and member in description.types[owner].members:
        return _member(description.types[owner].members[member])
    return None


def names_of(description, name):
    """All names that can be described, members only of the type that `name` begins with."""
    owner = name.rpartition(".")[0]
    members = description.types[owner].members if owner in description.types else ()
    return {
        *description.types,
        *description.enumerations,
        *description.functions,
        *description.settings,
        *(f"{owner}.{member}" for member in members),
    }
