# SPDX-License-Identifier: Apache-2.0
"""Enumerations of C++ are enumerations of Python: parameters, results, anywhere in a value."""

import copy
import enum
import inspect
import pickle
import subprocess
import sys

import pytest

import unity


@pytest.fixture
def Color(typed):
    return typed.types.Color


def test_an_enumeration_is_an_enum_of_python(typed, Color):
    assert issubclass(Color, enum.Enum) and typed.types.Color is Color
    assert "Color" in dir(typed.types) and "Color" in typed.types
    assert typed.types["Color"] is Color
    assert [(member.name, member.value) for member in Color] == [
        ("RED", 1),
        ("GREEN", 2),
        ("BLUE", 4),
    ]
    assert Color.__name__ == Color.__qualname__ == "Color" and Color.__doc__ == "Of light."
    assert repr(Color.RED) == "<Color.RED: 1>"
    assert Color["BLUE"] is Color(4) is Color.BLUE
    assert typed.types.diagnostics.Order.__qualname__ == "diagnostics.Order"
    assert "diagnostics" in dir(typed.types)


def test_a_parameter_takes_a_member_or_its_name(typed, Color):
    color = typed.toolkits.typed.color
    for given in (Color.RED, "RED"):
        assert color(given) is Color.RED
        assert color(x=given) is Color.RED
        assert color.submit(given).result(30) is Color.RED
    assert color() is Color.GREEN
    parameter = inspect.signature(color).parameters["x"]
    assert parameter.default is Color.GREEN and parameter.annotation == "Color"
    assert inspect.signature(color).return_annotation == "Color"


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (1, "color() parameter 'x': expected Color, got int"),
        (True, "color() parameter 'x': expected Color, got bool"),
        (None, "color() parameter 'x': expected Color, got None"),
        (1.0, "color() parameter 'x': expected Color, got float"),
        (enum.IntEnum("Color", {"RED": 1}).RED, "color() parameter 'x': expected Color, got int"),
    ],
    ids=repr,
)
def test_what_is_no_member_is_refused(typed, given, text):
    with pytest.raises(TypeError) as raised:
        typed.toolkits.typed.color(given)
    assert text in str(raised.value)


def test_a_name_that_is_none_is_refused(typed):
    with pytest.raises(ValueError) as raised:
        typed.toolkits.typed.color("PINK")
    assert "parameter 'x': expected Color ('RED', 'GREEN', 'BLUE'), got 'PINK'" in str(raised.value)


def test_a_member_of_another_enumeration_is_refused(typed):
    with pytest.raises(TypeError) as raised:
        typed.toolkits.typed.color(typed.types.diagnostics.Order.C)
    assert "expected Color, got diagnostics.Order" in str(raised.value)


def test_members_cross_anywhere_in_a_value(typed, Color):
    echo = typed.toolkits.diagnostics.echo
    value = {Color.RED: [Color.GREEN, (Color.BLUE,)], "s": {Color.RED}, (Color.RED, 1): "k"}
    assert echo(value) == value
    assert echo(value)[Color.RED][0] is Color.GREEN
    assert echo([bytearray(3), Color.RED])[1] is Color.RED  # arrays are read another way
    made = typed.types.VariantMap({Color.RED: 1})
    assert made[Color.RED] == 1 and list(made) == [Color.RED] and Color.BLUE not in made
    assert typed.toolkits.diagnostics.describe(Color.RED) == {"kind": "enum", "type": "Color"}
    colors = typed.toolkits.typed.colors
    assert colors([Color.RED, "GREEN"]) == [Color.RED, Color.GREEN]
    assert typed.toolkits.typed.color_map({"RED": None, Color.BLUE: "RED"}) == {
        Color.RED: None,
        Color.BLUE: Color.RED,
    }


def test_a_result_without_a_name_is_an_error(typed):
    with pytest.raises(unity.RemoteError, match="no_color.. result: 7 is no registered value"):
        typed.toolkits.typed.no_color()


def test_a_member_that_is_not_in_the_description_is_an_error(typed):
    """A server that sends one is broken."""
    known = typed._connection.description
    for enumeration, member in (("Color", "PINK"), ("Shade", "RED")):
        with pytest.raises(unity.RemoteError, match=f"{enumeration}.{member}"):
            known.member(enumeration, member)


def test_a_class_of_the_same_name_stands_for_the_servers(typed, Color):
    Mine = enum.Enum("Color", {"RED": 10, "PINK": 11})
    assert typed.toolkits.typed.color(Mine.RED) is Color.RED
    for wrong in (Mine.PINK, enum.Enum("Shade", "RED").RED):
        calls = typed.stats()["calls"]
        with pytest.raises(TypeError, match="cannot send <") as raised:
            typed.toolkits.typed.color([wrong])
        assert "argument 'x'[0]" in str(raised.value)
        assert typed.stats()["calls"] == calls


def test_members_can_be_pickled_and_need_no_server(typed, Color):
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(Color.RED, protocol)) is Color.RED
    assert copy.deepcopy([Color.RED])[0] is Color.RED
    code = "import pickle, sys; print(repr(pickle.load(sys.stdin.buffer)))"
    done = subprocess.run(
        [sys.executable, "-c", code], input=pickle.dumps(Color.RED), capture_output=True, check=True
    )
    assert done.stdout == b"<Color.RED: 1>\n"


def test_equal_enumerations_of_two_servers_are_one(typed, private):
    assert typed.types.diagnostics.Order is private.types.diagnostics.Order
    with pytest.raises(TypeError, match="no such enumeration"):
        private.toolkits.diagnostics.echo(typed.types.Color.RED)


def test_other_enums_stay_what_they_were(typed):
    Number = enum.IntEnum("Number", "ONE")
    Word = enum.StrEnum("Word", "RED")
    echo = typed.toolkits.diagnostics.echo
    assert echo(Number.ONE) == 1 and type(echo(Number.ONE)) is int
    assert echo(Word.RED) == "red" and type(echo(Word.RED)) is str


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickled_enumeration_is_the_class_itself(typed, Color, protocol):
    for cls in (Color, typed.types.diagnostics.Order):
        assert pickle.loads(pickle.dumps(cls, protocol)) is cls
    assert pickle.loads(pickle.dumps(type(Color), protocol)) is type(Color)
