# SPDX-License-Identifier: Apache-2.0
"""unity: C++ objects and functions in a server process, used as if they were local.

import unity

with unity.launch() as session:
    counter = session.types.Counter()
    counter.increment(by=4)
"""

from unity._buffer import Buffer
from unity._call import Call
from unity._connection import Proxy
from unity._launch import launch
from unity._session import Session, connect
from unity.errors import *  # noqa: F403
from unity.errors import __all__ as _error_names

if False:  # only for tools that read the source; see __getattr__
    from unity._allocator import allocator, is_shared, share
    from unity._column import Column
    from unity._counter import Counter
    from unity._graphs import Graph
    from unity._message import Message
    from unity._progress import progress
    from unity._tables import DataFrame
    from unity._tls import TLS

# Few programs need them, and each import costs: module, by name.
_LATER = {
    "Column": "_column",
    "Counter": "_counter",
    "DataFrame": "_tables",
    "Graph": "_graphs",
    "Message": "_message",
    "TLS": "_tls",
    "allocator": "_allocator",
    "is_shared": "_allocator",
    "progress": "_progress",
    "share": "_allocator",
}


def __getattr__(name):
    if name in _LATER:
        from importlib import import_module

        return getattr(import_module(f"unity.{_LATER[name]}"), name)
    if name == "__version__":  # looked up when it is asked for: that costs more than the import
        from importlib.metadata import version

        return version("unity-broker")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return [*globals(), *_LATER, "__version__"]


__all__ = [
    "Buffer",
    "Call",
    "Column",
    "Counter",
    "DataFrame",
    "Graph",
    "Message",
    "Proxy",
    "Session",
    "TLS",
    "allocator",
    "connect",
    "is_shared",
    "launch",
    "progress",
    "share",
    *_error_names,
]
