# SPDX-License-Identifier: Apache-2.0
"""What dataframes and graphs cross as; imported when the first one, or an unknown value, does."""

from unity._graphs import Graph
from unity._tables import DataFrame, as_value

CLASSES = (DataFrame, Graph)


def parts_of(value):
    """Whether it is a dataframe, and its parts, of a dataframe, a graph or a table of another
    library; None for anything else.

    Raises:
        TypeError, ValueError: it is a table that cannot be a DataFrame.
    """
    table = value if isinstance(value, CLASSES) else as_value(value)
    return None if table is None else (isinstance(table, DataFrame), table._to_parts())
