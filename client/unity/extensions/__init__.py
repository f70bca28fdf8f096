# SPDX-License-Identifier: Apache-2.0
"""Extensions as modules: `from unity.extensions import square`.

The module is that of one session, for good: of the session that was opened last, by
`unity.launch()` or `unity.connect()`, among those that are open in this process and have that
extension. So with one session there is no question which. With several, `session.extensions.square`
says it outright; both are the same module.

An import asks again each time: after another session was opened, it gives the module of that one,
and a module that was imported before stays with its session. With the end of the session the
functions and types of its modules raise `ConnectionLost`, in a forked child `ForkedSession`; to
import there takes a session of its own.
"""

import importlib.abc
import importlib.machinery
import sys
import types

from unity import _extensions


class _Package(types.ModuleType):
    """Forgets the modules that the import system would keep, so that each import asks again."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        try:
            return _extensions.latest(name)
        except ModuleNotFoundError as error:
            raise AttributeError(str(error)) from None

    def __setattr__(self, name, value):
        if isinstance(value, _extensions.ExtensionModule):
            sys.modules.pop(value.__name__, None)
        else:
            super().__setattr__(name, value)

    def __dir__(self):
        return _extensions.names_in_live_sessions()


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds `unity.extensions.NAME`. As each import calls it, it must not do I/O for others."""

    def find_spec(self, fullname, path=None, target=None):
        package, _, name = fullname.rpartition(".")
        if package != __name__:
            return None
        return importlib.machinery.ModuleSpec(
            fullname, self, loader_state=_extensions.latest(name), origin="a session of unity"
        )

    def create_module(self, spec):
        return spec.loader_state

    def exec_module(self, module):
        """Nothing is left to do: the module was there before."""


# After Python's own finders, which find nothing in this package but this file.
sys.meta_path.append(_Finder())
sys.modules[__name__].__class__ = _Package
