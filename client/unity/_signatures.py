# SPDX-License-Identifier: Apache-2.0
"""Signatures for help() and completion; apart because `inspect` is slow to import."""

from inspect import Parameter, Signature
from keyword import iskeyword


def signature_of(parameters, takes_rest, is_variadic, result):
    """The inspect.Signature of parameters as a Routine keeps them: (name, type, default)."""
    required = max(
        (i + 1 for i, (_, _, default) in enumerate(parameters) if not default), default=0
    )
    listed = [
        Parameter(
            _identifier(name),
            Parameter.POSITIONAL_OR_KEYWORD,
            default=Parameter.empty if i < required else default[0],
            annotation=type_text or Parameter.empty,
        )
        for i, (name, type_text, default) in enumerate(parameters)
    ]
    if takes_rest:
        listed.append(Parameter("args", Parameter.VAR_POSITIONAL))
    if is_variadic:
        listed.append(Parameter("params", Parameter.VAR_KEYWORD))
    return Signature(listed, return_annotation=result or Signature.empty)


def signature_of_all(signatures):
    """One signature for overloads: what they have in common. Parameters that have the same names
    everywhere are listed, with what they may be; otherwise anything may be given."""
    names = {tuple(signature.parameters) for signature in signatures}
    result = _union(signature.return_annotation for signature in signatures)
    if len(names) > 1:
        return Signature(
            [
                Parameter("args", Parameter.VAR_POSITIONAL),
                Parameter("kwargs", Parameter.VAR_KEYWORD),
            ],
            return_annotation=result,
        )
    listed = []
    for name, first in signatures[0].parameters.items():
        same = [signature.parameters[name] for signature in signatures]
        default = first.default
        if any(repr(one.default) != repr(default) for one in same):
            default = Ellipsis
        listed.append(first.replace(default=default, annotation=_union(p.annotation for p in same)))
    return Signature(listed, return_annotation=result)


def _union(annotations):
    """ "int | str"; empty if one of them is."""
    texts = list(dict.fromkeys(annotations))
    return Signature.empty if Signature.empty in texts else " | ".join(texts)


def documentation_of(name, signatures, docs):
    """The documentation of overloads: each signature, and what is said of it."""
    parts = []
    for signature, doc in zip(signatures, docs, strict=True):
        indented = "".join(f"\n    {line}" for line in doc.splitlines())
        parts.append(f"{name}{signature}{indented}")
    return "\n\n".join(parts)


def _identifier(name):
    """`name` if Python can write it as an argument, else something close to it."""
    name = "".join(c if c.isalnum() else "_" for c in name) or "_"
    if name.isidentifier() and not iskeyword(name):
        return name
    return f"{name}_" if iskeyword(name) else f"_{name}"


def with_self(signature):
    """The signature of a method that is not bound yet."""
    first = Parameter("self", Parameter.POSITIONAL_ONLY)
    return signature.replace(parameters=[first, *signature.parameters.values()])
