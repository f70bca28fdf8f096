# SPDX-License-Identifier: Apache-2.0
"""`types.VariantMap`: its views, its operators, and keys that are equal though not the same."""

import collections
import collections.abc
import math

import numpy as np
import pytest

import unity


@pytest.fixture
def make(private):
    return private.types.VariantMap


def test_views_are_views(make):
    made = make(a=1, b=[2])
    keys, items, values = made.keys(), made.items(), made.values()
    assert isinstance(keys, collections.abc.KeysView) and isinstance(keys, collections.abc.Set)
    assert isinstance(items, collections.abc.ItemsView)
    assert isinstance(values, collections.abc.ValuesView)
    assert list(keys) == ["a", "b"] and list(reversed(keys)) == ["b", "a"]
    assert list(items) == [("a", 1), ("b", [2])] and list(reversed(values)) == [[2], 1]
    made["c"] = 3
    assert len(keys) == len(items) == len(values) == 3
    assert list(keys) == ["a", "b", "c"] and list(values) == [1, [2], 3]
    assert repr(keys) == f"Keys({made!r})"


def test_views_look_as_those_of_a_dict(make):
    made, same = make(a=1, b=2), {"a": 1, "b": 2}
    assert "a" in made.keys() and "c" not in made.keys()  # noqa: SIM118
    assert ("a", 1) in made.items() and ("a", 2) not in made.items()
    assert ("c", 1) not in made.items()
    assert 2 in made.values() and 3 not in made.values()
    assert made.keys() == same.keys() and same.keys() == made.keys() != {"a"}
    assert made.items() == same.items()
    for other in ({"b", "c"}, ["b", "c"], {"b": 5, "c": 6}.keys()):
        assert made.keys() & other == {"b"} and made.keys() | other == {"a", "b", "c"}
        assert made.keys() - other == {"a"} and made.keys() ^ other == {"a", "c"}
    assert {"b", "c"} - made.keys() == {"c"} and {"b"} < made.keys() <= {"a", "b"}
    assert made.keys().isdisjoint({"x"}) and made.items() & {("a", 1)} == {("a", 1)}


def test_to_go_through_a_view_is_one_call(private, make):
    made = make({i: i for i in range(50)})
    for look in (made.keys, made.items, made.values):
        calls = private.stats()["calls"]
        assert len(list(look())) == 50
        assert private.stats()["calls"] <= calls + 2  # stats() itself may count
    assert 49 in made.values()


def test_a_view_keeps_its_map_and_its_options(make):
    keys = make(a=1).keys.options(timeout_s=30)()
    assert list(keys) == ["a"] and len(keys) == 1
    assert make(a=1).keys.submit().result(30) == ["a"]
    with pytest.raises(unity.WrongType, match="keys"):
        make().keys(1)
    assert list(type(make()).items(make(b=2))) == [("b", 2)]


def test_unions(make):
    made = make(a=1, b=2)
    assert made | {"b": 3, "c": 4} == {"a": 1, "b": 3, "c": 4}
    assert {"b": 3, "c": 4} | made == {"b": 2, "c": 4, "a": 1}
    assert type(made | {}) is dict and type({} | made) is dict
    assert made | make(b=5) == {"a": 1, "b": 5}
    assert collections.UserDict(c=1) | dict(made) == {"c": 1, "a": 1, "b": 2}
    assert made == {"a": 1, "b": 2}
    for wrong in ([("a", 1)], 5, None):
        with pytest.raises(TypeError):
            made | wrong
        with pytest.raises(TypeError):
            wrong | made


def test_update_in_place(make):
    made = same = make(a=1)
    made |= {"b": 2}
    made |= [("c", 3)]
    made |= make(d=4)
    assert made is same and made == {"a": 1, "b": 2, "c": 3, "d": 4}
    with pytest.raises(TypeError):
        made |= 5


KEYS = [
    (np.int64(3), 3),
    (np.uint8(3), 3.0),
    (np.float32(0.5), 0.5),
    (np.float16(2), 2),
    (np.bool_(True), 1),
    (np.complex64(2), 2),
    (np.complex128(1j), 1j),
    (np.str_("a"), "a"),
    (np.bytes_(b"a"), b"a"),
    ((1, np.int64(3)), (1, 3)),
    (frozenset({np.int8(3)}), frozenset({3})),
]


@pytest.mark.parametrize(("scalar", "plain"), KEYS, ids=repr)
def test_a_scalar_of_numpy_is_the_key_it_equals(make, scalar, plain):
    assert {scalar: 1}[plain] == 1  # as in a dict
    for first, second in ((scalar, plain), (plain, scalar)):
        made = make()
        made[first] = "first"
        made[second] = "second"
        assert len(made) == 1 and made[first] == made[second] == "second"
        (key,) = made
        assert type(key) is type(first)
        assert made.pop(second) == "second" and len(made) == 0


def test_other_scalars_of_numpy_are_keys_of_their_own(make):
    one, other = np.datetime64(1, "s"), np.datetime64(2, "s")
    made = make({one: 1, other: 2})
    assert made[one] == 1 and made[other] == 2 and list(made) == [one, other]
    assert make({np.uint64(2**63): 1})[np.float64(2**63)] == 1
    with pytest.raises(TypeError, match="unhashable"):
        made[np.array(3)]


def test_all_nans_are_one_key(make):
    made = make()
    for nan in (math.nan, float("nan"), np.float64("nan"), -math.nan):
        made[nan] = 1
        assert made[nan] == 1 and nan in made and len(made) == 1
    made[complex(math.nan, 1)] = 2
    made[complex(float("nan"), 1)] = 3
    assert len(made) == 2 and made[complex(math.nan, 1)] == 3
    assert made.pop(math.nan, None) == 1
    made[(1, math.nan)] = 4
    assert made[(1, float("nan"))] == 4
