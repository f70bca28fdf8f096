# SPDX-License-Identifier: Apache-2.0
"""The command `unity_server` of an environment: becomes the server that the package carries."""

import os
import signal
import sys

from unity._launch import binary_path

# Where `python -m unity serve` listens by default, in a directory that is this user's own.
_SOCKET_NAME = "unity.sock"


def main():
    """Replace this process by the server, with the same arguments."""
    become_server(sys.argv[1:])


def become_server(arguments):
    """Replace this process by the server, so that its signals and its exit status are its own.

    Args:
        arguments: the server's options, a list of str.

    Raises:
        ServerNotExecutable: what should be the server is a directory.
        SystemExit: it cannot be run; the text tells why, and the status is 1.
    """
    path = binary_path(None)
    sys.stdout.flush()
    # Python ignores these, and what is ignored stays ignored in the program that comes.
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execv(path, ["unity_server", *arguments])
    except OSError as error:
        raise SystemExit(f"unity_server: cannot run {path}: {error.strerror}") from error


def default_address():
    """Where `serve` listens, and `top` looks, without an address.

    It is unity.sock in $XDG_RUNTIME_DIR, or .unity.sock in the home directory where there is no
    such variable: both are directories in which nobody else can put a socket.
    """
    folder = os.environ.get("XDG_RUNTIME_DIR")
    if folder and os.path.isabs(folder):
        return f"unix:{os.path.join(folder, _SOCKET_NAME)}"
    return f"unix:{os.path.join(os.path.expanduser('~'), '.' + _SOCKET_NAME)}"


def server_arguments(words):
    """The options of the server for the words after `serve`.

    Args:
        words: addresses, and from the first word that begins with "-" on options of the server.

    Returns:
        A list of str: a `--listen` for each address, then the options. The default address is
        there if neither names a place to listen at, or a file that does, and no socket was passed.
    """
    first = next((i for i, word in enumerate(words) if word.startswith("-")), len(words))
    addresses, options = list(words[:first]), list(words[first:])
    says_where = ("--listen", "--inherited-fd", "--config")
    has_place = any(word.partition("=")[0] in says_where for word in options)
    is_activated = os.environ.get("LISTEN_PID") == str(os.getpid())  # by systemd, with sockets
    if not addresses and not has_place and not is_activated:
        addresses = [default_address()]
    return [f"--listen={address}" for address in addresses] + options
