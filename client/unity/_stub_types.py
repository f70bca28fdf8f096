# SPDX-License-Identifier: Apache-2.0
"""The types of a server's description as type checkers write them."""

import ast

# Where a checker finds what a description names; the stubs import these modules by these names.
IMPORTS = (
    "import builtins as _builtins",
    "import collections.abc as _abc",
    "import datetime as _datetime",
    "import decimal as _decimal",
    "import enum as _enum",
    "import typing as _typing",
    "import uuid as _uuid",
    "",
    "import unity as _unity",
    "import unity._typed as _typed",
)

_BUILTINS = {"None", "bool", "bytes", "complex", "float", "int", "str"}
_MODULES = {
    "date": "_datetime.date",
    "datetime": "_datetime.datetime",
    "time": "_datetime.time",
    "timedelta": "_datetime.timedelta",
    "Decimal": "_decimal.Decimal",
    "UUID": "_uuid.UUID",
    "Proxy": "_unity.Proxy",
}
# As a parameter and as a result.
_PLAIN = {
    "object": ("_builtins.object", "_typing.Any"),
    "list": ("_abc.Sequence[_typing.Any]", "_builtins.list[_typing.Any]"),
    "tuple": ("_builtins.tuple[_typing.Any, ...]", "_builtins.tuple[_typing.Any, ...]"),
    "set": ("_abc.Set[_typing.Any]", "_builtins.set[_typing.Any]"),
    "frozenset": ("_abc.Set[_typing.Any]", "_builtins.frozenset[_typing.Any]"),
    "dict": (
        "_abc.Mapping[_typing.Any, _typing.Any]",
        "_builtins.dict[_typing.Any, _typing.Any]",
    ),
    "bytes": ("_typed.Bytes", "_builtins.bytes"),
    "ndarray": ("_typing.Any", "_typing.Any"),
    "Callable": ("_abc.Callable[..., _typing.Any]", "_abc.Callable[..., _typing.Any]"),
    "Message": ("_typing.Any", "_unity.Message"),
    "unity.DataFrame": ("_typing.Any", "_unity.DataFrame"),
    "unity.Graph": ("_typing.Any", "_unity.Graph"),
}
_GENERIC = {
    "list": ("_abc.Sequence", "_builtins.list"),
    "set": ("_abc.Set", "_builtins.set"),
    "frozenset": ("_abc.Set", "_builtins.frozenset"),
    "dict": ("_abc.Mapping", "_builtins.dict"),
    "tuple": ("_builtins.tuple", "_builtins.tuple"),
    "Iterator": ("_abc.Iterable", "_abc.Iterator"),
}
_ANY = "_typing.Any"


class Translator:
    """Turns "list[Probe | None]" into what a checker understands.

    A parameter takes more than a result is: any sequence for a list, the name of an enumeration's
    member for the member.
    """

    def __init__(self, classes, enumerations):
        """`classes` maps registered names of types and enumerations to what they are called."""
        self.names = {name: called.rpartition(".")[2] for name, called in classes.items()}
        self._classes = classes
        self._enumerations = enumerations

    def parameter(self, text):
        return self._translate(text, 0)

    def result(self, text):
        return self._translate(text, 1)

    def _translate(self, text, place):
        if not text:
            return _ANY
        try:
            return self._spell(ast.parse(text, mode="eval").body, place)
        except SyntaxError:
            return _ANY  # of an extension that spells its types in another way

    def _spell(self, node, place):
        match node:
            case ast.Constant(value=None):
                return "None"
            case ast.Name() | ast.Attribute():
                return self._name(ast.unparse(node), place)
            case ast.BinOp(op=ast.BitOr()):
                sides = (self._spell(node.left, place), self._spell(node.right, place))
                return _ANY if _ANY in sides else " | ".join(dict.fromkeys(sides))
            case ast.Subscript(value=ast.Name(id="ndarray")):
                return _ANY
            case ast.Subscript(
                value=ast.Name(id="Callable"), slice=ast.Tuple(elts=[given, result])
            ):
                return self._callable(given, result, place)
            case ast.Subscript(value=ast.Name(id=name)) if name in _GENERIC:
                return self._generic(name, node.slice, place)
        return _ANY

    def _name(self, name, place):
        if name in self._classes:
            cls = self._classes[name]
            is_enumeration = name in self._enumerations
            return f"{cls} | _builtins.str" if is_enumeration and place == 0 else cls
        if name in _PLAIN:
            return _PLAIN[name][place]
        if name in _BUILTINS:
            return name if name == "None" else f"_builtins.{name}"
        return _MODULES.get(name, _ANY)

    def _generic(self, name, inner, place):
        items = inner.elts if isinstance(inner, ast.Tuple) else [inner]
        spelt = [self._spell(item, place) for item in items]
        if not items:
            return f"{_GENERIC[name][place]}[()]"
        is_row = name == "list" and place == 0
        row = " | _typed.SupportsArray" if is_row and _is_number(items[0]) else ""
        return f"{_GENERIC[name][place]}[{', '.join(spelt)}]{row}"

    def _callable(self, given, result, place):
        # What a callback is given is a result of the server, and what it returns a parameter.
        other = 1 - place
        given = ", ".join(self._spell(item, other) for item in getattr(given, "elts", []))
        return f"_abc.Callable[[{given}], {self._spell(result, place)}]"


def _is_number(node):
    return isinstance(node, ast.Name) and node.id in ("bool", "int", "float", "complex")
