# SPDX-License-Identifier: Apache-2.0
"""How columns and tables are shown."""

import html
import itertools

ROWS_MAX = 10
COLUMNS_MAX = 20
CELL_MAX = 30
LINE_MAX = 100


def column_text(column):
    """The repr of a Column."""
    name = f" {column.name!r}" if column.name else ""
    nulls = f", {column.null_count} null" if column.null_count else ""
    shown = ", ".join(map(_clipped_repr, column[:5].to_list()))
    more = ", …" if len(column) > 5 else ""
    return f"<unity.Column{name} of {column.type}, {_rows(len(column))}{nulls}: [{shown}{more}]>"


def table_text(table):
    """The repr of a DataFrame: its first rows under the names and types of the columns."""
    head = f"<unity.DataFrame of {_rows(table.num_rows)}, {_columns(table.num_columns)}>"
    columns, missing = _shown(table)
    lines = [[name, kind, *map(_clipped, values)] for name, kind, values in columns]
    widths = [max(map(len, line)) for line in lines]
    # As many columns as a line has room for, but at least one.
    ends = list(itertools.accumulate(width + 2 for width in widths))
    count = max(1, sum(end <= LINE_MAX for end in ends))
    missing += len(lines) - count if lines else 0
    rows = zip(*lines[:count], strict=True)
    text = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False)).rstrip()
        for row in rows
    ]
    return "\n".join([head, *text, *_what_is_missing(table, missing)])


def table_html(table):
    """A DataFrame for Jupyter."""
    columns, missing = _shown(table)
    header = "".join(
        f"<th>{html.escape(name)}<br><small>{html.escape(kind)}</small></th>"
        for name, kind, _ in columns
    )
    rows = "".join(
        "<tr>" + "".join(f"<td>{html.escape(_clipped(value))}</td>" for value in row) + "</tr>"
        for row in zip(*(values for _, _, values in columns), strict=True)
    )
    below = "; ".join(_what_is_missing(table, missing))
    size = f"unity.DataFrame of {_rows(table.num_rows)}, {_columns(table.num_columns)}"
    return (
        f"<table><thead><tr>{header}</tr></thead><tbody>{rows}</tbody></table>"
        f"<p><small>{size}{': ' + below if below else ''}</small></p>"
    )


def _shown(table):
    """(name, type, first values) of the columns that are shown, and how many are not."""
    names = table.names[:COLUMNS_MAX]
    columns = [table.column(name) for name in names]
    shown = [(c.name, c.type, c[:ROWS_MAX].to_list()) for c in columns]
    return shown, table.num_columns - len(names)


def _what_is_missing(table, columns):
    rows = table.num_rows - ROWS_MAX
    if rows > 0 and table.num_columns:
        yield f"… {rows:,} more {'row' if rows == 1 else 'rows'}"
    if columns > 0:
        yield f"… {columns} more {'column' if columns == 1 else 'columns'}"


def _rows(count):
    return f"{count:,} {'row' if count == 1 else 'rows'}"


def _columns(count):
    return f"{count} {'column' if count == 1 else 'columns'}"


def _clipped(value):
    text = "" if value is None else str(value)
    text = text.replace("\n", " ").replace("\r", " ")
    return text if len(text) <= CELL_MAX else text[: CELL_MAX - 1] + "…"


def _clipped_repr(value):
    text = repr(value)
    return text if len(text) <= CELL_MAX else text[: CELL_MAX - 1] + "…"
