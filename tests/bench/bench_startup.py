# SPDX-License-Identifier: Apache-2.0
"""launch() to the first reply, and `import unity`, beside an empty interpreter."""

import statistics
import subprocess
import sys
import time

import measure

RUNS = 15

LAUNCH = """
import time, unity
begin = time.perf_counter()
session = unity.launch()
session.types.Counter().increment(1)
print(time.perf_counter() - begin)
session.close()
"""
IMPORT = """
import sys, time
begin = time.perf_counter()
import unity
print(time.perf_counter() - begin)
assert "numpy" not in sys.modules
"""


def timed(code):
    """Median of what a script prints, over fresh interpreters, in seconds."""
    values = []
    for _ in range(RUNS):
        done = subprocess.run(
            [sys.executable, "-c", code], check=True, capture_output=True, text=True
        )
        values.append(float(done.stdout))
    return statistics.median(values)


def spawn_floor():
    """Median seconds of starting and ending `true`."""
    values = []
    for _ in range(RUNS):
        begin = time.perf_counter()
        subprocess.run(["true"], check=True)
        values.append(time.perf_counter() - begin)
    return statistics.median(values)


def main():
    """Run all parts."""
    floor = spawn_floor()
    measure.line(
        "launch() to the first reply",
        f"{timed(LAUNCH) * 1e3:.1f} ms",
        f"starting `true` {floor * 1e3:.1f} ms",
        "at most 60 ms",
    )
    measure.line("import unity", f"{timed(IMPORT) * 1e3:.1f} ms", None, "at most 60 ms")


if __name__ == "__main__":
    main()
