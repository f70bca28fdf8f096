# SPDX-License-Identifier: Apache-2.0
"""Arrays made under unity.allocator, against NumPy's default, in alternating blocks."""

import functools
import statistics

import numpy as np

import measure
import unity

BLOCKS = 15
COUNT = 20_000
SMALL, RECYCLED = 3.0, 1.2


def ratio(make, count):
    """Medians of making and freeing an array, shared and not, in ns; and of their ratios."""
    allocator = unity.allocator()

    def repeat(times):
        for _ in range(times):
            make()

    def shared(times):
        with allocator:
            repeat(times)

    pairs = measure.alternating(shared, repeat, BLOCKS, count)
    return (
        statistics.median(a for a, _ in pairs) * 1e9,
        statistics.median(b for _, b in pairs) * 1e9,
        statistics.median(a / b for a, b in pairs),
    )


def main():
    """Print one line for each kind of array."""
    kinds = [
        ("np.empty, 8 bytes", functools.partial(np.empty, 1), COUNT, SMALL),
        ("np.empty, 1 KiB", functools.partial(np.empty, 128), COUNT, SMALL),
        ("np.zeros, 1 KiB", functools.partial(np.zeros, 128), COUNT, SMALL),
        ("np.empty, 8 KiB", functools.partial(np.empty, 1 << 10), COUNT, SMALL),
        ("np.empty, 64 KiB", functools.partial(np.empty, 8 << 10), COUNT, RECYCLED),
        ("np.empty, 1 MiB", functools.partial(np.empty, 128 << 10), COUNT, RECYCLED),
        ("np.empty, 4 MiB", functools.partial(np.empty, 512 << 10), COUNT, RECYCLED),
        ("np.full, 1 MiB", functools.partial(np.full, 128 << 10, 1.0), 200, RECYCLED),
        ("np.full, 64 MiB", functools.partial(np.full, 8 << 20, 1.0), 3, RECYCLED),
    ]
    for name, make, count, target in kinds:
        shared, private, times = ratio(make, count)
        measure.line(
            f"{name}, made and freed, shared / default",
            f"{times:.2f} x",
            f"{shared:.0f} / {private:.0f} ns",
            f"at most {target:g} x",
        )


if __name__ == "__main__":
    main()
