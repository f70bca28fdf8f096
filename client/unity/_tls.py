# SPDX-License-Identifier: Apache-2.0
"""What a client shows and trusts over TLS."""

import os

from unity import errors

_FIELDS = ("ca", "cert", "key", "server_name")


class TLS:
    """How `unity.connect(address, tls=...)` encrypts; immutable, and may be pickled.

    The files are PEM. They are named here and read by each `connect()`; a relative path is taken
    from the working directory of this moment. No content of them is kept.

    Args:
        ca: path of a file with the certificates of the authorities to trust; None: those that the
            system trusts.
        cert: path of a file with the client's own certificate, for servers that demand one, and
            behind it those that lead to its authority.
        key: path of its private key, without a passphrase; None: it is in the file of `cert`.
        server_name: the host name or IP address that the server's certificate must have; None:
            the host of the address.

    Raises:
        WrongType: one of them is of another type.
        InvalidArgument: a `key` without a `cert`, or an empty text.
    """

    __slots__ = _FIELDS

    def __init__(self, *, ca=None, cert=None, key=None, server_name=None):
        for name, value in (("ca", ca), ("cert", cert), ("key", key)):
            object.__setattr__(self, name, _path(name, value))
        if server_name is not None and not isinstance(server_name, str):
            raise errors.WrongType(f"server_name is a str, not {type(server_name).__qualname__!r}")
        if server_name is not None and (not server_name or "\0" in server_name):
            raise errors.InvalidArgument(f"server_name is no name: {server_name!r}")
        object.__setattr__(self, "server_name", server_name)
        if self.key is not None and self.cert is None:
            raise errors.InvalidArgument("there is a key without the cert that it belongs to")

    def __setattr__(self, name, value):
        raise AttributeError(f"a TLS cannot be changed; make another one ({name}=...)")

    def __delattr__(self, name):
        self.__setattr__(name, None)

    def _state(self):
        return tuple(getattr(self, name) for name in _FIELDS)

    def __eq__(self, other):
        return self._state() == other._state() if isinstance(other, TLS) else NotImplemented

    def __hash__(self):
        return hash(self._state())

    def __reduce__(self):
        return _made, self._state()

    def __repr__(self):
        given = zip(_FIELDS, self._state(), strict=True)
        return f"unity.TLS({', '.join(f'{n}={v!r}' for n, v in given if v is not None)})"


def _made(ca, cert, key, server_name):
    return TLS(ca=ca, cert=cert, key=key, server_name=server_name)


def _path(name, value):
    """An absolute path as str; None stays None."""
    if value is None:
        return None
    try:
        path = os.fsdecode(value)
    except TypeError:
        raise errors.WrongType(f"{name} is a path, not {type(value).__qualname__!r}") from None
    if not path or "\0" in path:
        raise errors.InvalidArgument(f"{name} is no path: {value!r}")
    return os.path.abspath(path)


def checked(tls, address):
    """What connect() was given as `tls`, for that address: a TLS."""
    if tls is not True and not isinstance(tls, TLS):
        raise errors.WrongType(f"tls is True or a unity.TLS, not {type(tls).__qualname__!r}")
    if not address.startswith("tcp:"):
        raise errors.InvalidArgument(
            f"TLS is for tcp:HOST:PORT; {address!r} is of this machine and this user anyhow, "
            "connect without tls"
        )
    return TLS() if tls is True else tls
