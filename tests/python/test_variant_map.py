# SPDX-License-Identifier: Apache-2.0
"""`types.VariantMap`: a mapping on the server, compared with a dict at every step."""

import collections.abc
import datetime
import decimal
import inspect
import random
import types
import uuid

import numpy as np
import pytest

import unity


class Opaque:
    """Something that cannot cross."""


@pytest.fixture
def make(session):
    # Not a map: pytest would hold it beyond the look at what a test leaves behind.
    return session.types.VariantMap


def test_it_is_a_mutable_mapping_for_python(session, make):
    made = make()
    cls = session.types.VariantMap
    assert isinstance(made, collections.abc.MutableMapping)
    assert isinstance(made, collections.abc.Mapping)
    assert issubclass(cls, collections.abc.MutableMapping) and issubclass(cls, unity.Proxy)
    assert not isinstance(session.types.Counter(), collections.abc.Mapping)
    assert list(inspect.signature(cls.__getitem__).parameters) == ["self", "key"]
    assert list(inspect.signature(made.pop).parameters) == ["key", "args", "params"]
    assert cls.__iter__.__qualname__ == "VariantMap.__iter__" and cls.__iter__.__doc__
    match made:
        case {"a": _}:
            pytest.fail("it is empty")
        case {}:
            pass


def test_operators(make):
    made = make()
    made["a"] = 1
    made["b"] = [2, 3]
    assert made["a"] == 1 and made["b"] == [2, 3]
    assert len(made) == 2
    assert "a" in made and "c" not in made
    assert list(made) == ["a", "b"]
    assert dict(made) == {**made} == {"a": 1, "b": [2, 3]}
    del made["a"]
    assert list(made.items()) == [("b", [2, 3])]
    assert made and not made.clear() and not made
    assert [*zip(made, made, strict=True)] == []


def test_each_iterator_is_its_own(make):
    made = make()
    made.update(a=1, b=2)
    first = iter(made)
    assert next(first) == "a"
    made["c"] = 3
    assert list(first) == ["b"]  # as it was when it began
    assert list(made) == ["a", "b", "c"]


@pytest.mark.parametrize("key", ["x", 5, None, (1, "a"), b"x"])
def test_a_missing_key(make, key):
    made = make()
    for look in (
        lambda: made[key],
        lambda: made.pop(key),
        lambda: made.__delitem__(key),
        lambda: made.pop.submit(key).result(30),
    ):
        with pytest.raises(KeyError, match="no key") as raised:
            look()
        assert type(raised.value) is unity.UnknownKey
        assert isinstance(raised.value, unity.Error)
    assert str(raised.value).startswith("there is no key")
    assert raised.value.where == "VariantMap.pop"
    with pytest.raises(KeyError):
        made.popitem()
    assert made.get(key) is None and made.get(key, 7) == 7 and made.get(key, default=8) == 8
    assert made.pop(key, 7) == 7 and made.pop(key, default=None) is None
    assert len(made) == 0


def test_defaults_stay_here(make):
    made = make(a=1)
    default = [Opaque()]
    for otherwise in (
        made.get("q", default),
        made.get("q", default=default),
        made.get(key="q", default=default),
        made.get.options(timeout_s=30)("q", default),
        made.pop("q", default),
        made.pop("q", default=default),
        type(made).get(made, "q", default),
        type(made).pop(made, "q", default),
    ):
        assert otherwise is default
    assert made.get("a", object()) == 1 and made.get("a") == 1 and made.get("q") is None
    assert made.get.options(timeout_s=7).timeout_s == 7
    assert made.pop("a", object()) == 1 and "a" not in made
    with pytest.raises(TypeError, match="unhashable"):
        made.get([], default)
    for wrong in ((), ("a", 1, 2)):
        with pytest.raises(unity.WrongType, match="get"):
            made.get(*wrong)
    with pytest.raises(unity.WrongType, match="unexpected"):
        made.get("a", other=1)


def test_match_statements(make):
    match make(a=1, b=2):
        case {"c": _}:
            pytest.fail("there is no such key")
        case {"a": x, "b": y}:
            assert (x, y) == (1, 2)
        case _:
            pytest.fail("it has both")


def test_reversed(make):
    assert list(reversed(make({"a": 1, "b": 2, "c": 3}))) == ["c", "b", "a"]
    assert list(reversed(make())) == []


