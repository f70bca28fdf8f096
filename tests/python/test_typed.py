# SPDX-License-Identifier: Apache-2.0
"""Parameters and results of every C++ type: what they take, and how they refuse the rest."""

import array
import datetime as dt
from pathlib import Path

import numpy as np
import pytest

import unity
from equality import same


class Index:
    def __index__(self):
        return 7


TAKEN = [
    ("int8", -128, -128),
    ("int64", True, 1),
    ("int64", 2**63 - 1, 2**63 - 1),
    ("int64", Index(), 7),
    ("uint64", np.uint64(2**63 - 1), 2**63 - 1),
    *(("uint8", np.dtype(code).type(5), 5) for code in "bBhHiIlLqQ"),
    ("float64", 1.5, 1.5),
    ("float64", 2, 2.0),
    *(("float64", np.dtype(code).type(5), 5.0) for code in "bBhHiIlLqQefdg"),
    ("float32", 0.5, 0.5),
    ("complex128", 2j, 2j),
    ("complex128", 1, 1 + 0j),
    ("complex128", np.complex64(2j), 2j),
    ("boolean", True, True),
    ("boolean", np.bool_(False), False),
    ("text", "ü\0", "ü\0"),
    ("text", np.str_("ab"), "ab"),
    ("bytes", b"a\xff", b"a\xff"),
    ("bytes", bytearray(b"ab"), b"ab"),
    ("bytes", memoryview(b"abcd")[::2], b"ac"),
    ("bytes", array.array("b", [1, 2]), b"\1\2"),
    ("bytes", np.array([1, 2], "u1"), b"\1\2"),
    ("ints", [1, True, np.int8(3)], [1, 1, 3]),
    ("ints", (1, 2), [1, 2]),
    ("ints", np.array([1, 2], "i2")[::-1], [2, 1]),
    ("ints", array.array("h", [5]), [5]),
    ("floats", [1, 2.5], [1.0, 2.5]),
    ("floats", np.array([1, 2], ">i4"), [1.0, 2.0]),
    ("booleans", [True, False], [True, False]),
    ("texts", ("a", "b"), ["a", "b"]),
    ("texts", {"a"}, ["a"]),
    ("int_deque", frozenset({3}), [3]),
    ("text_list", ["a"], ["a"]),
    ("three", (1, 2, 3), [1, 2, 3]),
    ("three", np.array([1, 2, 3]).astype("i4"), [1, 2, 3]),
    ("int_set", {2, 1}, {1, 2}),
    ("int_set", frozenset({2}), {2}),
    ("int_set", [2, 1, 2], {1, 2}),
    ("int_set", (1,), {1}),
    ("int_set", np.array([3, 3], "u1"), {3}),
    ("text_set", ["b", "a"], {"a", "b"}),
    ("text_map", {"b": 1, "a": 2}, {"a": 2, "b": 1}),
    ("int_map", {1: (1, 2)}, {1: [1.0, 2.0]}),
    ("pair", (1, "a"), (1, "a")),
    ("pair", [1, "a"], (1, "a")),
    ("triple", (1, 2, "c"), (1, 2.0, "c")),
    ("optional", None, None),
    ("optional", 5, 5),
    ("float_or_int", 1, (1, 1)),
    ("float_or_int", 1.0, (0, 1.0)),
    ("float_or_int", np.int8(1), (1, 1)),
    ("text_or_float", 3, (1, 3.0)),
    ("text_or_float", "3", (0, "3")),
    ("none_or_lists", None, (0, None)),
    ("none_or_lists", ["a"], (2, ["a"])),
    ("none_or_lists", [1, 2], (1, [1.0, 2.0])),
    ("none_or_lists", np.array([1.5]), (1, [1.5])),
    ("color_or_text", "RED", (1, "RED")),
    ("microseconds", dt.timedelta(1, 2, 3), dt.timedelta(1, 2, 3)),
    ("seconds", dt.timedelta(seconds=-5), dt.timedelta(seconds=-5)),
    ("days", dt.timedelta(3), dt.timedelta(3)),
    ("float_seconds", dt.timedelta(seconds=1.5), dt.timedelta(seconds=1.5)),
    (
        "moment",
        dt.datetime(2024, 1, 2, 3, tzinfo=dt.timezone(dt.timedelta(hours=1))),
        dt.datetime(2024, 1, 2, 2, tzinfo=dt.UTC),
    ),
]


@pytest.mark.parametrize(("name", "given", "expected"), TAKEN, ids=lambda v: repr(v)[:40])
def test_what_a_parameter_takes(typed, name, given, expected):
    assert same(typed.toolkits.typed[name](given), expected)


