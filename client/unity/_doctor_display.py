# SPDX-License-Identifier: Apache-2.0
"""The report of `python -m unity doctor` as tables, drawn by rich."""

from unity._display import amount, console

_STYLES = {"broken": "bold red", "slow": "yellow", "note": "cyan"}


def show(report):
    """Print a report of `unity._doctor.examine`. Raises: ModuleNotFoundError without rich."""
    screen = console()
    screen.print(_floors_table(report["floors"]))
    screen.print(_steps_table(report["steps"]))
    _show_findings(screen, report["findings"])
    known = [f"{name} {version}" for name, version in report["versions"].items() if version]
    screen.print("versions: " + ", ".join(known), style="dim", highlight=False)
    screen.print(f"measured in {report['seconds']:.1f} s", style="dim", highlight=False)


def _table(title, *columns):
    from rich import box
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    for column in columns:
        is_number = column in ("takes", "floor takes", "times")
        table.add_column(column, justify="right" if is_number else "left", no_wrap=is_number)
    return table


def _floors_table(rows):
    table = _table("What the machine itself takes", "floor", "takes")
    for row in rows:
        table.add_row(row["what"], amount(row["value"], row["unit"]))
    return table


def _steps_table(rows):
    table = _table("Steps of a call", "step", "takes", "beside", "floor takes", "times")
    for row in rows:
        has_floor = row["floor"] is not None
        table.add_row(
            row["what"],
            amount(row["value"], row["unit"]),
            row["floor"] or "",
            amount(row["floor_value"], row["unit"]) if has_floor else "",
            f"{row['ratio']:.2f}" if has_floor else "",
        )
    return table


def _show_findings(screen, findings):
    from rich.padding import Padding
    from rich.text import Text

    if not findings:
        screen.print("Nothing found that slows things down.", highlight=False)
        return
    screen.print("Findings", style="italic")
    for finding in findings:
        level = finding["level"]
        screen.print(Text.assemble((f"{level}: ", _STYLES[level]), finding["what"]))
        for label in ("cost", "remedy"):
            screen.print(Padding(Text(f"{label}: {finding[label]}"), (0, 0, 0, 4)))
    screen.print()
