# SPDX-License-Identifier: Apache-2.0
"""Proxies out of pickles. A pickle names `load_proxy` here, so its name and place must stay."""

import os
import threading

from unity import _core, _references, errors
from unity._connection import live_connections

# Raised when a reader of older pickles could misunderstand a newer one.
_FORMAT = 1
# Seconds for connecting, if this process has no session with the server.
_CONNECT_TIMEOUT_S = 10.0

# Two threads that load proxies of one server at one time get one session.
_lock = threading.Lock()


def _renew_lock():
    global _lock
    _lock = threading.Lock()


os.register_at_fork(after_in_child=_renew_lock)


def load_proxy(version, reference):
    """The proxy that was pickled.

    In the session it was pickled in, if that is one of this process; else in another one with
    the same server; else in a new one, which lives as long as proxies of it do.

    Raises:
        StaleReference: the server has been restarted, or does not have the object any more.
        ConnectionLost: nobody listens there any more.
        NotSupported: a newer version made the pickle.
    """
    if version != _FORMAT:
        raise errors.NotSupported(
            f"this pickle of a {reference.get('type', 'proxy')} was made by a newer version"
        )
    with _lock:
        connection = _connection_to(reference)
    return _references.restore(connection, bytes.fromhex(reference["token"]))


def reduce_proxy(proxy):
    """What pickle makes of a proxy."""
    return load_proxy, (_FORMAT, _references.reduced(proxy))


def _connection_to(reference):
    server_id = bytes.fromhex(reference["server"])
    usable = [
        connection
        for connection in list(live_connections)
        if connection.server_id == server_id and not connection.is_closed
    ]
    for connection in usable:
        if connection.key.hex() == reference["session"]:
            return connection
    if usable:
        return usable[0]
    connection = _core.connect(reference["address"], _CONNECT_TIMEOUT_S)
    if connection.server_id != server_id:
        raise errors.StaleReference(
            f"the server on {reference['address']} has been restarted: the {reference['type']} "
            "that was pickled is gone"
        )
    return connection
