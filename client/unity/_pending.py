# SPDX-License-Identifier: Apache-2.0
"""Proxies out of pickles, before their first use; apart because few processes load any."""

import operator
import sys
from collections.abc import Mapping, MutableMapping

from unity import _pickles, _references
from unity._connection import Proxy

_BINARY = ("add", "and_", "floordiv", "lshift", "matmul", "mod", "mul", "or_", "pow", "rshift",
           "sub", "truediv", "xor")  # fmt: skip
_UNARY = ("abs", "index", "inv", "invert", "neg", "pos")
_BUILTINS = (bool, bytes, complex, divmod, float, int, iter, len, next, reversed, round)


class PendingProxy(Proxy):
    """A proxy out of a pickle that has not been used yet.

    Loading it did no I/O. Its first use gets its object, which may connect to the server; from
    then on it is an instance of the class of its session. Until that has worked each use tries
    again, and raises what is in the way: see `unity._pickles.found`.
    """

    __slots__ = ()
    __module__ = "unity"

    @property
    def __class__(self):
        """What it will be, as far as that is known without I/O."""
        reference = _references.reference_of(self)
        if reference is None:
            return type(self)
        connection = _pickles.live_connection(reference)
        if connection is None or reference["type"] not in connection.description.types:
            return type(self)
        return connection.description.class_of(reference["type"], connection)

    def __getattr__(self, name):
        # Tools look for names of that form, such as Jupyter's, and mean no harm.
        if name.startswith("_"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(_pickles.found(self), name)

    def __setattr__(self, name, value):
        setattr(_pickles.found(self), name, value)

    def __delattr__(self, name):
        delattr(_pickles.found(self), name)

    def __dir__(self):
        return dir(self.__class__)

    def __eq__(self, other):
        if isinstance(other, Proxy):
            return _references.object_id_of(self) == _references.object_id_of(other)
        return _pickles.found(self) == other

    def __ne__(self, other):
        return not self == other

    def __hash__(self):
        return int.from_bytes(_references.object_id_of(self)[:8], sys.byteorder, signed=True)

    def __reduce__(self):
        return _pickles.reduce_pending(self)

    def __repr__(self):
        reference = _references.reference_of(self)
        if reference is None:
            return repr(self)  # another thread has used it meanwhile
        return f"<{reference['type']} on {reference['address']}, not reached>"

    def __call__(self, *args, **kwargs):
        return _pickles.found(self)(*args, **kwargs)

    def __enter__(self):
        return _special(self, "__enter__")

    def __exit__(self, *error):
        return _special(self, "__exit__", *error)


def _special(proxy, name, *args):
    cls = type(_pickles.found(proxy))
    method = getattr(cls, name, None)
    if method is None:
        raise TypeError(f"{cls.__name__!r} object has no {name}()")
    return method(proxy, *args)


def _add(name, function):
    """A special method that gets the object and does the same again, whatever that does then."""

    def method(self, *args):
        _pickles.found(self)
        return function(self, *args)

    method.__name__ = name
    setattr(PendingProxy, name, method)


def _add_reflected(name, function):
    def method(self, other):
        _pickles.found(self)
        return function(other, self)

    method.__name__ = name
    setattr(PendingProxy, name, method)


for _name in _BINARY:
    _special_name = _name.strip("_")
    _add(f"__{_special_name}__", getattr(operator, _name))
    _add(f"__i{_special_name}__", getattr(operator, "i" + _special_name))
    _add_reflected(f"__r{_special_name}__", getattr(operator, _name))
for _name in _UNARY:
    _add(f"__{_name}__", getattr(operator, _name))
for _function in _BUILTINS:
    _add(f"__{_function.__name__}__", _function)
for _name in ("contains", "delitem", "getitem", "setitem", "lt", "le", "gt", "ge"):
    _add(f"__{_name}__", getattr(operator, _name))
_add_reflected("__rdivmod__", divmod)


class PendingMapping(PendingProxy, Mapping):
    """One that will be a mapping."""

    __slots__ = ()
    __module__ = "unity"


class PendingMutableMapping(PendingProxy, MutableMapping):
    """One that will be a mapping that can be changed."""

    __slots__ = ()
    __module__ = "unity"


_CLASSES = {"Mapping": PendingMapping, "MutableMapping": PendingMutableMapping}


def class_of(reference):
    """The class of a proxy that was pickled, until it is used."""
    return _CLASSES.get(reference.get("abc"), PendingProxy)
