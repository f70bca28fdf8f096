# SPDX-License-Identifier: Apache-2.0
"""Arrays against the floor: a call that carries nothing, and one memcpy into warm memory."""

import ctypes
import re
import statistics

import numpy as np

import measure
import unity

GIB = 1 << 30
ORDINARY = 256 << 20
BLOCKS = 15


def private_mib(pid="self"):
    """Memory of a process that it shares with nobody."""
    with open(f"/proc/{pid}/status") as status:
        return int(re.search(r"RssAnon:\s+(\d+)", status.read())[1]) / 1024


def born_shared(session):
    """An array of 1 GiB that was made under an allocator, to a method and back."""
    echo = session.toolkits.diagnostics.echo
    with unity.allocator():
        x = np.zeros(GIB, np.uint8)

    def there_and_back(times):
        for _ in range(times):
            echo(x)

    def nothing(times):
        for _ in range(times):
            echo(None)

    echo(x)
    before = private_mib(), private_mib(session.server_pid)
    pairs = measure.alternating(there_and_back, nothing, BLOCKS, 200)
    grown = [
        now - then
        for now, then in zip((private_mib(), private_mib(session.server_pid)), before, strict=True)
    ]
    array = statistics.median(a for a, _ in pairs) * 1e6
    call = statistics.median(b for _, b in pairs) * 1e6
    measure.line(
        "1 GiB born shared, to a method and back, beyond a call",
        f"{array - call:.1f} us",
        f"{array:.1f} / {call:.1f} us",
        "at most 60 us",
    )
    measure.line(
        "private memory that grew, client / server",
        f"{grown[0]:.1f} / {grown[1]:.1f} MiB",
        "",
        "less than 1 MiB each",
    )


def ordinary(session):
    """Ordinary arrays, one way, against one memcpy."""
    take = session.toolkits.diagnostics.describe
    for size in (1 << 20, 16 << 20, ORDINARY):
        x = np.ones(size, np.uint8)
        warm = np.ones(size, np.uint8)

        def send(times, x=x):
            for _ in range(times):
                take(x)

        def copy(times, x=x, warm=warm, size=size):
            for _ in range(times):
                ctypes.memmove(warm.ctypes.data, x.ctypes.data, size)

        pairs = measure.alternating(send, copy, BLOCKS, max(1, (64 << 20) // size))
        measure.line(
            f"{size >> 20} MiB ordinary array, one way / memcpy",
            f"{statistics.median(a / b for a, b in pairs):.2f} x",
            f"{statistics.median(a for a, _ in pairs) * 1e3:.2f} / "
            f"{statistics.median(b for _, b in pairs) * 1e3:.2f} ms",
            "at most 1.15 x" if size == ORDINARY else "",
        )


def main():
    """Print one line for each figure."""
    with unity.launch(diagnostics=True) as session:
        born_shared(session)
        ordinary(session)


if __name__ == "__main__":
    main()
