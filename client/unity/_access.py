# SPDX-License-Identifier: Apache-2.0
"""Access tokens of this side: where they come from, and new ones."""

import os

from unity import errors

_TOKEN_VARIABLE = "UNITY_TOKEN"
_FILE_VARIABLE = "UNITY_TOKEN_FILE"
# As on a server: 22 characters of base64url hold 128 random bits.
_LEAST_CHARACTERS = 22
_MOST_CHARACTERS = 1024
_NEW_BYTES = 32
_KEEP_ALIVE_MAX_S = 3600


def token_for(address, token):
    """The access token to open a session with.

    Args:
        address: of the server, a str.
        token: the one that was given, a str, or None: over TCP that of $UNITY_TOKEN, else the one
            in the file $UNITY_TOKEN_FILE, else none.

    Returns:
        bytes; empty if there is none.

    Raises:
        WrongType: the token is no str.
        InvalidArgument: it is none that a server can have given, or the address is not tcp; or the
            file has not exactly one token.
        OSError: the file cannot be read.
    """
    is_tcp = address.startswith("tcp:")
    if token is None:
        return _from_environment() if is_tcp else b""
    if not isinstance(token, str):
        raise errors.WrongType(f"a token is a str, not {type(token).__qualname__!r}")
    if not is_tcp:
        raise errors.InvalidArgument(
            f"{address} takes no token: who connects to a Unix socket is told by its user; tokens "
            "are for tcp:HOST:PORT"
        )
    return checked_token(token, "the token")


def checked_token(text, what):
    """A token as bytes, without blanks around it. The errors show nothing of it."""
    token = text.strip()
    if not _LEAST_CHARACTERS <= len(token) <= _MOST_CHARACTERS:
        raise errors.InvalidArgument(
            f"{what} has {len(token)} characters; an access token has {_LEAST_CHARACTERS} to "
            f"{_MOST_CHARACTERS}, as `python -m unity token` makes them"
        )
    if len(token.split()) > 1:
        raise errors.InvalidArgument(
            f"{what} has blanks in it; it is the second word of a line NAME TOKEN, alone"
        )
    if not all("!" <= character <= "~" for character in token):
        raise errors.InvalidArgument(f"{what} has other than visible ASCII characters")
    return token.encode()


def token_of_file(path):
    """The one token in a file: a token, or a line NAME TOKEN of a server's file.

    Raises:
        InvalidArgument: it has none or several. OSError: it cannot be read.
    """
    with open(path, "rb") as file:
        lines = file.read().decode("ascii", "replace").splitlines()
    found = [line.split() for line in lines if line.strip() and not line.lstrip().startswith("#")]
    if len(found) != 1 or len(found[0]) > 2:
        raise errors.InvalidArgument(
            f"the token file {os.fspath(path)!r} has {len(found)} lines that are no comment; a "
            "client's has one, TOKEN or NAME TOKEN"
        )
    return checked_token(found[0][-1], f"the token in {os.fspath(path)!r}")


def _from_environment():
    if token := os.environ.get(_TOKEN_VARIABLE, "").strip():
        return checked_token(token, f"${_TOKEN_VARIABLE}")
    if path := os.environ.get(_FILE_VARIABLE):
        try:
            return token_of_file(path)
        except OSError as error:
            error.add_note(f"It is the file of ${_FILE_VARIABLE}, as no token was given.")
            raise
    return b""


def new_token():
    """A fresh token: a str of 43 characters of base64url, 256 random bits."""
    import secrets

    return secrets.token_urlsafe(_NEW_BYTES)


def is_token_name(text):
    """Whether a server takes it as the name of a token."""
    import re

    return re.fullmatch(r"[A-Za-z0-9._@+-]{1,64}", text) is not None


def checked_keep_alive(keep_alive_s):
    """Seconds as a float.

    Raises:
        WrongType: they are no number; InvalidArgument: they are none from 1 to 3600.
    """
    if isinstance(keep_alive_s, bool) or not hasattr(type(keep_alive_s), "__float__"):
        raise errors.WrongType(
            f"keep_alive_s must be a number of seconds, not {type(keep_alive_s).__qualname__!r}"
        )
    seconds = float(keep_alive_s)
    if not 1 <= seconds <= _KEEP_ALIVE_MAX_S:
        raise errors.InvalidArgument(
            f"keep_alive_s must be between 1 and {_KEEP_ALIVE_MAX_S} seconds, not {keep_alive_s!r}"
        )
    return seconds
