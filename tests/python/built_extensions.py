# SPDX-License-Identifier: Apache-2.0
"""Builds of extensions/tally.cpp, for the tests that load them."""

import os
import shutil
import subprocess
from pathlib import Path

SOURCE = Path(__file__).parent / "extensions" / "tally.cpp"
ROOT = Path(__file__).resolve().parents[2]
HEADERS = ROOT / "cppipc" / "include"
EXAMPLES = ROOT / "examples"


def build(target, *defines, source=SOURCE):
    compiler = [os.environ.get("CXX", "g++")]
    if shutil.which("ccache"):
        compiler.insert(0, "ccache")
    flags = ["-std=c++17", "-O0", "-fPIC", "-fvisibility=hidden"]
    output = target.with_suffix(".o")
    subprocess.run(
        [*compiler, *flags, f"-I{HEADERS}", *defines, "-c", source, "-o", output], check=True
    )
    subprocess.run([compiler[-1], "-shared", output, "-o", target], check=True)
    return target


class Tallies:
    """Shared libraries with the extension "tally".

    Attributes:
        first, second: versions 1 and 2, of which only the second has `Tally.reset`.
        failing: its entry point throws.
        crashing: its entry point ends the server.
        square: examples/square.cpp.
    """

    def __init__(self, folder):
        self.first = build(folder / "tally.so", "-DVERSION=1")
        self.second = build(folder / "second.so", "-DVERSION=2")
        self.failing = build(folder / "failing.so", "-DVERSION=1", "-DFAILING")
        self.square = build(folder / "square.so", source=EXAMPLES / "square.cpp")
        self.crashing = build(folder / "crashing.so", "-DVERSION=1", "-DCRASHING")
