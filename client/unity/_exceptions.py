# SPDX-License-Identifier: Apache-2.0
"""Exception classes of servers, as classes; apart because few servers have any."""

import copyreg
import weakref

from unity import errors

# By lineage: equal exceptions are one class, whichever session or server has them. A lineage is the
# number of an error kind, followed by (name, documentation) of each class from there on.
_known = weakref.WeakValueDictionary()
_known_twins = weakref.WeakValueDictionary()


class ExceptionType(type):
    """The type of these classes, by which they can be pickled."""


class _Registered:
    """What the classes have beside their bases."""

    def __reduce__(self):
        cls = type(self)
        return _rebuilt, (
            cls._lineage,
            issubclass(cls, errors.ToolkitError),
            self.args,
            _state(self),
        )


def _state(error):
    return errors.Error.__reduce__(error)[1][2]


def exception_class(lineage):
    """The class of a lineage."""
    cls = _known.get(lineage)
    if cls is None:
        inner = lineage[:-1]
        base = exception_class(inner) if len(inner) > 1 else errors.class_of_kind(inner[0])
        cls = _known.setdefault(lineage, _make(lineage, (base,)))
    return cls


def toolkit_class(lineage):
    """The same, for what is thrown inside a toolkit: a ToolkitError too."""
    cls = exception_class(lineage)
    if issubclass(cls, errors.ToolkitError):
        return cls
    twin = _known_twins.get(lineage)
    if twin is None:
        inner = lineage[:-1]
        kind_class = errors.class_of_kind(inner[0])
        base = toolkit_class(inner) if len(inner) > 1 else errors.toolkit_twin(kind_class)
        twin = _known_twins.setdefault(lineage, _make(lineage, (cls, base)))
    return twin


def _make(lineage, bases):
    name, doc = lineage[-1]
    if not issubclass(bases[0], _Registered):
        bases = (_Registered, *bases)
    members = {
        "__module__": "unity",
        "__qualname__": name,
        "__doc__": doc,
        "_lineage": lineage,
        "exception_name": name,
    }
    return ExceptionType(name.rpartition(".")[2], bases, members)


def _rebuilt(lineage, is_of_toolkit, args, state):
    cls = toolkit_class(lineage) if is_of_toolkit else exception_class(lineage)
    return errors._rebuild(cls, args, state)


def _reduced_class(cls):
    # A twin is pickled as the class that users know.
    return exception_class, (cls._lineage,)


copyreg.pickle(ExceptionType, _reduced_class)


class ExceptionDescription:
    """One exception class of a server."""

    def __init__(self, lineage):
        self.lineage = lineage

    @property
    def cls(self):
        return exception_class(self.lineage)

    def adopt(self, error):
        """Makes an error of the kind's class an instance of this one."""
        in_toolkit = isinstance(error, errors.ToolkitError)
        cls = toolkit_class(self.lineage) if in_toolkit else self.cls
        if not isinstance(error, cls):
            error.__class__ = cls
