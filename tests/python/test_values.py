# SPDX-License-Identifier: Apache-2.0
"""What goes in comes out equal and of the same type: all values but arrays."""

import collections
import datetime as dt
import decimal
import enum
import math
import sys
import uuid
from zoneinfo import ZoneInfo

import pytest

from equality import same
from unity import errors
from unity._messages import round_trip


@pytest.fixture(scope="module", params=["seam", "server"])
def echo(request):
    """Sends a value through the seam's conversions alone, and through a server."""
    if request.param == "seam":
        return round_trip
    return request.getfixturevalue("private").toolkits.diagnostics.echo


NAN, INF = math.nan, math.inf
MINUTES = dt.timedelta(minutes=1)

SCALARS = [
    *(None, True, False, 0, 1, -1, 2**63 - 1, -(2**63), 2**31, -(2**31) - 1),
    *(0.0, -0.0, 1.5, NAN, INF, -INF, sys.float_info.max, 5e-324),
    *(0j, 1 + 2j, complex(NAN, INF), complex(-0.0, 0.0)),
    *("", "a", "é", "\0", "a\0b", "日本語", "\U0001f600", "x" * 5000, "é" * 100_000),
    *(b"", b"a", b"\0\xff", bytes(range(256)) * 3, b"y" * 5000, b"z" * 3_000_000),
]

TIMES = [
    dt.date.min,
    dt.date.max,
    dt.date(2024, 2, 29),
    dt.time.min,
    dt.time.max,
    dt.time(1, 2, 3, 4, fold=1),
    dt.time(1, 2, tzinfo=dt.UTC),
    dt.time(1, 2, tzinfo=dt.timezone(-90 * MINUTES)),
    dt.datetime.min,
    dt.datetime.max,
    dt.datetime(2024, 10, 27, 2, 30, fold=1),
    dt.datetime(2024, 1, 2, 3, 4, 5, 6, tzinfo=dt.UTC),
    dt.datetime(2024, 1, 2, tzinfo=dt.timezone(dt.timedelta(seconds=-1))),
    dt.datetime(2024, 1, 2, tzinfo=dt.timezone(dt.timedelta(hours=23, minutes=59, seconds=59))),
    dt.timedelta(),
    dt.timedelta.min,
    dt.timedelta.max,
    dt.timedelta(microseconds=-1),
]

DECIMALS = ["0", "-0", "1.10", "1E+30", "-1e-400", "NaN", "sNaN", "-Infinity", "9" * 60 + ".5"]

CONTAINERS = [
    [],
    (),
    set(),
    frozenset(),
    {},
    [1, 2.0, "3", b"4", None, True, 5j],
    [[[]], [[1]], ()],
    ((1,), [2], {3: (4,)}),
    list(range(1000)),
    tuple(range(1000)),
    [0.5] * 1000,
    (0.5,) * 1000,
    [1, 2, True],
    [1, 2.0],
    {1, 2.5, "x", b"y", (1, 2), frozenset({3})},
    frozenset({None, True, "a"}),
    {"b": 1, "a": 2},
    {1: "int", 1.5: "float", None: "none", (1, "t"): "tuple", b"b": "bytes"},
    {frozenset({1}): 1, dt.date(2024, 1, 1): 2, decimal.Decimal("1.5"): 3},
    {"nested": {"deeper": [{"deepest": ()}]}},
    [{"k": i, "v": [i, str(i)]} for i in range(300)],
]


@pytest.mark.parametrize("value", SCALARS, ids=lambda v: repr(v)[:30])
def test_scalars(echo, value):
    assert same(echo(value), value)


@pytest.mark.parametrize("value", TIMES, ids=repr)
def test_times(echo, value):
    got = echo(value)
    assert same(got, value)
    assert getattr(got, "fold", 0) == getattr(value, "fold", 0)
    assert getattr(got, "tzinfo", None) == getattr(value, "tzinfo", None)


def test_a_zone_comes_back_as_its_offset(echo):
    value = dt.datetime(2024, 7, 1, 12, tzinfo=ZoneInfo("Europe/Paris"))
    got = echo(value)
    assert got == value
    assert got.utcoffset() == dt.timedelta(hours=2)


@pytest.mark.parametrize("text", DECIMALS)
def test_decimals(echo, text):
    value = decimal.Decimal(text)
    got = echo(value)
    assert type(got) is decimal.Decimal
    assert got.as_tuple() == value.as_tuple()


