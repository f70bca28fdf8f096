#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks what does not need the program to run: layout, style, licence lines, arrows, paths.

One line per check; the last line counts them. Exit status 1 if one fails.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))
import check_rooms  # noqa: E402  (the path comes first)

SOURCES = (".h", ".cpp", ".capnp", ".pyx", ".pxd", ".py", ".sh", ".cmake")
LINES_MAX = 400
COLUMNS_MAX = 100
# Paths of one person's machine; written so that this line does not match itself.
FOREIGN_PATH = re.compile(r"(?<![\w.<])/(?:work|root|home/\w+|tmp/[bsv]_\w+)(?:/|\b)")
# Marks of unfinished work. "area" in brackets is required; none may say "now".
UNFINISHED = re.compile(r"\b(?:FIXME|XXX|HACK|TODO(?!\(\w+\)))\b|\bTODO\(now\)")


def tracked_files(root):
    """The files git knows in `root` that still exist, relative to it."""
    done = subprocess.run(
        ["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=True
    )
    names = [Path(name) for name in done.stdout.split("\0") if name]
    return [name for name in names if (root / name).is_file()]


def is_source(path):
    return path.suffix in SOURCES or path.name in ("CMakeLists.txt", "Makefile")


def lines_of(root, path):
    """The lines of a text file; none for a binary one."""
    data = (root / path).read_bytes()
    return [] if b"\0" in data else data.decode("utf-8", errors="replace").splitlines()


def run_tool(*command):
    """The output of a checking tool as complaints; empty when it is content."""
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return [f"{command[0]} is not installed (tools/setup.sh --tests)"]
    return (done.stdout + done.stderr).splitlines() if done.returncode else []


def check_cpp_format(root, files):
    names = [str(f) for f in files if f.suffix in (".h", ".cpp")]
    return run_tool("clang-format-14", "--dry-run", "-Werror", *names) if names else []


def check_python_format(root, files):
    return run_tool(sys.executable, "-m", "ruff", "format", "--check", "--quiet", ".")


def check_python_lint(root, files):
    return run_tool(sys.executable, "-m", "ruff", "check", "--quiet", ".")


def check_arrows(root, files):
    return check_rooms.check_tree(root)[0]


def check_licence_lines(root, files):
    """Every source names its licence in its first lines (after a shebang)."""
    return [
        f"{path}:1: no SPDX-License-Identifier"
        for path in files
        if is_source(path)
        and not any("SPDX-License-Identifier: Apache-2.0" in x for x in lines_of(root, path)[:2])
    ]


def check_foreign_paths(root, files):
    return [
        f"{path}:{number}: a path of one machine: {line.strip()[:80]}"
        for path in files
        for number, line in enumerate(lines_of(root, path), 1)
        if FOREIGN_PATH.search(line)
    ]


def check_unfinished(root, files):
    return [
        f"{path}:{number}: {line.strip()[:80]}"
        for path in files
        if is_source(path) and path.parts[0] != "tools"
        for number, line in enumerate(lines_of(root, path), 1)
        if UNFINISHED.search(line)
    ]


def check_sizes(root, files):
    complaints = []
    for path in filter(is_source, files):
        lines = lines_of(root, path)
        if len(lines) > LINES_MAX:
            complaints.append(f"{path}: {len(lines)} lines, more than {LINES_MAX}")
        complaints += [
            f"{path}:{number}: {len(line)} columns, more than {COLUMNS_MAX}"
            for number, line in enumerate(lines, 1)
            if len(line) > COLUMNS_MAX and "http" not in line
        ]
    return complaints


def check_test_namespaces(root, files):
    """Tests in C++ that are compiled together may use the same names for their helpers."""
    return [
        f"{path}: its namespace is not cppipc::...::{path.stem}"
        for path in files
        if path.name.endswith("_test.cpp")
        and not any(
            re.match(rf"namespace cppipc(::\w+)*::{path.stem} ", line)
            for line in lines_of(root, path)
        )
    ]


CHECKS = (
    check_cpp_format,
    check_python_format,
    check_python_lint,
    check_arrows,
    check_licence_lines,
    check_foreign_paths,
    check_unfinished,
    check_sizes,
    check_test_namespaces,
)


def main():
    files = tracked_files(ROOT)
    failed = 0
    for check in CHECKS:
        complaints = check(ROOT, files)
        failed += bool(complaints)
        print(f"{'FAILED' if complaints else 'ok':7}{check.__name__.removeprefix('check_')}")
        for complaint in complaints[:60]:
            print(f"  {complaint}")
        if len(complaints) > 60:
            print(f"  and {len(complaints) - 60} more")
    print(f"{len(CHECKS) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
