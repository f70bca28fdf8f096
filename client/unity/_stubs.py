# SPDX-License-Identifier: Apache-2.0
"""Stubs of a server: what type checkers and editors know of its types, toolkits and settings.

A package of two files: `_classes.pyi` has a class for each type and enumeration, `__init__.pyi`
the protocol `Session`, whose `types`, `toolkits` and `server.settings` are those of the server.
"""

import enum
import inspect
import re
import textwrap
from collections.abc import Mapping, MutableMapping
from pathlib import Path

from unity import errors
from unity._connection import Proxy
from unity._described import members_of
from unity._property import Property
from unity._protocols import MutableMappingProxy, bases_of
from unity._static import StaticMethod
from unity._stub_types import IMPORTS, Translator

# C++ need not keep to what checkers ask of overloads and of methods that replace those of a base.
_HEAD = """\
# Written by `python -m unity stubs`; it describes a server of version {version}.
# mypy: disable-error-code="override, overload-cannot-match, overload-overlap"
# pyright: reportIncompatibleMethodOverride=false, reportIncompatibleVariableOverride=false
# pyright: reportOverlappingOverload=false
"""
_INDENT = "    "
# The methods that a mapping has to have, as checkers want them.
_SPECIAL = {
    "__delitem__": "def __delitem__(self, key: _typing.Any, /) -> None: ...",
    "__getitem__": "def __getitem__(self, key: _typing.Any, /) -> _typing.Any: ...",
    "__iter__": "def __iter__(self) -> _abc.Iterator[_typing.Any]: ...",
    "__len__": "def __len__(self) -> _builtins.int: ...",
    "__setitem__": "def __setitem__(self, key: _typing.Any, value: _typing.Any, /) -> None: ...",
}
# The methods that Python calls in its own way, whatever the server says of them.
_PYTHONS = {
    "__bool__": "def __bool__(self) -> _builtins.bool: ...",
    "__contains__": "def __contains__(self, item: _builtins.object, /) -> _builtins.bool: ...",
    "__enter__": "def __enter__(self) -> _typing.Self: ...",
    "__eq__": "def __eq__(self, other: _builtins.object, /) -> _builtins.bool: ...",
    "__exit__": "def __exit__(self, *exception: _builtins.object) -> None: ...",
    "__hash__": "def __hash__(self) -> _builtins.int: ...",
    "__len__": "def __len__(self) -> _builtins.int: ...",
    "__ne__": "def __ne__(self, other: _builtins.object, /) -> _builtins.bool: ...",
    "__repr__": "def __repr__(self) -> _builtins.str: ...",
    "__str__": "def __str__(self) -> _builtins.str: ...",
}
_IN_PLACE = re.compile(
    r"__i(add|and|floordiv|lshift|matmul|mod|mul|or|pow|rshift|sub|truediv|xor)__"
)


def write_stubs(description, folder):
    """Write the stubs of a server.

    Args:
        description: of a connection.
        folder: path of the package that is written; made if it is missing. Its name is that of
            the package.

    Returns:
        list of the paths that were written.

    Raises:
        InvalidArgument: the folder's name cannot be that of a package.
        InputOutputError: a file cannot be written.
    """
    folder = Path(folder)
    if not folder.resolve().name.isidentifier():
        raise errors.InvalidArgument(
            f"stubs are a package, and {folder.resolve().name!r} cannot be the name of one"
        )
    files = {"__init__.pyi": session_stub, "_classes.pyi": classes_stub}
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text_of in files.items():
            (folder / name).write_text(text_of(description), encoding="utf-8")
            written.append(folder / name)
    except OSError as error:
        raise errors.InputOutputError(error.errno, error.strerror, error.filename) from error
    return written


def write_builtin_stubs(folder):
    """Write the stubs of what every server has, by asking a private one; for the build."""
    from unity import launch

    with launch() as session:
        write_stubs(session._connection.description, folder)


def classes_stub(description):
    """The text of `_classes.pyi`."""
    names = _flat_names(description)
    translator = _translator(description)
    parts = [_head(description, "from . import _classes as _classes")]
    for name, enumeration in sorted(description.enumerations.items()):
        parts.append(_enumeration(names[name], enumeration))
    for name, exception in sorted(description.exceptions.items()):
        parts.append(_exception(names[name], exception.cls, names))
    for name in sorted(description.types):
        parts.append(_class(description, name, translator))
    return "\n\n".join(parts).rstrip() + "\n"


