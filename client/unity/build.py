# SPDX-License-Identifier: Apache-2.0
"""How modules are built that call C++ interfaces; see docs/interfaces.md.

`python -m unity build` and `flags` build extensions of a server and clients in C++.
"""

from pathlib import Path

from unity import _build

_PACKAGE = Path(__file__).resolve().parent


def extension_options():
    """What setuptools has to know of a Cython module that uses cppipc.

    Returns:
        A `dict` for `setuptools.Extension(name, sources, **options)`: headers, library and flags.
        The module finds the library where it is now, in this installation of `unity`.

    Raises:
        FileNotFoundError: this installation has no headers.
    """
    return {
        "language": "c++",
        "include_dirs": [str(_build.include_dir())],
        "library_dirs": [str(_PACKAGE)],
        "libraries": ["cppipc"],
        "runtime_library_dirs": [str(_PACKAGE)],
        "extra_compile_args": ["-std=c++20"],
    }


def cython_path():
    """The folder below which Cython finds `unity/interface.pxd`, a `str`.

    For `cythonize(..., include_path=[unity.build.cython_path()])`.

    Raises:
        FileNotFoundError: this installation does not have it.
    """
    for folder in (_PACKAGE.parent, _PACKAGE.parents[1] / "cython"):
        if (folder / "unity" / "interface.pxd").exists():
            return str(folder)
    raise FileNotFoundError(
        f"{_PACKAGE} has no interface.pxd: install unity again from its source or wheel"
    )
