# SPDX-License-Identifier: Apache-2.0
"""What `session.server.describe(name)` returns; apart because few programs ask."""

import textwrap
from types import MappingProxyType

from unity import errors
from unity._property import Property
from unity._static import StaticMethod


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
    head = f"{described.kind} {described.name}"
    signatures = getattr(described, "signatures", ())
    if len(signatures) > 1:  # the documentation has them
        return f"{head}, {len(signatures)} overloads"
    if signatures:
        return head + _text_of(signatures[0])
    bases = ", ".join(getattr(described, "bases", ()))
    suffix = f" ({bases})" if bases else ""
    if hasattr(described, "is_writable"):
        read_only = "" if described.is_writable else " (read-only)"
        suffix = f": {described.type}{read_only}"
    return head + suffix


def _lines(described):
    yield _headline(described)
    yield from textwrap.indent(described.doc, "    ").splitlines()
    for name, value in getattr(described, "members", {}).items():
        yield f"    {name} = {value}"
    for inner in ("methods", "properties"):
        for member in getattr(described, inner, {}).values():
            yield f"    {_headline(member)}"
            yield from textwrap.indent(member.doc, "        ").splitlines()


def _routine(kind, routine):
    return Described(
        kind,
        routine.qualname,
        routine.documentation,
        signature=routine.signature,
        signatures=routine.signatures,
    )


def _member(member):
    """A method or property of a type, as its class has it."""
    if isinstance(member, Property):
        getter = member.getter
        is_writable = member.setter is not None
        return Described(
            "property", getter.qualname, getter.doc, type=getter.result, is_writable=is_writable
        )
    return _routine(
        "static method" if isinstance(member, StaticMethod) else "method", member.routine
    )


def members_of(description, name):
    """The members of a type, those of its bases among them."""
    members = {}
    for base in reversed(description.types[name].bases):
        if base in description.types:
            members.update(members_of(description, base))
    return {**members, **description.types[name].members}


def _doc_of(described):
    """The documentation of a type, with that of its constructor's overloads."""
    constructor = described.constructor
    if constructor is None or not constructor.overloads:
        return described.doc
    return f"{described.doc}\n\n{constructor.documentation}".strip()


def _type(described, description):
    found = members_of(description, described.name)
    members = {name: _member(member) for name, member in sorted(found.items())}
    constructor = described.constructor
    return Described(
        "type",
        described.name,
        _doc_of(described),
        signature=None if constructor is None else constructor.signature,
        signatures=() if constructor is None else constructor.signatures,
        bases=tuple(described.bases),
        methods=MappingProxyType({n: m for n, m in members.items() if m.kind != "property"}),
        properties=MappingProxyType({n: m for n, m in members.items() if m.kind == "property"}),
    )


def described(description, name):
    """The Described of that name; None if the server has nothing of it."""
    if not isinstance(name, str):
        raise errors.WrongType(f"names of a server are str, not {type(name).__qualname__!r}")
    if name in description.types:
        return _type(description.types[name], description)
    if name in description.enumerations:
        enumeration = description.enumerations[name]
        members = MappingProxyType(enumeration.members)
        return Described("enumeration", name, enumeration.doc, members=members)
    if name in description.exceptions:
        cls = description.exceptions[name].cls
        bases = tuple(base.__qualname__ for base in cls.__bases__)
        return Described("exception", name, cls.__doc__ or "", bases=bases)
    if name in description.functions:
        routine = description.functions[name]
        return _routine("toolkit" if routine.is_toolkit else "function", routine)
    if name in description.settings:
        setting = description.settings[name]
        return Described(
            "setting", name, setting.doc, type=setting.type, is_writable=setting.is_writable
        )
    owner, _, member = name.rpartition(".")
    members = members_of(description, owner) if owner in description.types else {}
    return _member(members[member]) if member in members else None


def names_of(description, name):
    """All names that can be described, members only of the type that `name` begins with."""
    owner = name.rpartition(".")[0]
    members = members_of(description, owner) if owner in description.types else ()
    return {
        *description.types,
        *description.enumerations,
        *description.exceptions,
        *description.functions,
        *description.settings,
        *(f"{owner}.{member}" for member in members),
    }