def session_stub(description):
    """The text of `__init__.pyi`."""
    translator = _translator(description)
    names = _flat_names(description)
    exported = [f"from ._classes import {name} as {name}" for name in sorted(names.values())]
    types = {
        name: [f"{name.rpartition('.')[2]}: _builtins.type[_classes.{flat}]"]
        for name, flat in names.items()
    }
    functions = {
        name: _function(routine.name, routine, translator)
        for name, routine in description.functions.items()
    }
    parts = [
        _head(description, "from . import _classes as _classes", *exported),
        *_namespaces("_Types", types),
        *_namespaces("_Toolkits", functions),
        _settings(description.settings, translator),
        textwrap.dedent('''\
            class _Server(_typed.Server, _typing.Protocol):
                @_builtins.property
                def settings(self) -> _Settings: ...

            class Session(_typed.Session, _typing.Protocol):
                """A `unity.Session` with a server of this description."""

                @_builtins.property
                def types(self) -> _Types: ...
                @_builtins.property
                def toolkits(self) -> _Toolkits: ...
                @_builtins.property
                def server(self) -> _Server: ...
            '''),
    ]
    return "\n\n".join(parts).rstrip() + "\n"


def _head(description, *more):
    return "\n".join([_HEAD.format(version=description.version), *IMPORTS, *more])


def _flat_names(description):
    """What the classes are called: the registered names with "_" for dots, no two alike."""
    flat = {}
    for name in sorted(description.names):
        wanted = name.replace(".", "_")
        while wanted in flat.values():
            wanted += "_"
        flat[name] = wanted
    return flat


def _translator(description):
    names = {name: f"_classes.{flat}" for name, flat in _flat_names(description).items()}
    return Translator(names, description.enumerations)


def _doc(text):
    """The lines of a docstring; none for no text."""
    if not text:
        return []
    escaped = text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    if escaped.endswith('"'):
        escaped += " "
    return f'"""{escaped}"""'.splitlines()


def _block(head, lines):
    return "\n".join([head, *(_INDENT + line if line else "" for line in lines or ["..."])])


def _enumeration(name, described):
    members = [f"{member} = {value!r}" for member, value in described.members.items()]
    return _block(f"class {name}(_enum.Enum):", [*_doc(described.doc), *members])


def _exception(name, cls, names):
    bases = [base for base in cls.__bases__ if issubclass(base, errors.Error)]
    known = names.get(bases[0].__qualname__)
    text = f"_classes.{known}" if known else f"_unity.{bases[0].__name__}"
    return _block(f"class {name}({text}):", _doc(cls.__doc__))


def _class(description, name, translator):
    described = description.types[name]
    base, inherited = _base_of(description, described, translator)
    lines = _doc(described.doc) + [_SPECIAL[member] for member in sorted(inherited & set(_SPECIAL))]
    if described.constructor is None:
        # Not to be called; a parameter that no value has says so to checkers.
        lines += ["def __init__(self, cannot_be_created: _typing.Never) -> None: ..."]
    else:
        made = [
            f"def __init__({_with_self(_parameters(signature, translator))}) -> None: ..."
            for signature in described.constructor.signatures
        ]
        lines += _overloads(made)
    for member_name, member in sorted(described.members.items()):
        if member_name in inherited:
            continue
        if isinstance(member, Property):
            lines += _property(member, translator)
        elif isinstance(member, StaticMethod):
            lines += _function(member_name, member.routine, translator, "@_typed.static")
        else:
            lines += _method(member_name, member.routine, translator)
    return _block(f"class {translator.names[name]}({base}):", lines)


def _base_of(description, described, translator):
    """The base classes of a type as written, and which of its members come from them."""
    registered = [translator.names[base] for base in described.bases if base in translator.names]
    members = set(members_of(description, described.name))
    mixin = bases_of(members, (Proxy,))[0]
    bases = [f"_classes.{base}" for base in registered] or ["_unity.Proxy"]
    if mixin is Proxy:
        return ", ".join(bases), set()
    kind = MutableMapping if mixin is MutableMappingProxy else Mapping
    if not registered:
        bases.append(f"_abc.{kind.__name__}[_typing.Any, _typing.Any]")
    return ", ".join(bases), {name for name in dir(kind) if name not in dir(object)}


def _property(member, translator):
    getter = member.getter
    result = translator.result(getter.result)
    lines = ["@_builtins.property"]
    lines += _definition(getter.name, "self", result, getter.doc)
    if member.setter is not None:
        value = translator.parameter(getter.result)
        lines += [f"@{getter.name}.setter"]
        lines += _definition(getter.name, f"self, value: {value}", "None", "")
    return lines


