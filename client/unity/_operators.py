# SPDX-License-Identifier: Apache-2.0
"""Python's operators and statements for types of the server; apart because few types have any.

An operator whose operand the method refuses returns NotImplemented, as Python's own types do, so
that the other operand is asked next, and `==` is False in the end.
"""

from unity import errors
from unity._connection import Proxy

_ARITHMETIC = ("add", "and", "divmod", "floordiv", "lshift", "matmul", "mod", "mul", "or", "pow",
               "rshift", "sub", "truediv", "xor")  # fmt: skip
_COMPARISONS = ("eq", "ge", "gt", "le", "lt", "ne")
_BINARY = frozenset(
    [f"__{name}__" for name in (*_ARITHMETIC, *_COMPARISONS)]
    + [f"__r{name}__" for name in _ARITHMETIC]
)
_IN_PLACE = frozenset(f"__i{name}__" for name in _ARITHMETIC if name != "divmod")
_DISPLAY = "_repr_mimebundle_"

# Names that this module has something to do for.
ADAPTED = _BINARY | _IN_PLACE | {"__enter__", "__exit__", _DISPLAY}


def members_of(members):
    """The members as Python wants them."""
    result = dict(members)
    for name, member in members.items():
        if name in ("__eq__", "__ne__"):
            result[name] = member.adapted(_comparing)
        elif name in _BINARY:
            result[name] = member.adapted(_operating)
        elif name in _IN_PLACE:
            result[name] = member.adapted(_in_place)
        elif name == "__enter__":
            result[name] = member.adapted(_entering)
        elif name == "__exit__":
            result[name] = member.adapted(_leaving)
            result.setdefault("__enter__", _enter)
        elif name == _DISPLAY and not member.routine.parameters:
            result[name] = member.adapted(_displaying)
    if "__eq__" in members and "__ne__" not in members:
        result["__ne__"] = _not_equal
    return result


def _operating(function, *args, **kwargs):
    if len(args) != 1 or kwargs:
        return function(*args, **kwargs)
    if _wants_another_proxy(function, args[0]):
        return NotImplemented
    try:
        return function(*args)
    except errors.WrongType as error:
        if error.thrown_type:  # the method itself has thrown it
            raise
        return NotImplemented


def _comparing(function, *args, **kwargs):
    try:
        return _operating(function, *args, **kwargs)
    except (errors.Overflow, errors.InvalidArgument) as error:
        if error.thrown_type or error.exception_name:
            raise
        return NotImplemented


def _wants_another_proxy(function, operand):
    """Whether the method takes objects of the server only, and the operand is none: no call."""
    routine = function.routine
    if isinstance(operand, Proxy) or routine.overloads or len(routine.parameters) != 1:
        return False
    connection = type(function.__self__)._connection()
    return connection is not None and routine.parameters[0][1] in connection.description.types


def _in_place(function, *args, **kwargs):
    result = _operating(function, *args, **kwargs)
    return function.__self__ if result is None else result


def _not_equal(self, other):
    equal = self.__eq__(other)
    return equal if equal is NotImplemented else not equal


def _entering(function, *args, **kwargs):
    result = function(*args, **kwargs)
    return function.__self__ if result is None else result


def _enter(self):
    return self


def _leaving(function, *args):
    """`__exit__` may take nothing, or the text of the exception (None if there is none)."""
    if len(args) != 3 or len(function.routine.parameters) == 3:
        return function(*args)
    if not function.routine.parameters:
        return function()
    error = args[1]
    return function(None if error is None else f"{type(error).__name__}: {error}")


def _displaying(function, *args, **kwargs):
    """Jupyter says which formats it wants; the method gives what it has."""
    return function()