def test_uuids(echo):
    value = uuid.uuid4()
    assert same(echo(value), value)


@pytest.mark.parametrize("value", CONTAINERS, ids=lambda v: repr(v)[:30])
def test_containers(echo, value):
    assert same(echo(value), value)


def test_dicts_keep_their_order(echo):
    value = dict.fromkeys("zyxabc")
    assert list(echo(value)) == list(value)


def test_subclasses_arrive_as_their_base(echo):
    Point = collections.namedtuple("Point", "x y")
    Color = enum.IntEnum("Color", "RED GREEN")
    Word = type("Word", (str,), {})
    cases = [
        (Point(1, 2), (1, 2)),
        (Color.GREEN, 2),
        (Word("w"), "w"),
        (collections.OrderedDict(a=1), {"a": 1}),
        (collections.defaultdict(list, a=[1]), {"a": [1]}),
        (collections.Counter("aab"), {"a": 2, "b": 1}),
        (type("L", (list,), {})([1]), [1]),
        (type("B", (bytes,), {})(b"b"), b"b"),
        (type("F", (float,), {})(0.5), 0.5),
        (type("S", (set,), {})({1}), {1}),
        (type("D", (dt.datetime,), {})(2024, 1, 1), dt.datetime(2024, 1, 1)),
    ]
    for value, expected in cases:
        assert same(echo(value), expected)
        assert same(echo([value]), [expected])


def nested(depth, wrap):
    value = 0
    for _ in range(depth):
        value = wrap(value)
    return value


@pytest.mark.parametrize("wrap", [lambda v: [v], lambda v: (v,), lambda v: {"k": v}])
def test_nesting_up_to_1000_levels(echo, wrap):
    got = echo(nested(1000, wrap))
    depth = 0
    while got != 0:
        got = got["k"] if isinstance(got, dict) else got[0]
        depth += 1
    assert depth == 1000


def test_text_and_bytes_beyond_one_message(private):
    echo = private.toolkits.diagnostics.echo
    text = "é" * (40 << 20)
    assert echo(text) == text
    data = bytes(80 << 20)
    assert echo(data) == data


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_text_and_bytes_beyond_512_mib(private):
    echo = private.toolkits.diagnostics.echo
    size = (512 << 20) + 1
    data = bytes(size)
    assert echo(data) == data
    text = "a" * size
    assert echo(text) == text


def test_many_values_of_middling_size_are_no_message_too_large(private):
    """Once half of a message is used, they cross beside it."""
    diagnostics = private.toolkits.diagnostics
    data = [bytes([n]) * 900_000 for n in range(90)]
    assert diagnostics.echo(data) == data
    text = ["é" * 450_000] * 90
    assert diagnostics.echo(text) == text
    assert diagnostics.pair(data[:45], data[45:]) == [data[:45], data[45:]]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_numbers_beyond_the_limit_of_a_message(private):
    """They are no bulk: a list of numbers is part of the message."""
    with pytest.raises(errors.TooLarge, match="64 MiB|67,108,864"):
        private.toolkits.diagnostics.echo([1.5] * (9 << 20))
    assert private.toolkits.diagnostics.echo([1.5] * (7 << 20)) == [1.5] * (7 << 20)


def test_a_million_numbers(private):
    echo = private.toolkits.diagnostics.echo
    assert same(echo(list(range(1_000_000))), list(range(1_000_000)))
    floats = [i / 7 for i in range(1_000_000)]
    assert echo(floats) == floats


def test_what_the_server_sees(private):
    describe = private.toolkits.diagnostics.describe
    kinds = {
        "null": None,
        "bool": True,
        "int": 1,
        "float": 1.0,
        "complex": 1j,
        "str": "s",
        "bytes": b"b",
        "list": [1],
        "tuple": (1,),
        "set": {1},
        "frozenset": frozenset(),
        "dict": {},
        "datetime": dt.datetime(2024, 1, 1),
        "date": dt.date(2024, 1, 1),
        "time": dt.time(1),
        "timedelta": dt.timedelta(1),
        "decimal": decimal.Decimal(1),
        "uuid": uuid.uuid4(),
        "array": bytearray(3),
        "object": private.types.Counter(),
    }
    for kind, value in kinds.items():
        assert describe(value)["kind"] == kind