def _method(name, routine, translator):
    if not (name.startswith("__") and name.endswith("__")):
        return _function(name, routine, translator)
    if name in _PYTHONS:
        return [_PYTHONS[name]]
    definitions = []
    for signature in routine.signatures:
        given = _with_self(_parameters(signature, translator))
        result = translator.result(_text_of(signature.return_annotation))
        if _IN_PLACE.fullmatch(name):
            result = "_typing.Self"
        elif name in ("__iter__", "__reversed__") and not result.startswith("_abc.Iterator["):
            result = "_abc.Iterator[_typing.Any]"
        definitions.append(_definition(name, given, result, routine.documentation))
    return _overloaded(definitions)


def _with_self(parameters):
    # Without a name of its own, so that it cannot be mistaken for one of further keywords.
    return ", ".join(["self", "/", *parameters] if parameters else ["self"])


def _function(name, routine, translator, decorator="@_typed.method"):
    """A method or function that has `submit` and `options`; one of overloads has neither here,
    since checkers cannot carry all of its signatures over to them."""
    signatures = routine.signatures
    definitions = []
    for signature in signatures:
        given = _parameters(signature, translator)
        first = ", ".join(given) if decorator == "@_typed.static" else _with_self(given)
        result = translator.result(_text_of(signature.return_annotation))
        definitions.append(_definition(name, first, result, routine.documentation))
    if decorator == "@_typed.static":
        definitions = [["@_builtins.staticmethod", *one] for one in definitions]
    return [decorator, *definitions[0]] if len(definitions) == 1 else _overloaded(definitions)


def _overloaded(definitions):
    if len(definitions) == 1:
        return definitions[0]
    return [line for one in definitions for line in ("@_typing.overload", *one)]


def _text_of(annotation):
    return "" if annotation is inspect.Signature.empty else annotation


def _definition(name, parameters, result, doc):
    head = f"def {name}({parameters}) -> {result}:"
    lines = _doc(doc)
    return [head, *(_INDENT + line if line else "" for line in lines)] if lines else [f"{head} ..."]


def _parameters(signature, translator):
    spelt = []
    for parameter in signature.parameters.values():
        text = "" if parameter.annotation is parameter.empty else parameter.annotation
        kind = translator.parameter(text) if text else "_builtins.object"
        star = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
        default = "" if parameter.default is parameter.empty else f" = {_default(parameter)}"
        spelt.append(f"{star.get(parameter.kind, '')}{parameter.name}: {kind}{default}")
    return spelt


def _default(parameter):
    """The default as it can be written in a stub, or "..."."""
    value = parameter.default
    if isinstance(value, enum.Enum):
        return "..."
    is_plain = value is None or isinstance(value, (bool, int, str, bytes))
    is_number = isinstance(value, float) and value == value and abs(value) != float("inf")
    return repr(value) if is_plain or is_number else "..."


def _namespaces(name, entries):
    """Classes for names with dots, the innermost first; `entries` are the lines for each name."""
    inner = {}
    lines = []
    for full_name, own in sorted(entries.items()):
        outer, dot, rest = full_name.partition(".")
        if dot:
            inner.setdefault(outer, {})[rest] = own
        else:
            lines += own
    parts = []
    for outer, nested in inner.items():
        cls = f"{name}_{outer}"
        parts += _namespaces(cls, nested)
        lines += ["@_builtins.property", f"def {outer}(self) -> {cls}: ..."]
    return [*parts, _block(f"class {name}(_typed.Namespace):", lines)]


def _settings(settings, translator):
    """The mapping of settings, whose items have types of their own."""
    read = [
        f"def __getitem__(self, name: _typing.Literal[{name!r}], /) -> "
        f"{translator.result(setting.type)}: ..."
        for name, setting in sorted(settings.items())
    ]
    written = [
        f"def __setitem__(self, name: _typing.Literal[{name!r}], "
        f"value: {translator.parameter(setting.type)}, /) -> None: ..."
        for name, setting in sorted(settings.items())
        if setting.is_writable
    ]
    return _block(
        "class _Settings(_typed.Settings, _typing.Protocol):",
        [*_overloads(read), *_overloads(written)],
    )


def _overloads(definitions):
    if len(definitions) < 2:
        return definitions
    return [line for one in definitions for line in ("@_typing.overload", one)]