class KeysOnly:
    """The least that a dict takes for a mapping."""

    def keys(self):
        return iter(["a", "b"])

    def __getitem__(self, key):
        return key * 2


@pytest.mark.parametrize(
    "given",
    [
        lambda: collections.UserDict(a=1, b=2),
        KeysOnly,
        lambda: types.MappingProxyType({"a": 1}),
        lambda: {"a": 1, "b": 2}.items(),
        lambda: zip("ab", [1, 2], strict=True),
        lambda: (pair for pair in [("a", 1), ["b", 2]]),
        lambda: ["ab", ("c", 1), collections.UserList(["d", 2])],
        lambda: {("a", 1)},
        list,
    ],
)
def test_what_a_dict_takes(make, given):
    assert make(given()) == dict(given())
    assert make(given(), z=0) == dict(given(), z=0)
    made = make(b=0)
    made.update(given(), y=5)
    assert made == {"b": 0} | dict(given()) | {"y": 5}


def test_unhashable_keys(make):
    made = make()
    for key in ([], {}, set(), ([],), np.zeros(2)):
        for look in (
            lambda: made[key],  # noqa: B023
            lambda: key in made,  # noqa: B023
            lambda: made.__setitem__(key, 1),  # noqa: B023
            lambda: made.setdefault(key, 1),  # noqa: B023
        ):
            with pytest.raises(TypeError, match="unhashable"):
                look()


def test_it_begins_like_a_dict(session):
    make = session.types.VariantMap
    assert make({"a": 1}, b=2) == {"a": 1, "b": 2}
    assert make([("a", 1), ["b", 2]]) == {"a": 1, "b": 2}
    assert make(make({"a": 1})) == {"a": 1}
    assert make() == {}
    for wrong in (5, [5], "ab", [(1, 2, 3)], [iter("a")], session.types.Counter()):
        with pytest.raises((TypeError, ValueError)) as raised:
            make(wrong)
        assert isinstance(raised.value, unity.Error)
        with pytest.raises((TypeError, ValueError)):
            make().update(wrong)
    with pytest.raises(TypeError):
        make({}, {})


def test_equality(session, make):
    made = make()
    made.update({"a": 1, "b": 2.0})
    same, other = {"b": 2, "a": True}, {"a": 1}
    assert made == same and same == made and not made != same and not same != made  # noqa: SIM202
    assert made != other and other != made and not made == other  # noqa: SIM201
    assert made == collections.OrderedDict(a=1, b=2)
    assert made != [("a", 1), ("b", 2.0)] and made != 5
    other = session.types.VariantMap(made)
    assert other != made and made == made  # which object, as for all proxies
    assert dict(other) == dict(made)
    assert len({made, other, made}) == 2


def test_it_behaves_as_a_dict_does(make):
    made = make()
    rng = random.Random(3)
    expected = {}
    keys = [0, 1, True, 1.0, -0.0, "a", "", b"a", None, (1, 2), (1.0, 2), frozenset({1}), 2**62]

    def outcome(mapping, name, arguments):
        try:
            result = getattr(mapping, name)(*arguments)
        except KeyError:
            return KeyError
        return list(result) if name in ("keys", "values", "items", "__iter__") else result

    steps = (
        ("__setitem__", 2), ("__setitem__", 2), ("__setitem__", 2), ("setdefault", 2), ("get", 1),
        ("get", 2), ("__getitem__", 1), ("__delitem__", 1), ("pop", 1), ("pop", 2),
        ("__contains__", 1), ("__len__", 0), ("keys", 0), ("values", 0), ("items", 0),
        ("__iter__", 0), ("popitem", 0), ("copy", 0),
    )  # fmt: skip
    for _ in range(600):
        name, count = rng.choice(steps)
        arguments = [rng.choice(keys), rng.randrange(100)][:count]
        assert outcome(made, name, arguments) == outcome(expected, name, arguments)
    assert expected and made.copy() == expected
    # The first of equal keys stays.
    assert [*map(repr, made)] == [*map(repr, expected)]


