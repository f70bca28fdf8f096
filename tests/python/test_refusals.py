# SPDX-License-Identifier: Apache-2.0
"""What cannot cross raises before anything is sent, and says what and where it is."""

import ctypes
import datetime as dt
import enum
import mmap
import threading
import types
from zoneinfo import ZoneInfo

import numpy as np
import pytest

import unity


@pytest.fixture
def refused(private):
    """Asserts that a value is refused with that exception, in any position, with nothing sent."""
    echo = private.toolkits.diagnostics.echo

    def check(value, error, match):
        calls = private.stats()["calls"]
        positions = [value, [1, value], (value,), {"k": value}, {"k": [{"d": value}]}]
        for given in positions:
            with pytest.raises(error, match=match) as raised:
                echo(given)
            assert isinstance(raised.value, unity.Error)
            with pytest.raises(error, match=match):
                echo.submit(given)
            with pytest.raises(error, match=match):
                echo(x=given)
        assert private.stats()["calls"] == calls
        assert echo(5) == 5
        return str(raised.value)

    return check


class Plain:
    pass


@pytest.mark.parametrize(
    "value",
    [
        object(),
        Plain(),
        (i for i in ()),
        range(3),
        types,
        ...,
        NotImplemented,
        threading.Lock(),
        slice(1),
        {}.keys(),
        ValueError("x"),
        dt.UTC,
        enum.Enum("Shade", "DARK").DARK,
        iter([]),
    ],
    ids=lambda v: type(v).__name__,
)
def test_types_that_cannot_cross(refused, value):
    text = refused(value, TypeError, type(value).__name__)
    assert "argument 'x'['k'][0]['d']" in text


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, 10**100])
def test_ints_beyond_64_bits(refused, value):
    refused(value, OverflowError, "64 bits")


def test_ints_beyond_64_bits_as_keys_and_members(private):
    echo = private.toolkits.diagnostics.echo
    for value in ({2**64: 1}, {2**64}, frozenset({2**64}), [1, 2, 2**64], [1] * 50 + [2**64]):
        with pytest.raises(OverflowError):
            echo(value)


class Index:
    """Says what int it is, and nothing else."""

    def __init__(self, number):
        self.number = number

    def __index__(self):
        if isinstance(self.number, Exception):
            raise self.number
        return self.number


def test_what_has_an_index_is_an_int(private):
    echo = private.toolkits.diagnostics.echo
    sent = Index(5), [Index(-(2**63))], {Index(1): (Index(2), {Index(3)})}
    assert echo(sent) == (5, [-(2**63)], {1: (2, {3})})
    assert private.types.Counter(Index(4)).increment(Index(3)) == 7


def test_an_index_beyond_64_bits(refused):
    refused(Index(2**63), OverflowError, "64 bits")


def test_an_index_that_fails(private):
    calls = private.stats()["calls"]
    for failure in (ZeroDivisionError("mine"), TypeError("mine")):
        with pytest.raises(type(failure), match="mine") as raised:
            private.toolkits.diagnostics.echo([Index(failure)])
        assert raised.value is failure
    with pytest.raises(TypeError, match="non-int"):
        private.toolkits.diagnostics.echo(Index("5"))
    assert private.stats()["calls"] == calls


def test_lone_surrogates(refused):
    refused("a\ud800", ValueError, "surrogates")


@pytest.mark.parametrize(
    "value",
    [
        np.array([None, 1], dtype=object),
        np.array([(1, None)], dtype=[("a", "i4"), ("o", object)]),
        pytest.param(
            lambda: np.array(["a"], dtype=np.dtypes.StringDType()),
            marks=pytest.mark.skipif(
                not hasattr(np, "dtypes") or not hasattr(np.dtypes, "StringDType"),
                reason="NumPy has StringDType from 2.0 on",
            ),
        ),
    ],
    ids=["object", "field", "StringDType"],
)
def test_arrays_of_python_objects(refused, value):
    refused(value() if callable(value) else value, TypeError, "dtype")


class Pointing(ctypes.Structure):
    _fields_ = [("a", ctypes.c_int), ("p", ctypes.POINTER(ctypes.c_int) * 2)]


class Packed(ctypes.Structure):
    _pack_ = 1
    _fields_ = [("a", ctypes.c_int), ("b", ctypes.c_void_p)]


class Either(ctypes.Union):
    _fields_ = [("a", ctypes.c_int64), ("b", ctypes.c_char_p)]


class Derived(Pointing):
    _fields_ = [("b", ctypes.c_int)]


@pytest.mark.parametrize(
    "value",
    [
        memoryview(np.array([None])),
        memoryview(np.array([(1, None)], dtype=[("a", "i4"), ("o", object)])),
        ctypes.py_object(3),
        ctypes.POINTER(ctypes.c_int)(),
        ctypes.c_void_p(3),
        ctypes.c_char_p(b"a"),
        ctypes.c_wchar_p("a"),
        ctypes.CFUNCTYPE(ctypes.c_int)(),
        (ctypes.c_void_p * 2)(),
        memoryview(bytes(8)).cast("P"),
        Pointing(),
        (Pointing * 2)(),
        memoryview(Pointing()),
        Packed(),
        Either(),
        memoryview(Either()),
        Derived(),
    ],
    ids=lambda v: type(v).__name__,
)
def test_memory_with_pointers(refused, value):
    text = refused(value, TypeError, "pointers")
    assert "argument 'x'['k'][0]['d']" in text


def test_bit_fields(refused):
    class Bits(ctypes.Structure):
        _fields_ = [("a", ctypes.c_int, 3), ("b", ctypes.c_int, 5)]

    for value in (Bits(), (Bits * 2)(), memoryview(Bits())):
        assert "argument 'x'['k'][0]['d']" in refused(value, TypeError, "bit fields")


