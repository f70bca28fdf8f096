# SPDX-License-Identifier: Apache-2.0
"""Builds extensions: shared libraries that a server loads (docs/extensions.md)."""

import os
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_COMPILERS = ("c++", "g++", "clang++")


class BuildError(RuntimeError):
    """An extension could not be compiled. The text has the command and the compiler's words."""


def include_dir():
    """The folder of the headers: that of the package or, in a checkout, of the sources.

    Returns:
        A `pathlib.Path`; `cppipc/extension.h` lies below it.

    Raises:
        FileNotFoundError: this installation has no headers.
    """
    for folder in (_PACKAGE / "include", _PACKAGE.parents[1] / "cppipc" / "include"):
        if (folder / "cppipc" / "extension.h").exists():
            return folder
    raise FileNotFoundError(
        f"{_PACKAGE} has no headers for extensions: install unity again from its source or wheel"
    )


def _flag_list():
    return ["-std=c++17", "-O2", "-fPIC", "-shared", "-fvisibility=hidden", f"-I{include_dir()}"]


def flags():
    """What a compiler needs to build an extension, as `g++ $(python -m unity flags) x.cpp -o x.so`.

    Returns:
        One line of `str`, quoted for a shell.

    Raises:
        FileNotFoundError: this installation has no headers.
    """
    return shlex.join(_flag_list())


def client_flags():
    """The same for a client in C++, as `g++ x.cpp -o x $(python -m unity flags --client)`.

    Returns:
        One line of `str`, quoted for a shell. It names the library by where it is now.

    Raises:
        FileNotFoundError: this installation has no headers.
    """
    flags = ["-std=c++20", "-O2", f"-I{include_dir()}", f"-L{_PACKAGE}", "-lcppipc", "-pthread"]
    # What the library needs itself, it finds.
    return shlex.join([*flags, f"-Wl,-rpath,{_PACKAGE}", "-Wl,--allow-shlib-undefined"])


def compiler():
    """The C++ compiler: that of the environment variable CXX, or the first one that is there.

    Returns:
        A `list` of `str`: the compiler, and what CXX says after its name.

    Raises:
        BuildError: there is none.
    """
    wanted = shlex.split(os.environ.get("CXX", ""))
    if wanted:
        if shutil.which(wanted[0]) is None:
            raise BuildError(f"there is no compiler {wanted[0]!r}, which CXX names")
        return wanted
    for name in _COMPILERS:
        if shutil.which(name):
            return [name]
    raise BuildError(
        f"there is no C++ compiler; looked for {', '.join(_COMPILERS)}. "
        "Install one, or name it in CXX"
    )


def main_build(sources, output=None):
    """Compile an extension.

    The compiler is that of CXX, else c++, g++ or clang++; CXXFLAGS and LDFLAGS are added. The
    library takes its place in one step, when it is whole: a server that loads it meanwhile gets
    the old one or the new one.

    Args:
        sources: paths of C++ files, at least one.
        output: path of the library; by default that of the first source, with the suffix `.so`, in
            the working directory.

    Returns:
        The path of the library, a `pathlib.Path`.

    Raises:
        ValueError: there is no source.
        FileNotFoundError: a source, or the folder of `output`, does not exist.
        BuildError: there is no compiler, or it fails.
    """
    sources = [Path(source) for source in sources]
    if not sources:
        raise ValueError("an extension is built from one source or more, got none")
    for source in sources:
        if not source.exists():
            raise FileNotFoundError(f"there is no source {str(source)!r}")
    output = Path(sources[0].stem + ".so") if output is None else Path(output)
    if not output.resolve().parent.is_dir():
        raise FileNotFoundError(f"there is no folder for {str(output)!r}")
    with tempfile.TemporaryDirectory(dir=output.resolve().parent, prefix=".unity-build-") as folder:
        fresh = Path(folder) / output.name
        _compile(sources, fresh)
        fresh.replace(output)
    return output


def _compile(sources, output):
    extra = shlex.split(os.environ.get("CXXFLAGS", ""))
    libraries = shlex.split(os.environ.get("LDFLAGS", ""))
    command = [*compiler(), *_flag_list(), *extra, *map(str, sources)]
    command += ["-o", str(output), *libraries]
    ran = subprocess.run(command, capture_output=True, text=True, errors="replace")
    if ran.returncode != 0:
        raise BuildError(
            f"the compiler ended with status {ran.returncode}\n$ {shlex.join(command)}\n"
            f"{ran.stdout}{ran.stderr}".rstrip()
        )
