# SPDX-License-Identifier: Apache-2.0
"""Proxies out of pickles. A pickle names `load_proxy` here, so its name and place must stay."""

import os
import threading
import weakref
from collections.abc import Mapping, MutableMapping

from unity import _core, _references, errors
from unity._access import token_for
from unity._connection import Proxy, live_connections
from unity._routine import builtin

# Raised when a reader of older pickles could misunderstand a newer one.
_FORMAT = 1
# Seconds for connecting, if this process has no session with the server.
_CONNECT_TIMEOUT_S = 10.0

_REVOKE = builtin("$revoke", "Session.revoke", (("object",),))

# Two threads that use loaded proxies of one server at one time get one session.
_lock = threading.Lock()

# Proxies that were pickled or loaded here: by the key of their session, or by the server of those
# that have none yet, and by their object.
_known = weakref.WeakValueDictionary()


def _after_fork():
    global _lock
    _lock = threading.Lock()
    _known.clear()


os.register_at_fork(after_in_child=_after_fork)


def load_proxy(version, reference):
    """The proxy that was pickled; no I/O.

    If this process has it already, the very one. Else a `PendingProxy`, which gets its object at
    its first use, and then is a proxy like all others: in the session it was pickled in, if that is
    one of this process; else in another one with the same server; else in a new one, which lives
    as long as proxies of it do.

    Raises:
        NotSupported: a newer version made the pickle.
    """
    from unity._pending import class_of

    if version != _FORMAT:
        raise errors.NotSupported(
            f"this pickle of a {reference.get('type', 'proxy')} was made by a newer version"
        )
    connection = live_connection(reference)
    proxy = _known.get(_key(connection, reference))
    if proxy is None or (_references.reference_of(proxy) is None and _is_closed(proxy)):
        proxy = _references.pending(class_of(reference), reference)
        _known[_key(connection, reference)] = proxy
    return proxy


def reduce_proxy(proxy):
    """What pickle makes of a proxy."""
    reference = _references.reduced(proxy)
    # What `match` and isinstance() ask for before the first use.
    for kind in (MutableMapping, Mapping):
        if isinstance(proxy, kind):
            reference["abc"] = kind.__name__
            break
    _remember(proxy, reference)
    return load_proxy, (_FORMAT, reference)


def reduce_pending(proxy):
    """The same of a `PendingProxy`: what it was made of."""
    reference = _references.reference_of(proxy)
    return reduce_proxy(proxy) if reference is None else (load_proxy, (_FORMAT, reference))


def revoke(connection, proxy):
    """See Session.revoke."""
    proxy = getattr(proxy, "__unity_proxy__", proxy)
    if not isinstance(proxy, Proxy):
        raise errors.WrongType(f"revoke() takes a proxy, not {type(proxy).__qualname__!r}")
    return _core.bind(_REVOKE, connection)(proxy)


def found(proxy):
    """Gives a `PendingProxy` its object, unless it has it already; returns the proxy.

    Raises:
        StaleReference: the server has been restarted, or does not have the object any more.
        NotPermitted: another user has made the pickle, or the server wants an access token.
        ConnectionLost: nobody listens there any more; CallTimeout: nobody answers.
    """
    reference = _references.reference_of(proxy)
    if reference is None:
        return proxy
    with _lock:
        connection = _connection_to(reference)
    _references.complete(proxy, connection, bytes.fromhex(reference["token"]))
    _remember(proxy, reference)
    return proxy


def _key(connection, reference):
    place = reference["server"] if connection is None else connection.key
    return place, reference["object"]


def _remember(proxy, reference):
    connection = _references.connection_of(proxy)
    _known.setdefault(_key(connection, reference), proxy)


def _is_closed(proxy):
    return _references.connection_of(proxy).is_closed


def live_connection(place):
    """A connection of this process to the server of a pickle, the one that it was made in if that
    is still there; None if there is none.

    Args:
        place: a mapping with `address`, `server` and `session`.
    """
    server_id = bytes.fromhex(place["server"])
    is_tcp = place["address"].startswith("tcp:")
    usable = [
        connection
        for connection in list(live_connections)
        if connection.server_id == server_id
        and not connection.is_closed
        and (connection.transport == "tcp") == is_tcp  # who asks is told apart by it
    ]
    for connection in usable:
        if connection.key.hex() == place["session"]:
            return connection
    return usable[0] if usable else None


def any_connection(place):
    """The same, or else a new connection to whatever server is at `place["address"]` now."""
    with _lock:
        connection = live_connection(place)
        return connection or _connect(place)


def _connect(place):
    """A connection to the server of a pickle, which has no access token in it and no certificates.

    Raises:
        TlsError: the session that made the pickle was encrypted. It is not tried without: whoever
            answers would be sent the token of this process in clear text.
        NotPermitted: the server wants one; ConnectionLost, CallTimeout: as `unity.connect`.
    """
    address = place["address"]
    if place.get("tls", address.startswith("tcp:")):
        raise errors.TlsError(
            f"what was pickled came over TLS, and no pickle says whom to trust: open a session "
            f"with {address} first, unity.connect(ADDRESS, tls=unity.TLS(...)), which is used then"
        )
    token = token_for(address, None)
    try:
        return _core.connect(address, _CONNECT_TIMEOUT_S, token)
    except errors.NotPermitted as error:
        if token:
            raise
        raise errors.NotPermitted(
            f"the server on {address} wants an access token, which no pickle carries: set the "
            "variable UNITY_TOKEN or UNITY_TOKEN_FILE of this process, or open a session of its "
            "own first, unity.connect(address, token=...), which is used then"
        ) from error


def _connection_to(reference):
    connection = live_connection(reference)
    if connection is not None:
        return connection
    server_id = bytes.fromhex(reference["server"])
    connection = _connect(reference)
    if connection.server_id != server_id:
        raise errors.StaleReference(
            f"the server on {reference['address']} has been restarted: the {reference['type']} "
            "that was pickled is gone"
        )
    return connection
