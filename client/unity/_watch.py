# SPDX-License-Identifier: Apache-2.0
"""Status messages of running calls."""

import contextlib
import logging
import weakref

from unity import _core, errors


class Watch:
    """What `Session.watch` returns: closes the watch, also as a context manager.

    It lasts until it or the session is closed, also if nothing refers to it any more.
    """

    def __init__(self, connection, prefix, callback):
        self._connection = weakref.ref(connection)
        self._callback = callback
        self.prefix = prefix
        self.closed = False
        self._number = _core.watch(connection, prefix, self._tell)

    def _tell(self, name, fraction, text):
        if self.closed:
            return
        try:
            self._callback(name, fraction, text)
        except Exception:
            logging.getLogger("unity").exception("a watcher of %r raised", self.prefix)

    def close(self):
        """End the watch: the callback is not called any more. Twice is fine."""
        if self.closed:
            return
        self.closed = True
        connection = self._connection()
        if connection is None or connection.is_closed:
            return
        # With a session its watches end.
        with contextlib.suppress(errors.ConnectionLost):
            _core.unwatch(connection, self._number)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    def __repr__(self):
        return f"<unity watch of {self.prefix!r}, {'closed' if self.closed else 'live'}>"