def test_names_of_members_are_no_formats(private):
    class Named(ctypes.Structure):
        _fields_ = [("O", ctypes.c_int), ("P", ctypes.c_double), ("Z", ctypes.c_int)]

    echo = private.toolkits.diagnostics.echo
    assert bytes(echo(Named(1, 2.0, 3))) == bytes(Named(1, 2.0, 3))
    assert bytes(echo(memoryview(Either()).cast("B"))) == bytes(8)
    assert memoryview(echo(memoryview(np.array([1 + 2j])))).format == "Zd"


@pytest.mark.parametrize(
    "value",
    [np.ma.array([1, 2], mask=[0, 1]), np.ones((1, 1)).view(np.matrix)],
    ids=["masked", "matrix"],
)
def test_arrays_that_mean_more_than_their_elements(refused, value):
    refused(value, TypeError, type(value).__name__)


def test_offsets_of_fractions_of_a_second(refused):
    zone = dt.timezone(dt.timedelta(seconds=1, microseconds=1))
    refused(dt.datetime(2024, 1, 1, tzinfo=zone), ValueError, "UTC offset")


def test_datetimes_finer_than_microseconds(refused):
    Stamp = type("Stamp", (dt.datetime,), {"nanosecond": 5})
    refused(Stamp(2024, 1, 1), TypeError, "Stamp")


def test_times_whose_zone_gives_no_offset(refused):
    """They are naive by definition, but would come back without their zone."""

    class Silent(dt.tzinfo):
        def utcoffset(self, when):
            return None

        def __str__(self):
            return "somewhere"

    refused(dt.time(1, 2, tzinfo=ZoneInfo("Europe/Paris")), TypeError, "zone Europe/Paris")
    refused(dt.time(1, 2, tzinfo=Silent()), TypeError, "zone somewhere")
    refused(dt.datetime(2024, 1, 1, tzinfo=Silent()), TypeError, "zone somewhere")


def test_memory_is_no_key(private):
    """It would come back as a Buffer, which has no hash."""
    calls = private.stats()["calls"]
    view = memoryview(b"ab")
    for value in ({view: 1}, {view}, frozenset({view}), {(1, (view,)): 2}, {mmap.mmap(-1, 8): 2}):
        for call in (private.toolkits.diagnostics.echo, private.toolkits.diagnostics.echo.submit):
            with pytest.raises(
                unity.WrongType, match="as a key or in a set.*not hashable"
            ) as raised:
                call([value])
    assert "argument 'x'[0]" in str(raised.value)
    assert private.stats()["calls"] == calls
    echo = private.toolkits.diagnostics.echo
    assert bytes(echo({"k": view, b"ab": {1}})["k"]) == b"ab"
    assert echo([{1, 2}, view])[0] == {1, 2}


def cyclic(kind):
    outer = []
    inner = {"list": lambda: outer, "dict": lambda: {"k": outer}, "tuple": lambda: (outer,)}[kind]()
    outer.append(inner)
    return outer


@pytest.mark.parametrize("kind", ["list", "dict", "tuple"])
def test_containers_that_contain_themselves(refused, kind):
    refused(cyclic(kind), ValueError, "contains itself")


def test_nesting_beyond_1000(private):
    value = []
    for _ in range(1000):
        value = [value]
    with pytest.raises(ValueError, match="1000"):
        private.toolkits.diagnostics.echo(value)


def test_lists_that_grow_exponentially_end_soon(private):
    value = [0]
    for _ in range(60):
        value = [value, value]
    with pytest.raises(ValueError, match="room for 67,108,864"):
        private.toolkits.diagnostics.echo(value)


def test_a_message_over_the_limit(private):
    calls = private.stats()["calls"]
    with pytest.raises(unity.TooLarge, match="67,108,864|64 MiB"):
        private.toolkits.diagnostics.echo([{"k": str(i)} for i in range(1_500_000)])
    assert private.stats()["calls"] == calls


def test_a_list_changed_while_it_is_sent(private):
    value = []

    class Zone(dt.tzinfo):
        def utcoffset(self, when):
            value.clear()
            return dt.timedelta(0)

    value += [dt.datetime(2024, 1, 1, tzinfo=Zone()), 1, 2]
    with pytest.raises(RuntimeError, match="changed"):
        private.toolkits.diagnostics.echo(value)
    inner = {}

    class Clearing(dt.tzinfo):
        def utcoffset(self, when):
            inner.clear()
            return dt.timedelta(0)

    inner.update({1: dt.datetime(2024, 1, 1, tzinfo=Clearing()), 2: 2})
    with pytest.raises(RuntimeError, match="changed"):
        private.toolkits.diagnostics.echo(inner)


def test_what_a_value_raises_itself_is_passed_on(private):
    class Broken(dt.tzinfo):
        def utcoffset(self, when):
            raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        private.toolkits.diagnostics.echo(dt.datetime(2024, 1, 1, tzinfo=Broken()))


def test_the_place_is_told_shortly(private):
    value = object()
    for _ in range(50):
        value = [value]
    with pytest.raises(TypeError, match="42 levels deeper"):
        private.toolkits.diagnostics.echo(value)
    with pytest.raises(TypeError) as raised:
        private.toolkits.diagnostics.echo({"k" * 10_000: object()})
    assert len(str(raised.value)) < 200


def test_objects_of_another_session(private, shared):
    with shared.connect() as other:
        foreign = other.types.Probe()
        for value in (foreign, [foreign], {"k": foreign}):
            with pytest.raises(ValueError) as raised:
                private.toolkits.diagnostics.echo(value)
            assert other.address in str(raised.value)
            assert private.address in str(raised.value)
        del foreign, value