VALUES = [
    None, True, -5, 2**63 - 1, 1.5, 2 + 1j, "téxt", b"\0\xff", [1, [2]], (1, "a"), {1, 2},
    frozenset({1}), {"a": {2: None}}, datetime.datetime(2026, 1, 2, 3, 4, 5, 6),
    datetime.date(2026, 1, 2), datetime.time(1, 2), datetime.timedelta(1, 2, 3),
    decimal.Decimal("1.50"), uuid.UUID(int=5), bytearray(b"abc"),
]  # fmt: skip


def test_values_of_every_kind(make):
    made = make()
    for number, value in enumerate(VALUES):
        made[number] = value
    for number, value in enumerate(VALUES):
        assert made[number] == value and type(made[number]) is type(value)
    assert made == dict(enumerate(VALUES))
    array = np.arange(6, dtype="f4").reshape(2, 3).T
    made["array"] = array
    assert np.array_equal(made["array"], array) and made["array"].dtype == array.dtype
    large = "é" * 2_000_000
    made["large"] = large
    assert made["large"] == large


def test_hashable_values_are_keys(make):
    made = make()
    for value in VALUES:
        if type(value).__hash__:
            made[value] = type(value).__name__
            assert made[value] == type(value).__name__
            assert value in made and value in list(made)


def test_objects_keep_their_identity(session, make):
    made = make()
    counter = session.types.Counter()
    other = session.types.Counter()
    made["counter"] = counter
    made["deep"] = [{"x": (counter, other)}]
    made[counter] = "as a key"
    assert made["counter"] is counter
    assert made["deep"][0]["x"][0] is counter and made["deep"][0]["x"][1] is other
    assert made[counter] == "as a key" and counter in made and other not in made
    assert list(made)[2] is counter
    made["counter"].increment(3)
    assert counter.value == 3


def test_objects_live_in_it(session, eventually):
    before = session.stats()["live_objects"]
    made = session.types.VariantMap()
    made["counter"] = session.types.Counter(start=4)
    made["probe"] = session.types.Probe(5)
    assert made["counter"].increment() == 5 and made.pop("probe").value == 5
    del made
    eventually(lambda: session.stats()["live_objects"] == before)


def test_it_is_an_argument_and_a_result(session, make):
    made = make()
    echo = session.toolkits.diagnostics.echo
    holder = session.types.Holder()
    assert echo(made) is made
    assert echo([{"x": made}])[0]["x"] is made
    number = holder.hold(made)
    made["a"] = 1
    same = holder.get(number)
    assert same is made and same["a"] == 1
    del made, same
    assert holder.get(number) == {"a": 1}


def test_maps_in_maps(session, make):
    made = make()
    inner = session.types.VariantMap(x=1)
    made["inner"] = inner
    made["inner"]["x"] = 2
    assert inner == {"x": 2} and made["inner"] is inner
    for put in (
        lambda: made.update(me=made),
        lambda: made.setdefault("me", [(made,)]),
        lambda: inner.update({"outer": made}),
        lambda: inner.update([("outer", {"deep": [made]})]),
    ):
        with pytest.raises(ValueError, match="cannot contain itself"):
            put()
    assert list(made) == ["inner"] and list(inner) == ["x"]


def test_calls_on_one_map_run_in_their_order(make):
    made = make()
    calls = [made.update.submit({i: i}) for i in range(100)]
    calls.append(made.pop.submit(0))
    assert len(made) == 99
    assert calls[-1].result(30) == 0
    assert list(made) == list(range(1, 100))


def test_two_sessions_have_maps_of_their_own(shared):
    with shared.connect() as one, shared.connect() as two:
        first, second = one.types.VariantMap(a=1), two.types.VariantMap(a=2)
        assert (first["a"], second["a"]) == (1, 2)
        assert isinstance(second, collections.abc.MutableMapping)
        assert type(first) is not type(second)
        assert not isinstance(first, two.types.VariantMap)
        first["other"] = second
        assert first["other"] == two.toolkits.diagnostics.echo(first)["other"] == second
        del first["other"]
        assert one.types.VariantMap(second, b=3) == {"a": 2, "b": 3}
        first.update(second)
        assert first == {"a": 2}


def test_a_closed_session():
    with unity.launch() as session:
        made = session.types.VariantMap(a=1)
    for use in (lambda: made["a"], lambda: len(made), lambda: list(made), lambda: made == {}):
        with pytest.raises(unity.ConnectionLost):
            use()
    assert made == made and "closed" in repr(made) and hash(made)
