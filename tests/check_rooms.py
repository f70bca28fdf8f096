#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that includes and imports between the rooms of the tree run one way only.

A room is a folder. What it may refer to is listed in ROOMS; anything else that is known to the
table, or stands in the tree, is reported as `file:line: ...`. Exit status 1 if there is any.

    tests/check_rooms.py [ROOT]
"""

import ast
import re
import sys
from dataclasses import dataclass
from pathlib import Path

CAPNP = ("capnp/", "kj/")
SOURCE_SUFFIXES = (".h", ".cpp", ".pyx", ".pxd", ".py")


@dataclass(frozen=True)
class Room:
    """A folder (or one file), what its sources may include, and what its Python may import.

    `includes` are prefixes of include paths; "" stands for a file beside the source. `imports`
    are top-level Python modules beside the standard library; `inner_imports` may be imported
    only within a function.
    """

    folder: str
    includes: tuple[str, ...] = ()
    imports: tuple[str, ...] = ()
    inner_imports: tuple[str, ...] = ()


PUBLIC = ("cppipc/",)
# The generated header of the schema lies beside the public ones but speaks Cap'n Proto.
SCHEMA = "cppipc/broker.capnp.h"
WIRE_LIBRARIES = (*CAPNP, SCHEMA, "xxhash.h")
VALUES = ("memory/", "values/")

# The first room whose folder holds a file counts, so inner folders come first.
ROOMS = (
    Room("cppipc/include/cppipc/interop", (*PUBLIC, *CAPNP)),
    Room(
        "cppipc/include/cppipc/ext",
        ("cppipc/ext/", "cppipc/extension_abi.h", "cppipc/interface.h"),
    ),
    Room("cppipc/include", PUBLIC),
    Room("cppipc/src/memory", (*PUBLIC, "memory/")),
    Room("cppipc/src/values", (*PUBLIC, "memory/", "values/")),
    Room("cppipc/src/extension", (*PUBLIC, "xxhash.h", *VALUES, "extension/")),
    Room("cppipc/src/wire", (*PUBLIC, *WIRE_LIBRARIES, *VALUES, "wire/")),
    Room("cppipc/src/save", (*PUBLIC, *WIRE_LIBRARIES, *VALUES, "wire/", "save/")),
    # Loaded at run time: it knows what is asked of it, and how to tell a forked child.
    Room(
        "cppipc/src/tls",
        (*PUBLIC, "openssl/", "tls/", "rpc/channel.h", "rpc/tls_library.h", "rpc/fork_guard.h"),
    ),
    Room("cppipc/src/rpc", (*PUBLIC, *WIRE_LIBRARIES, *VALUES, "wire/", "rpc/")),
    Room(
        "cppipc/src/host",
        (*PUBLIC, *WIRE_LIBRARIES, *VALUES, "wire/", "save/", "rpc/", "host/"),
    ),
    Room("cppipc/src/client", (*PUBLIC, *WIRE_LIBRARIES, *VALUES, "wire/", "rpc/", "client/")),
    Room("toolkits", (*PUBLIC, "toolkits/", "Eigen/")),
    Room(
        "server",
        (*PUBLIC, "toolkits/", "server/", "boost/asio", "boost/system", "spdlog/", "fmt/")
        + ("CLI/", "nlohmann/", "boost/beast/"),
    ),
    Room(
        "cython",
        (*PUBLIC, "toolkits/", "Python.h"),
        imports=("unity", "cython", "cpython", "libc", "libcpp"),
        inner_imports=("numpy",),
    ),
    Room("client/unity/_cli.py", imports=("unity", "click")),  # imported by the commands only
    Room(
        "client",
        imports=("unity",),
        inner_imports=("numpy", "pandas", "polars", "pyarrow", "networkx", "scipy", "tqdm")
        + ("rich",),
    ),
)

INCLUDE = re.compile(r'^\s*#\s*include\s*(?:<([^>]+)>|"([^"]+)")')
EXTERN = re.compile(r'^\s*cdef\s+extern\s+from\s+"<?([^">]+)>?"')
# One cimport or import statement of Cython, where the ast module does not help.
CYTHON_IMPORT = re.compile(r"^(\s*)(?:from\s+(\.*[\w.]*)\s+c?import\b|c?import\s+([\w.]+))")
# Headers of the C++ and C library and of Linux: plain names, or a folder of the system.
STANDARD_HEADER = re.compile(r"^(?:[a-z0-9_]+(?:\.h)?|(?:sys|linux|netinet|arpa)/[a-z0-9_]+\.h)$")
# Third-party headers that lie beside the standard ones.
NOT_STANDARD = ("xxhash.h", "Python.h")


def room_of(path):
    """The room that `path`, relative to the root, lies in; None for files outside all."""
    for room in ROOMS:
        if path.as_posix() == room.folder or path.as_posix().startswith(room.folder + "/"):
            return room
    return None


def include_allowed(room, name, path, root):
    """True when a source of `room` at `path` may include `name`."""
    if name == SCHEMA:
        return SCHEMA in room.includes
    if name.startswith("cppipc/interop/"):
        return room.folder == "cppipc/include/cppipc/interop"
    if "/" not in name and (root / path).parent.joinpath(name).exists():
        return True
    if any(name.startswith(prefix) for prefix in room.includes):
        return True
    return bool(STANDARD_HEADER.match(name)) and name not in NOT_STANDARD


def check_include(room, name, path, root):
    """The complaint about one include, or None."""
    if ".." in name.split("/"):
        return f'includes "{name}" by a path that climbs'
    if include_allowed(room, name, path, root):
        return None
    return f'{room.folder} may not include "{name}"'


def check_import(room, module, is_inner):
    """The complaint about the import of a dotted module, or None."""
    top = module.split(".")[0]
    if not top or top in room.imports or top in sys.stdlib_module_names:
        return None
    if top in room.inner_imports:
        return None if is_inner else f"imports {top} outside a function"
    return f"{room.folder} may not import {top}"


def python_imports(text):
    """(line, module, is inside a function) of each import in Python source."""
    found = []

    def visit(node, is_inner):
        if isinstance(node, ast.Import):
            found.extend((node.lineno, alias.name, is_inner) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            found.append((node.lineno, "" if node.level else node.module, is_inner))
        is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for child in ast.iter_child_nodes(node):
            visit(child, is_inner or is_function)

    visit(ast.parse(text), False)
    return found


def cython_imports(text):
    """(line, module, is indented) of each import and cimport in Cython source."""
    for number, line in enumerate(text.splitlines(), 1):
        match = CYTHON_IMPORT.match(line)
        if match and not (match[2] or match[3]).startswith("."):
            yield number, match[2] or match[3], bool(match[1])


def check_file(path, root):
    """Complaints about one file, each as `file:line: text`."""
    room = room_of(path)
    if room is None:
        return
    text = (root / path).read_text(encoding="utf-8")
    complaints = []
    if path.suffix != ".py":
        for number, line in enumerate(text.splitlines(), 1):
            match = INCLUDE.match(line) or EXTERN.match(line)
            if match:
                name = next(group for group in match.groups() if group)
                complaints.append((number, check_include(room, name, path, root)))
    if path.suffix in (".py", ".pyx", ".pxd"):
        imports = python_imports(text) if path.suffix == ".py" else cython_imports(text)
        complaints += [(n, check_import(room, module, inner)) for n, module, inner in imports]
    for number, complaint in complaints:
        if complaint:
            yield f"{path}:{number}: {complaint}"


def check_tree(root):
    """All complaints about the tree at `root`, and the number of files read."""
    complaints, count = [], 0
    folders = sorted({room.folder.split("/")[0] for room in ROOMS})
    for folder in folders:
        for file in sorted((root / folder).rglob("*")):
            if file.suffix in SOURCE_SUFFIXES and file.is_file():
                count += 1
                complaints += check_file(file.relative_to(root), root)
    return complaints, count


def main(arguments):
    root = Path(arguments[0]) if arguments else Path(__file__).resolve().parent.parent
    complaints, count = check_tree(root)
    print("\n".join(complaints + [f"{count} files, {len(complaints)} arrows the wrong way"]))
    return 1 if complaints or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
