# SPDX-License-Identifier: Apache-2.0
"""Run every benchmark of this folder; arguments select some by name, e.g. `calls idle`."""

import os
import platform
import subprocess
import sys

PARTS = [
    "calls",
    "values",
    "allocator",
    "arrays",
    "delays",
    "interrupt",
    "startup",
    "idle",
    "memory",
    "tcp",
    "saving",
    "extension",
    "tables",
]


def main():
    """Run the parts one after the other, each in an interpreter of its own."""
    wanted = sys.argv[1:] or PARTS
    unknown = sorted(set(wanted) - set(PARTS))
    if unknown:
        raise SystemExit(f"no benchmark is called {', '.join(unknown)}; there are {PARTS}")
    load = ", ".join(f"{value:.2f}" for value in os.getloadavg())
    print(f"{platform.python_implementation()} {platform.python_version()}, load {load}")
    here = os.path.dirname(os.path.abspath(__file__))
    failed = [
        part
        for part in wanted
        if subprocess.run([sys.executable, os.path.join(here, f"bench_{part}.py")]).returncode
    ]
    if failed:
        raise SystemExit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
