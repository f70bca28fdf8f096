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
