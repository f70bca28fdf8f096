# SPDX-License-Identifier: Apache-2.0
"""What the commands that draw tables share: the console of rich, and numbers for people."""

# Where output goes to a file or a pipe, which has no width of its own.
_COLUMNS = 110
_SCALES = {
    "s": ((1, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns")),
    "B/s": ((1e9, "GB/s"), (1e6, "MB/s"), (1e3, "kB/s"), (1, "B/s")),
}


def console():
    """The console of rich on stdout. Raises: ModuleNotFoundError if rich is not installed."""
    from rich.console import Console

    screen = Console()
    return screen if screen.is_terminal else Console(width=_COLUMNS)


def amount(value, unit):
    """Seconds ("s") or bytes a second ("B/s") for people, such as "12.3 µs".

    Returns:
        Three digits that count and a unit; "0" for nothing.
    """
    if value == 0:
        return "0"
    scales = _SCALES[unit]
    scale, name = next((pair for pair in scales if value >= pair[0]), scales[-1])
    number = value / scale
    digits = max(0, 2 - len(str(int(number))) + 1)
    return f"{number:,.{digits}f} {name}"
