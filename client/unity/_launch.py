# SPDX-License-Identifier: Apache-2.0
"""Starting a private server."""

import os

from unity import _core, errors
from unity._session import checked_timeout, opened

_BINARY_VARIABLE = "UNITY_SERVER_BINARY"


def launch(
    *,
    extensions=(),
    log_file=None,
    timeout_s=10.0,
    server_binary=None,
    settings=None,
    **server_options,
):
    """Start a private server and open a session with it.

    The server ends with the session: when it is closed, when nothing refers to it any more, or
    when this process ends, however it does. Until then `unity.connect(session.address)` opens
    further sessions, also from other processes of this user; the end of those does not matter.

    Args:
        extensions: a list or tuple of paths of extensions to load at the start.
        log_file: path of the server's log, whose directories are made if they are missing;
            without it the log goes to memory, and its last lines are shown if the server dies.
        timeout_s: seconds that the server gets to answer for the first time; None: no limit.
        server_binary: path of the server; default is $UNITY_SERVER_BINARY, else the one of this
            package.
        settings: a mapping of settings of the server to the values that it starts with, such as
            `{"log.level": "debug"}`: str, int, float, bool, None, or a list of them. See
            `session.server.settings`. They win over $UNITY_SETTING_LOG_LEVEL and its like.
        **server_options: long options of `unity_server` with "_" for "-": `True` gives a plain
            flag, `False` and `None` nothing, a list the option once for each item.

    Returns:
        Session

    Raises:
        InvalidArgument: `timeout_s` is negative, or a setting's value has a text that cannot be
            told from a list; `WrongType` if `timeout_s` is no number, `extensions` no list or
            tuple, or a setting's value none of those.
        LaunchError: the server did not start or did not answer, also because an extension could
            not be loaded, or because it has no such setting, or not with that value;
            `ServerNotFound` and `ServerNotExecutable` say why if they can.
    """
    timeout_s = checked_timeout(timeout_s)
    command = [binary_path(server_binary)]
    if not isinstance(extensions, (list, tuple)):
        raise errors.WrongType(
            f"extensions is a list of paths, not {type(extensions).__qualname__!r}"
        )
    for path in extensions:
        command += ["--extension", os.path.abspath(os.fspath(path))]
    if log_file is not None:
        command += ["--log-file", os.fspath(log_file)]
    for name, value in server_options.items():
        command += _option(name, value)
    if settings is not None and not hasattr(settings, "items"):
        raise errors.WrongType(
            f"settings is a mapping of names to values, not {type(settings).__qualname__!r}"
        )
    for name, value in (settings or {}).items():
        command += ["--set", f"{name}={_setting_text(name, value)}"]
    # Other sessions can be opened at this name; only processes of this user get in.
    address = f"unix:@{os.urandom(16).hex()}"
    return opened(_core.launch(command, address, timeout_s))


def binary_path(server_binary):
    """Absolute path of the server: the one given, of $UNITY_SERVER_BINARY, or of the package."""
    chosen = server_binary or os.environ.get(_BINARY_VARIABLE)
    if chosen is None:
        chosen = os.path.join(os.path.dirname(__file__), "bin", "unity_server")
    # An absolute path, so that no search along $PATH is made.
    path = os.path.abspath(os.fspath(chosen))
    if os.path.isdir(path):
        raise errors.ServerNotExecutable(f"the server binary {path!r} is a directory")
    return path


def _option(name, value):
    """The words of one long option."""
    option = "--" + name.replace("_", "-")
    if value is True:
        return [option]
    if value is False or value is None:
        return []
    if isinstance(value, (list, tuple)):
        return [word for item in value for word in _option(name, item)]
    return [option, os.fspath(value) if isinstance(value, os.PathLike) else str(value)]


def _setting_text(name, value, is_item=False):
    """A setting's value as the server's option takes it."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, (list, tuple)) and not is_item:
        return ",".join(_setting_text(name, item, True) for item in value)
    if not isinstance(value, str):
        raise errors.WrongType(
            f"setting {name!r}: at the start a value is a str, int, float, bool, None or a list "
            f"of them, not {type(value).__qualname__!r}"
        )
    if is_item and "," in value:
        raise errors.InvalidArgument(
            f"setting {name!r}: at the start no text of a list may have a comma, and {value!r} has"
        )
    return value
