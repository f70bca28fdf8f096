# SPDX-License-Identifier: Apache-2.0
"""Values in the bytes of a message: how they lie there, and what damaged bytes give."""

import datetime as dt
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import unity
from unity._messages import marshalled, round_trip, unmarshalled

BIG = 2**63


def test_bytes_of_a_message_can_be_kept():
    value = [{"key": (1, 2.5, "text", None)}, b"bytes", {3}]
    copied = bytes(marshalled(value))
    assert len(copied) % 8 == 0
    assert unmarshalled(copied) == value


@pytest.mark.parametrize(
    "items",
    [
        [1, True, 2],
        [1, 2.0, 3],
        [1.0, 2, 3.0],
        [1, None, 3],
        [1.0, "text", 2.0],
        [1.0, True],
        [1],
        [1.0],
        [0] * 1000 + [0.5] + [0] * 1000,
    ],
    ids=repr,
)
def test_numbers_with_something_else_among_them(items):
    for value in (items, tuple(items), [items, {"k": items}]):
        back = round_trip(value)
        assert repr(back) == repr(value)


def test_an_int_that_is_too_big_is_named_by_its_place():
    for value in ([1, 2, BIG, 3], (1, 2, -BIG - 1, 3)):
        with pytest.raises(unity.Overflow, match=r"beyond 64 bits \(in value\['k'\]\[2\]\)"):
            marshalled({"k": value})
    assert round_trip([BIG - 1, -BIG]) == [BIG - 1, -BIG]


def test_equal_keys_of_dicts_are_one_str():
    keys = ["id", "a somewhat longer name", "x" * 64]
    back = round_trip([dict.fromkeys(keys, n) for n in range(10)])
    for first, *others in zip(*back, strict=True):
        assert all(other is first for other in others)


def test_keys_that_look_alike_stay_apart():
    texts = ["", "a", "é", "a\0", "a" * 64, "a" * 65, "a" * 63 + "b", "a" * 7, "a" * 8, "日本"]
    texts += [f"{'key of many' * 5}{n}" for n in range(500)] + [str(n) for n in range(500)]
    value = [{text: n} for n, text in enumerate(texts)] * 2
    assert round_trip(value) == value


leaves = (
    st.none()
    | st.booleans()
    | st.integers(-BIG, BIG - 1)
    | st.floats(allow_nan=False)
    | st.complex_numbers(allow_nan=False)
    | st.text(max_size=50)
    | st.binary(max_size=50)
    | st.datetimes()
    | st.timedeltas()
    | st.dates()
    | st.times()
    | st.decimals(allow_nan=False)
    | st.uuids()
)
hashable = st.recursive(
    leaves, lambda inner: st.tuples(inner, inner) | st.frozensets(inner, max_size=5), max_leaves=5
)
anything = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=10)
        | st.lists(inner, max_size=10).map(tuple)
        | st.sets(hashable, max_size=5)
        | st.dictionaries(hashable, inner, max_size=5)
    ),
    max_leaves=20,
)


@settings(deadline=None, max_examples=200)
@given(anything)
def test_whatever_goes_in_comes_out(value):
    back = round_trip(value)
    assert back == value
    assert type(back) is type(value)


def test_damaged_messages_give_a_value_or_an_error():
    value = [
        {"id": n, "name": f"row {n}", "score": n / 7, "when": dt.datetime(2026, 1, 2)}
        for n in range(5)
    ]
    value += [[1, 2, 3], (0.5, 1.5), {1, "x"}, frozenset({b"y"}), 2j]
    whole = bytes(marshalled(value))
    source = random.Random(7)
    refused = 0
    for _ in range(3000):
        damaged = bytearray(whole)
        for _ in range(source.randint(1, 4)):
            damaged[source.randrange(len(damaged))] = source.randrange(256)
        try:
            unmarshalled(bytes(damaged))
        except (unity.ProtocolError, TypeError):  # TypeError: a key that cannot be hashed
            refused += 1
    assert refused > 100


def test_truncated_messages():
    whole = bytes(marshalled([{"key": "some text"}, [1, 2, 3], "end"]))
    for size in range(0, len(whole), 8):
        with pytest.raises(unity.ProtocolError):
            unmarshalled(whole[:size])


def test_text_that_is_no_text():
    whole = bytes(marshalled(["some text"]))
    with pytest.raises(unity.ProtocolError, match="UTF-8"):
        unmarshalled(whole.replace(b"some text", b"some \xff\xfext"))


def test_arrays_are_read_as_variants():
    array = bytearray(b"123")
    assert round_trip([1, {"k": array}]) == [1, {"k": array}]