# Function, what is given, and what the text says besides the function and the parameter.
WRONG_TYPES = [
    ("int64", 2.0, "expected int, got float"),
    ("int64", "2", "expected int, got str"),
    ("int64", None, "expected int, got None"),
    ("int64", np.float32(2), "expected int, got numpy.float32"),
    ("int64", np.array([1]), "expected int, got ndarray[int64]"),
    ("float64", True, "expected float, got bool"),
    ("float64", np.bool_(True), "expected float, got numpy.bool"),
    ("float64", "1.5", "expected float, got str"),
    ("float64", 1j, "expected float, got complex"),
    ("complex128", "1j", "expected complex, got str"),
    ("boolean", 1, "expected bool, got int"),
    ("boolean", np.int8(1), "expected bool, got numpy.int8"),
    ("boolean", None, "expected bool, got None"),
    ("text", b"a", "expected str, got bytes"),
    ("text", np.bytes_(b"a"), "expected str, got numpy."),
    ("text", 5, "expected str, got int"),
    ("bytes", "a", "expected bytes, got str"),
    ("bytes", np.zeros((2, 2), "u1"), "expected bytes, got ndarray[uint8]"),
    ("bytes", array.array("h", [1]), "expected bytes, got array[int16]"),
    ("ints", [[1]], "parameter 'x'[0]: expected int, got list"),
    ("ints", [1.0], "parameter 'x'[0]: expected int, got float"),
    ("ints", np.array([1.5]), "expected list[int], got ndarray[float64]"),
    ("ints", np.array([1], "i8"), "expected list[int], got ndarray[int64]"),
    ("ints", np.zeros((1, 1), "i4"), "got ndarray[int32] of shape (1, 1)"),
    ("ints", {1}, "expected list[int], got set"),
    ("ints", "12", "expected list[int], got str"),
    ("floats", np.array([1j]), "expected list[float], got ndarray[complex128]"),
    ("texts", ["a", 1], "parameter 'x'[1]: expected str, got int"),
    ("texts", "ab", "expected list[str], got str"),
    ("texts", {"a": 1}, "expected list[str], got dict"),
    ("three", [1, 2], "expected list[int] of 3 items, got 2"),
    ("three", {1, 2, 3}, "expected list[int], got set"),
    ("int_set", ["a"], "parameter 'x'[0]: expected int, got str"),
    ("int_set", {"a"}, "parameter 'x' element 'a': expected int, got str"),
    ("int_set", {1: 2}, "expected set[int], got dict"),
    ("int_set", np.array([1.5]), "expected set[int], got ndarray[float64]"),
    ("text_map", [("a", 1)], "expected dict[str, int], got list"),
    ("text_map", {"a": "b"}, "parameter 'x'['a']: expected int, got str"),
    ("text_map", {1: 1}, "parameter 'x' element 1: expected str, got int"),
    ("pair", (1,), "expected tuple[int, str] of 2 items, got 1"),
    ("pair", (1, "a", 2), "expected tuple[int, str] of 2 items, got 3"),
    ("pair", {1, "a"}, "expected tuple[int, str], got set"),
    ("triple", (1, 2), "of 3 items, got 2"),
    ("optional", "a", "expected int | None, got str"),
    ("float_or_int", "a", "expected float | int, got str"),
    ("view", np.array([1.0], "f4"), "expected ndarray[float64], got ndarray[float32]"),
    ("view", np.array([1.0], ">f8"), "expected ndarray[float64], got ndarray[>f8]"),
    ("view", [1.0], "expected ndarray[float64], got list"),
    ("array", np.array([1j]), "expected ndarray[float64], got ndarray[complex128]"),
    ("any_array", [1.0], "expected ndarray, got list"),
    ("microseconds", 1.5, "expected timedelta, got float"),
    ("microseconds", 1, "expected timedelta, got int"),
    ("moment", dt.datetime(2024, 1, 1), "expected aware datetime, got "),
    ("moment", dt.date(2024, 1, 1), "expected aware datetime, got date"),
    ("moment", 1.5, "expected aware datetime, got float"),
]


@pytest.mark.parametrize(("name", "given", "text"), WRONG_TYPES, ids=lambda v: repr(v)[:40])
def test_wrong_types_are_refused(typed, name, given, text):
    with pytest.raises(TypeError) as raised:
        typed.toolkits.typed[name](given)
    assert isinstance(raised.value, unity.WrongType)
    assert f"typed.{name}() parameter 'x'" in str(raised.value)
    assert text in str(raised.value)


@pytest.mark.parametrize(
    ("name", "given", "text"),
    [
        ("int8", 128, "expected int from -128 to 127, got 128"),
        ("uint8", -1, "expected int from 0 to 255, got -1"),
        ("uint64", -1, "expected int from 0 to 18446744073709551615, got -1"),
        ("int64", np.uint64(2**63), "got 9223372036854775808"),
        ("ints", [0, 2**31], "parameter 'x'[1]: expected int from"),
        ("float32", 1e300, "expected float that fits in 32 bits"),
    ],
)
def test_numbers_out_of_range(typed, name, given, text):
    with pytest.raises(OverflowError) as raised:
        typed.toolkits.typed[name](given)
    assert f"typed.{name}() parameter 'x'" in str(raised.value) and text in str(raised.value)


