# SPDX-License-Identifier: Apache-2.0
"""Dataframes of another form than any has, and what a client writes where C++ reads."""

import numpy as np
import pytest

import unity
from conftest import TRANSPORT

IN_SHARED_MEMORY = pytest.mark.skipif(TRANSPORT == "tcp", reason="no memory is shared over TCP")


@pytest.fixture
def tables(typed):
    return typed.toolkits.tables


class Forged(unity.DataFrame):
    """Parts of any form, which no other DataFrame has."""

    __slots__ = ("parts",)

    @classmethod
    def of(cls, *parts):
        forged = cls({})
        forged.parts = list(parts)
        return forged

    def _to_parts(self):
        return self.parts


def text_column(offsets, characters):
    return (
        "x",
        "text",
        np.array(offsets, dtype=np.int64),
        np.frombuffer(characters, np.uint8),
        None,
    )


@pytest.mark.parametrize(
    "parts",
    [
        [-1],
        ["one"],
        [1, "column"],
        [1, ("x", "values", np.zeros(2), None, None)],
        [1, ("x", "values", np.zeros((1, 1)), None, None)],
        [1, ("x", "values", np.zeros(1, dtype=">f8"), None, None)],
        [1, ("x", "values", np.zeros(1, dtype="U3"), None, None)],
        [1, ("x", "values", np.zeros(1), None, "UTC")],
        [1, ("x", "values", np.zeros(1), np.zeros(2, dtype=bool), None)],
        [1, ("x", "values", np.zeros(1), None, None), ("x", "values", np.zeros(1), None, None)],
        [2, text_column([0, 1], b"a")],
    ],
)
def test_a_frame_of_another_form_ends_the_session_and_no_other(own_server, parts):
    server = own_server()
    with server.connect() as bad, server.connect() as good:
        with pytest.raises(unity.Error):
            bad.toolkits.diagnostics.echo(Forged.of(*parts))
        assert good.toolkits.diagnostics.echo(1) == 1


@pytest.mark.parametrize(
    ("offsets", "text"),
    [
        ([0, 5], "from 0 to 5 of 3 characters"),
        ([2, 1], "from 2 to 1"),
        ([-(2**62), 2], "from -"),
        ([2**62, 2**62], "from 4611686018427387904"),
        ([0, 1], "not valid UTF-8"),
    ],
)
def test_places_that_lead_out_are_never_followed(tables, offsets, text):
    frame = Forged.of(1, text_column(offsets, "ä ".encode()))
    with pytest.raises(ValueError, match=text):
        tables.texts(frame, "x")
    categories = ("", "values", np.zeros(1), None, None)
    for code in (1, 127, -2):
        codes = ("x", "category", np.array([code], dtype=np.int8), categories, False)
        with pytest.raises(ValueError, match=f"row 0 is {code}, but there are 1 categories"):
            tables.codes(Forged.of(1, codes), "x")


@IN_SHARED_MEMORY
def test_what_is_written_while_cpp_keeps_it_is_checked_when_it_is_read(typed):
    with unity.allocator():
        offsets = np.arange(100_001, dtype=np.int64)
        characters = np.full(100_000, ord("a"), dtype=np.uint8)
    keeper = typed.types.tables.Keeper()
    frame = keeper.keep(Forged.of(100_000, ("x", "text", offsets, characters, None)))
    offsets[50_000] = 2**60
    with pytest.raises(ValueError, match="row 49999 is said to lie from"):
        typed.toolkits.tables.texts(Forged.of(*frame._to_parts()), "x")
