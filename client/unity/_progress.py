# SPDX-License-Identifier: Apache-2.0
"""Progress of running calls: bars on a terminal and in Jupyter, or a function of the user's."""

import contextlib
import logging
import os
import sys
import threading
import weakref

from unity import _core, errors
from unity._connection import live_connections
from unity._routine import builtin
from unity._session import has_terminal

_WATCH = builtin("$watch_progress", "unity.progress", (("watcher",),))
# Seconds before a bar is shown, so that quick calls show none.
_DELAY_S = 0.3
# Seconds that a server gets to begin with its reports; without them there are no bars.
_PATIENCE_S = 2.0

_lock = threading.Lock()
# None: as the terminal is; True, False, or a function.
_mode = None
# What is watched: connection -> its watcher.
_watchers = weakref.WeakKeyDictionary()


def can_show():
    """Whether bars are shown by default: on a terminal, and in Jupyter."""
    return "ipykernel" in sys.modules or has_terminal()


def attach(connection):
    """Watches a new session, if its progress is shown."""
    with _lock:
        _attach(connection)


def closing(connection):
    """Ends the bars of a session that is being closed: its calls have no other end."""
    watcher = _watchers.get(connection)
    if watcher is not None:
        watcher.end_bars()


def _attach(connection):
    is_wanted = can_show() if _mode is None else _mode is not False
    watcher = _watchers.get(connection)
    if is_wanted and watcher is None:
        try:
            _watchers[connection] = _Watcher(connection)
        except (errors.UnknownName, errors.CallTimeout, errors.QuotaExceeded) as error:
            # Of an older server, or one that is too busy: sessions are of use without bars.
            logging.getLogger("unity").warning("no progress will be shown: %s", error)
    elif not is_wanted and watcher is not None:
        del _watchers[connection]
        watcher.close()


class _Watcher:
    """Hears of the progress of one session's calls, on the thread "unity-callback"."""

    def __init__(self, connection):
        self._connection = weakref.ref(connection)
        self._bars = {}  # by the number of the call
        self._is_closed = False
        watch = _core.bind(_WATCH, connection).options(timeout_s=_PATIENCE_S)
        self._number = watch(self._tell)

    def _tell(self, name, fraction, text, call):
        if self._is_closed:
            return
        try:
            if callable(_mode):
                if fraction is not None:
                    _mode(name, fraction, text)
            else:
                self._draw(name, fraction, text, call)
        except Exception:
            logging.getLogger("unity").exception("showing the progress of %r failed", name)

    def _draw(self, name, fraction, text, call):
        bar = self._bars.get(call)
        if fraction is None:
            if bar is not None:
                self._bars.pop(call).close()
            return
        if bar is None:
            bar = self._bars[call] = _new_bar(name)
        bar.set_postfix_str(text, refresh=False)
        bar.update(min(max(fraction, 0.0), 1.0) - bar.n)

    def end_bars(self):
        while self._bars:
            self._bars.popitem()[1].close()

    def close(self):
        self._is_closed = True
        self.end_bars()
        connection = self._connection()
        if connection is None or connection.is_closed:
            return
        with contextlib.suppress(errors.ConnectionLost):  # with a session its watches end
            _core.unwatch(connection, self._number)


def _new_bar(name):
    if "ipykernel" in sys.modules:
        from tqdm.auto import tqdm
    else:
        from tqdm import tqdm

    class Bar(tqdm):
        monitor_interval = 0  # no thread of its own

    return Bar(
        total=1.0,
        desc=name,
        delay=_DELAY_S,
        miniters=0,
        file=sys.stderr,
        bar_format="{desc}: {percentage:3.0f}%|{bar}| {elapsed}<{remaining}{postfix}",
    )


class progress:
    """How the progress of running calls is shown, for all sessions of this process.

    By default calls that report progress and take longer than 0.3 seconds show a bar on stderr if
    that is a terminal, and in Jupyter; elsewhere nothing is shown. `unity.progress(how)` changes
    that from now on; as a context manager, until the end of its block.

    Args:
        how: True shows bars wherever stderr goes, False nothing, None is the default. A function
            is called as `how(name, fraction, text)` instead: the name of the toolkit, function or
            method, how far it is from 0 to 1, and what it says. It runs on the thread
            "unity-callback", in the order of the reports of each call, and delays no call: if it is
            slow, up to a thousand reports of a session wait, and then the oldest of them are lost.
            What it raises is logged.

    Raises:
        WrongType: `how` is none of these.
    """

    def __init__(self, how):
        global _mode
        if how is not None and not isinstance(how, bool) and not callable(how):
            raise errors.WrongType(
                f"progress() takes True, False, None or a function, not {type(how).__qualname__!r}"
            )
        with _lock:
            self._before = _mode
            self._how = _mode = how
            _apply()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        global _mode
        with _lock:
            _mode = self._before
            _apply()

    def __repr__(self):
        return f"<unity.progress({self._how!r})>"


def _apply():
    """Makes all open sessions fit the mode."""
    for connection in list(live_connections):
        if connection.is_closed:
            continue
        with contextlib.suppress(errors.ConnectionLost):  # it ended just now
            _attach(connection)


def _forget():
    """In a forked child: bars and sessions are the parent's."""
    global _lock, _watchers
    _lock = threading.Lock()
    _watchers = weakref.WeakKeyDictionary()


os.register_at_fork(after_in_child=_forget)
