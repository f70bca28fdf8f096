# SPDX-License-Identifier: Apache-2.0
"""Proxies out of pickles. A pickle names `load_proxy` here, so its name and place must stay."""

import os
import sys
import threading

from unity import _core, _references, errors
from unity._connection import Proxy, live_connections
from unity._routine import builtin

# Raised when a reader of older pickles could misunderstand a newer one.
_FORMAT = 1
# Seconds for connecting, if this process has no session with the server.
_CONNECT_TIMEOUT_S = 10.0

_REVOKE = builtin("$revoke", "Session.revoke", (("object",),))

# Two threads that load proxies of one server at one time get one session.
_lock = threading.Lock()


def _renew_lock():
    global _lock
    _lock = threading.Lock()


os.register_at_fork(after_in_child=_renew_lock)


def load_proxy(version, reference):
    """The proxy that was pickled.

    In the session it was pickled in, if that is one of this process; else in another one with
    the same server; else in a new one, which lives as long as proxies of it do. If that cannot be
    done now, an `UnreachableProxy`: whoever reads a pickle from a pipe or a file takes an
    exception, and any `OSError`, for the end of it.

    Raises:
        NotSupported: a newer version made the pickle.
    """
    if version != _FORMAT:
        raise errors.NotSupported(
            f"this pickle of a {reference.get('type', 'proxy')} was made by a newer version"
        )
    try:
        return _restored(reference)
    except errors.Error:
        return _references.unreachable(UnreachableProxy, reference)


def reduce_proxy(proxy):
    """What pickle makes of a proxy."""
    return load_proxy, (_FORMAT, _references.reduced(proxy))


def revoke(connection, proxy):
    """See Session.revoke."""
    if not isinstance(proxy, Proxy):
        raise errors.WrongType(f"revoke() takes a proxy, not {type(proxy).__qualname__!r}")
    return _core.bind(_REVOKE, connection)(proxy)


def found(proxy):
    """The proxy that an `UnreachableProxy` could not be before, if it can be now.

    Raises:
        StaleReference: the server has been restarted, or does not have the object any more.
        ConnectionLost: nobody listens there any more; CallTimeout: nobody answers.
    """
    return _restored(_references.reference_of(proxy))


def _restored(reference):
    with _lock:
        connection = _connection_to(reference)
    return _references.restore(connection, bytes.fromhex(reference["token"]))


def live_connection(place):
    """A connection of this process to the server of a pickle, the one that it was made in if that
    is still there; None if there is none.

    Args:
        place: a mapping with `server` and `session`.
    """
    server_id = bytes.fromhex(place["server"])
    usable = [
        connection
        for connection in list(live_connections)
        if connection.server_id == server_id and not connection.is_closed
    ]
    for connection in usable:
        if connection.key.hex() == place["session"]:
            return connection
    return usable[0] if usable else None


def any_connection(place):
    """The same, or else a new connection to whatever server is at `place["address"]` now."""
    with _lock:
        connection = live_connection(place)
        return connection or _core.connect(place["address"], _CONNECT_TIMEOUT_S)


def _connection_to(reference):
    connection = live_connection(reference)
    if connection is not None:
        return connection
    server_id = bytes.fromhex(reference["server"])
    connection = _core.connect(reference["address"], _CONNECT_TIMEOUT_S)
    if connection.server_id != server_id:
        raise errors.StaleReference(
            f"the server on {reference['address']} has been restarted: the {reference['type']} "
            "that was pickled is gone"
        )
    return connection


def _forwarded(name):
    def operator(self, *args):
        return getattr(found(self), name)(*args)

    operator.__name__ = name
    return operator


class UnreachableProxy(Proxy):
    """A pickled proxy whose object could not be had when the pickle was loaded.

    Each use tries again, and then does what it should, or raises what is in the way: see
    `unity._pickles.found`. It is equal to the proxies of its object.
    """

    __slots__ = ()
    __module__ = "unity"

    def __getattr__(self, name):
        # Tools look for names of that form, such as Jupyter's, and mean no harm.
        if name.startswith("_"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(found(self), name)

    def __setattr__(self, name, value):
        setattr(found(self), name, value)

    def __eq__(self, other):
        if not isinstance(other, Proxy):
            return NotImplemented
        return _references.object_id_of(self) == _references.object_id_of(other)

    def __hash__(self):
        return int.from_bytes(_references.object_id_of(self)[:8], sys.byteorder, signed=True)

    def __reduce__(self):
        return load_proxy, (_FORMAT, _references.reference_of(self))

    def __repr__(self):
        reference = _references.reference_of(self)
        return f"<{reference['type']} on {reference['address']}, not reached>"

    def __bool__(self):
        return bool(found(self))

    def __call__(self, *args, **kwargs):
        return found(self)(*args, **kwargs)


for _name in ("len", "contains", "getitem", "setitem", "delitem", "iter", "reversed"):
    setattr(UnreachableProxy, f"__{_name}__", _forwarded(f"__{_name}__"))
