# SPDX-License-Identifier: Apache-2.0
"""Types of the server that are containers for Python too; apart because few types are.

A method with the name of one of Python's, such as `__len__` or `__getitem__`, is that method.
"""

from collections.abc import ItemsView, KeysView, Mapping, MutableMapping, ValuesView

from unity import errors
from unity._connection import Proxy

_MAPPING = frozenset(
    ("__contains__", "__getitem__", "__iter__", "__len__", "get", "items", "keys", "values")
)
_MUTABLE_MAPPING = _MAPPING | frozenset(
    ("__delitem__", "__setitem__", "clear", "pop", "popitem", "setdefault", "update")
)


class MappingProxy:
    """What makes a type with the methods of a mapping one.

    Two proxies are equal if they stand for the same object, like all proxies; a proxy and another
    mapping are equal if they have equal items. The default of `get` and `pop` stays here, as
    Python expects of a mapping: it may be any object, and comes back as it is.
    """

    __slots__ = ()

    def __reversed__(self):
        return reversed(list(self))

    def __or__(self, other):
        if not isinstance(other, Mapping):
            return NotImplemented
        return dict(self.items()) | _as_dict(other)

    def __ror__(self, other):
        if not isinstance(other, Mapping):
            return NotImplemented
        return _as_dict(other) | dict(self.items())

    def __eq__(self, other):
        if isinstance(other, Proxy) or not isinstance(other, Mapping):
            return Proxy.__eq__(self, other)
        return dict(self.items()) == dict(other)

    def __ne__(self, other):
        equal = self == other
        return equal if equal is NotImplemented else not equal

    __hash__ = Proxy.__hash__


class MutableMappingProxy(MappingProxy):
    """The same for a mapping that can be changed."""

    __slots__ = ()

    def __ior__(self, other):
        self.update(other)
        return self


class View:
    """What a mapping of the server has whenever one looks; each look is one call."""

    __slots__ = ()

    def __init__(self, function):
        super().__init__(function.__self__)
        self._all = function

    def __iter__(self):
        return iter(self._all())

    def __reversed__(self):
        return reversed(self._all())


class Keys(View, KeysView):
    """The keys."""

    __slots__ = ("_all",)


class Items(View, ItemsView):
    """The pairs of key and value."""

    __slots__ = ("_all",)


class Values(View, ValuesView):
    """The values."""

    __slots__ = ("_all",)

    def __contains__(self, value):
        return any(one is value or one == value for one in self)


# Once for all types of all sessions.
Mapping.register(MappingProxy)
MutableMapping.register(MutableMappingProxy)


def bases_of(names, bases):
    """The base classes of a type that has members of these names and derives from `bases`."""
    mixin = None
    if names >= _MUTABLE_MAPPING:
        mixin = MutableMappingProxy
    elif names >= _MAPPING:
        mixin = MappingProxy
    if mixin is None or any(issubclass(base, mixin) for base in bases):
        return bases
    return (mixin, *bases)


def members_of(members, bases):
    """The members as Python wants them: those that iterate return iterators, and those that take
    a default or another mapping take any."""
    result = dict(members)
    for name in ("__iter__", "__reversed__"):
        if hasattr(members.get(name), "adapted"):
            result[name] = _iterating(members[name])
    adapters = {}
    if any(issubclass(base, MappingProxy) for base in bases):
        adapters = {"get": _get, "keys": _viewing(Keys), "items": _viewing(Items),
                    "values": _viewing(Values)}  # fmt: skip
    if any(issubclass(base, MutableMappingProxy) for base in bases):
        adapters.update(pop=_pop, update=_update)
    for name, adapter in adapters.items():
        if name in members:
            result[name] = members[name].adapted(adapter)
    return result


def constructor_adapter(described, bases):
    """What adapts the arguments of a type's constructor: those of a dict's. None: nothing."""
    constructor = described.constructor
    is_mapping = any(issubclass(base, MutableMappingProxy) for base in bases)
    if not is_mapping or constructor is None:
        return None
    # One with parameters of its own takes what these say.
    return _create if constructor.takes_rest and not constructor.parameters else None


def _as_dict(mapping):
    return dict(mapping.items() if isinstance(mapping, MappingProxy) else mapping)


def _viewing(view):
    """What makes a view of the mapping, and leaves wrong arguments for the server to refuse."""

    def adapter(function, *args, **kwargs):
        return function(*args, **kwargs) if args or kwargs else view(function)

    return adapter


def _get(function, *args, **kwargs):
    look = function.__self__.__getitem__.options(timeout_s=function.timeout_s)
    return _with_default(function, look, args, kwargs)


def _pop(function, *args, **kwargs):
    return _with_default(function, function, args, kwargs)


def _with_default(function, look, args, kwargs):
    """Calls `look(key)` and keeps the default here, if one is given; else calls `function`."""
    if len(args) == 2 and not kwargs:
        key, default = args
    elif len(args) == 1 and kwargs.keys() == {"default"}:
        key, default = args[0], kwargs["default"]
    elif not args and kwargs.keys() == {"key", "default"}:
        key, default = kwargs["key"], kwargs["default"]
    else:
        return function(*args, **kwargs)
    try:
        return look(key)
    except errors.UnknownKey:
        return default


def _update(function, *args, **kwargs):
    if len(args) == 1:
        args = (_items(args[0], type(function.__self__)),)
    return function(*args, **kwargs)


def _create(cls, function, *args, **kwargs):
    if len(args) == 1:
        args = (_items(args[0], cls),)
    return function(*args, **kwargs)


def _items(other, cls):
    """What a map is filled with, as the server takes it; as it is if that is for it to refuse."""
    if isinstance(other, (dict, cls)):
        return other
    if isinstance(other, MappingProxy):
        return dict(other.items())
    if hasattr(other, "keys"):
        return {key: other[key] for key in other.keys()}  # noqa: SIM118
    if isinstance(other, Proxy) or not hasattr(other, "__iter__"):
        return other
    return [pair if isinstance(pair, (list, tuple)) else _pair(pair) for pair in other]


def _pair(pair):
    return tuple(pair) if hasattr(pair, "__iter__") and not isinstance(pair, Proxy) else pair


def _iterating(method):
    """A method that goes through what `method` returns: one call for all of it."""

    def iterate(self):
        return iter(method.__get__(self, type(self))())

    iterate.__name__ = method.__name__
    iterate.__qualname__ = method.__qualname__
    iterate.__doc__ = method.__doc__
    return iterate
