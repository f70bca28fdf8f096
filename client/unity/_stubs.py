# SPDX-License-Identifier: Apache-2.0
"""Stubs of a server: what type checkers and editors know of its types, toolkits and settings.

A package of two files: `_classes.pyi` has a class for each type and enumeration, `__init__.pyi`
the protocol `Session`, whose `types`, `toolkits` and `server.settings` are those of the server.
"""

import enum
import inspect
import textwrap
from collections.abc import Mapping, MutableMapping
from pathlib import Path

from unity import errors
from unity._property import Property
from unity._protocols import MutableMappingProxy, bases_of
from unity._stub_types import IMPORTS, Translator

_HEAD = "# Written by `python -m unity stubs`; it describes a server of version {version}.\n"
_INDENT = "    "
# The methods that a mapping has to have, as checkers want them.
_SPECIAL = {
    "__delitem__": "def __delitem__(self, key: _typing.Any, /) -> None: ...",
    "__getitem__": "def __getitem__(self, key: _typing.Any, /) -> _typing.Any: ...",
    "__iter__": "def __iter__(self) -> _abc.Iterator[_typing.Any]: ...",
    "__len__": "def __len__(self) -> _builtins.int: ...",
    "__setitem__": "def __setitem__(self, key: _typing.Any, value: _typing.Any, /) -> None: ...",
}
# Results of the methods that Python calls, where these say more than the server does.
_SPECIAL_RESULTS = {
    "__iter__": "_abc.Iterator[_typing.Any]",
    "__reversed__": "_abc.Iterator[_typing.Any]",
}


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
    for name, described in sorted(description.types.items()):
        parts.append(_class(names[name], described, translator))
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


def _class(name, described, translator):
    base, inherited = _base_of(described.members)
    lines = _doc(described.doc) + [_SPECIAL[member] for member in sorted(inherited & set(_SPECIAL))]
    if described.constructor is None:
        # Not to be called; a parameter that no value has says so to checkers.
        lines += ["def __init__(self, cannot_be_created: _typing.Never) -> None: ..."]
    else:
        given = _parameters(described.constructor.signature, translator)
        lines += [f"def __init__({_with_self(given)}) -> None: ..."]
    for member_name, member in sorted(described.members.items()):
        if member_name in inherited:
            continue
        if isinstance(member, Property):
            lines += _property(member, translator)
        else:
            lines += _method(member_name, member.routine, translator)
    return _block(f"class {name}({base}):", lines)


def _base_of(members):
    """The base class of a type with these members, and which of them come from it."""
    bases = bases_of(members)
    if len(bases) == 1:
        return "_unity.Proxy", set()
    kind = MutableMapping if bases[0] is MutableMappingProxy else Mapping
    base = f"_unity.Proxy, _abc.{kind.__name__}[_typing.Any, _typing.Any]"
    return base, {name for name in dir(kind) if name not in dir(object)}


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
    result = _SPECIAL_RESULTS.get(name) or translator.result(routine.result)
    given = _parameters(routine.signature, translator)
    return _definition(name, _with_self(given), result, routine.doc)


def _with_self(parameters):
    # Without a name of its own, so that it cannot be mistaken for one of further keywords.
    return ", ".join(["self", "/", *parameters] if parameters else ["self"])


def _function(name, routine, translator):
    """A method or function that has `submit` and `options`."""
    given = _parameters(routine.signature, translator)
    result = translator.result(routine.result)
    return ["@_typed.method", *_definition(name, _with_self(given), result, routine.doc)]


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
