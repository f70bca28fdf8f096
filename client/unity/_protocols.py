# SPDX-License-Identifier: Apache-2.0
"""Types of the server that are containers for Python too; apart because few types are.

A method with the name of one of Python's, such as `__len__` or `__getitem__`, is that method.
"""

from collections.abc import Mapping, MutableMapping

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
    mapping are equal if they have equal items.
    """

    __slots__ = ()

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


# Once for all types of all sessions.
Mapping.register(MappingProxy)
MutableMapping.register(MutableMappingProxy)


def bases_of(members):
    """The base classes of a type with these members."""
    if members.keys() >= _MUTABLE_MAPPING:
        return (MutableMappingProxy, Proxy)
    if members.keys() >= _MAPPING:
        return (MappingProxy, Proxy)
    return (Proxy,)


def members_of(members):
    """The members as Python wants them: those that iterate return iterators."""
    return {
        **members,
        **{
            name: _iterating(members[name])
            for name in ("__iter__", "__reversed__")
            if name in members
        },
    }


def _iterating(method):
    """A method that goes through what `method` returns: one call for all of it."""

    def iterate(self):
        return iter(method.__get__(self, type(self))())

    iterate.__name__ = method.__name__
    iterate.__qualname__ = method.__qualname__
    iterate.__doc__ = method.__doc__
    return iterate
