# SPDX-License-Identifier: Apache-2.0
"""The enumerations of servers, as classes; apart because few servers have any."""

import copyreg
import enum
import weakref

# By name, documentation and members: equal enumerations are one class, whichever server has them.
_known = weakref.WeakValueDictionary()


class EnumerationType(enum.EnumMeta):
    """The type of these classes, by which they can be pickled."""


class Enumeration(enum.Enum, metaclass=EnumerationType):
    """Base of the enumerations of servers. Members can be pickled; they need no server."""

    def __reduce_ex__(self, protocol):
        return _member, (*_parts_of(type(self)), self.name)


def _parts_of(cls):
    members = tuple((name, member.value) for name, member in cls.__members__.items())
    return cls.__qualname__, cls.__doc__, members


def _reduced_class(cls):
    return cls.__qualname__ if cls is Enumeration else (enumeration, _parts_of(cls))


copyreg.pickle(EnumerationType, _reduced_class)


def enumeration(name, doc, members):
    """The class of that name, with dots, and of those (name, value) pairs.

    Raises:
        ValueError: Python has no such members.
    """
    key = (name, doc, members)
    cls = _known.get(key)
    if cls is None:
        short_name = name.rpartition(".")[2]
        cls = Enumeration(short_name, dict(members), module="unity", qualname=name)
        cls.__doc__ = doc
        cls = _known.setdefault(key, cls)
    return cls


def _member(name, doc, members, member):
    return enumeration(name, doc, members)[member]
