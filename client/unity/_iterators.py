# SPDX-License-Identifier: Apache-2.0
"""Iterators of the server: items come in batches, each by one call."""

from collections import deque

# Items of the first batch; each one after it has twice as many, up to a limit.
_FIRST = 64
_MOST = 4096


def _iter(self):
    return self


def _next(self):
    try:
        items = self._items
    except AttributeError:
        self._is_done, self._count = False, _FIRST
        items = self._items = deque()
    while True:
        try:
            return items.popleft()
        except IndexError:
            if self._is_done:
                raise StopIteration from None
        batch, self._is_done = self.next(self._count)
        self._count = min(2 * self._count, _MOST)
        items.extend(batch)


def _reduce(self):
    raise TypeError("an iterator of the server cannot be pickled or copied; make a list of it")


def members_of(members):
    """The members of the class of iterators; `next(count)` among the given ones fetches items."""
    return {
        **members,
        "__slots__": ("_items", "_is_done", "_count"),
        "__iter__": _iter,
        "__next__": _next,
        "__reduce__": _reduce,
        "__copy__": _reduce,
        "__deepcopy__": lambda self, memo: _reduce(self),
    }