def test_a_result_past_63_bits_is_an_overflow(typed):
    with pytest.raises(OverflowError, match=r"largest\(\) result: 18446744073709551615"):
        typed.toolkits.typed.largest()
    with pytest.raises(OverflowError, match=r"uint64\(\) result: 9223372036854775808"):
        typed.toolkits.typed.uint64(np.uint64(2**63))


def test_a_result_that_is_no_utf8_names_the_method(typed):
    for call, text in (
        (typed.toolkits.typed.no_text, "typed.no_text() result: text that is not UTF-8"),
        (typed.toolkits.typed.no_texts, "typed.no_texts() result[1]: text that is not UTF-8"),
        (typed.types.Shape("a").broken, "broken() result: text that is not UTF-8"),
    ):
        with pytest.raises(unity.RemoteError) as raised:
            call()
        assert text in str(raised.value)
    assert raised.value.where == "Shape.broken"


@pytest.mark.parametrize(
    "given",
    [
        np.arange(6.0).reshape(2, 3),
        np.arange(12.0).reshape(3, 4)[::-1, ::2],
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.float64(2.5),
        np.zeros((0, 3)),
        array.array("d", [1, 2]),
    ],
    ids=repr,
)
def test_views_take_any_strides(typed, given):
    shape, total = typed.toolkits.typed.view(given)
    assert tuple(shape) == np.shape(given) and total == np.sum(given)


def test_arrays_of_their_own_take_what_casts_safely(typed):
    for given in (np.arange(6.0).reshape(2, 3).T, np.arange(3, dtype="i4"), np.float32([0.5])):
        got = typed.toolkits.typed.array(given)
        assert type(got) is np.ndarray and got.dtype == np.float64 and got.flags.writeable
        assert np.array_equal(got, given)


def test_times_that_do_not_fit(typed):
    with pytest.raises((ValueError, OverflowError), match="parameter 'x'"):
        typed.toolkits.typed.seconds(dt.timedelta(microseconds=1))
    with pytest.raises((ValueError, OverflowError), match="parameter 'x'"):
        typed.toolkits.typed.days(dt.timedelta(hours=1))


def test_objects(typed):
    call = typed.toolkits.typed
    shape, square = typed.types.Shape("any"), typed.types.Square()
    assert call.shape(shape) is shape and call.shape(square) is square
    assert call.shape(None) is None and call.square(square) is square
    assert call.name_of(square) == "square"
    given = [shape, None, square]
    assert all(a is b for a, b in zip(call.shapes(given), given, strict=True))


def test_objects_of_other_classes_are_refused(typed):
    call = typed.toolkits.typed
    for function, given, text in (
        (call.square, typed.types.Shape("any"), "expected Square or None, got Shape"),
        (call.shape, typed.types.Counter(), "expected Shape or None, got Counter"),
        (call.shape, 5, "expected Shape or None, got int"),
        (call.name_of, None, "expected Shape, got None"),
        (call.shapes, [None, typed.types.Counter()], "'x'[1]: expected Shape or None, got Counter"),
    ):
        with pytest.raises(TypeError) as raised:
            function(given)
        assert text in str(raised.value)


@pytest.mark.parametrize("code", "bBhHiIlLqQefdg")
def test_demo_addone_takes_scalars_of_numpy(typed, code):
    given = np.dtype(code).type(5)
    got = typed.toolkits.demo_addone(given)["x"]
    assert type(got) is type(given) and got == 6


def test_demo_addone_refuses_what_does_not_fit(typed):
    assert typed.toolkits.demo_addone(np.float64(1.5)) == {"x": 2.5}
    with pytest.raises(OverflowError):
        typed.toolkits.demo_addone(np.int8(127))
    with pytest.raises(OverflowError):
        typed.toolkits.demo_addone(np.uint64(2**64 - 1))
    for wrong in (np.bool_(True), np.array([1]), np.str_("a"), np.array(1)):
        with pytest.raises(TypeError):
            typed.toolkits.demo_addone(wrong)


def test_every_function_of_the_typed_server_is_tested(typed):
    """A row that is added to the server has a line here too."""
    source = Path(__file__).read_text()
    source += Path(__file__).with_name("test_callbacks_typed.py").read_text()
    here = {name for name, *_ in TAKEN} | {name for name, *_ in WRONG_TYPES}
    elsewhere = {"color", "colors", "color_map", "no_color"}  # test_enumerations.py
    for name in dir(typed.toolkits.typed):
        assert name in here | elsewhere or f".{name}(" in source or f".{name}," in source, name
