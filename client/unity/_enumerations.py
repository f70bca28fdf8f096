# SPDX-License-Identifier: Apache-2.0
"""The enumerations of servers, as classes; apart because few servers have any."""

import enum
import weakref

# By name, documentation and members: equal enumerations are one class, whichever server has them.
_known = weakref.WeakValueDictionary()


class Enumeration(enum.Enum):
    """Base of the enumerations of servers. Members can be pickled; they need no server."""

    def __reduce_ex__(self, protocol):
        cls = type(self)
        members = tuple((name, member.value) for name, member in cls.__members__.items())
        return _member, (cls.__qualname__, cls.__doc__, members, self.name)


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
