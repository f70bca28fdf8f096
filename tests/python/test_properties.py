# SPDX-License-Identifier: Apache-2.0
"""What goes in comes out, for values and arrays that hypothesis makes up.

Each property is tried on a few examples, always the same, and on thousands of new ones by
`make test-all`.
"""

import datetime as dt
import decimal

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

import unity
from equality import same

CHECKS = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
COMMON = {"deadline": None, "database": None, "suppress_health_check": CHECKS, "print_blob": True}
FEW = settings(max_examples=60, derandomize=True, **COMMON)
MANY = settings(max_examples=3000, **COMMON)

INTS = st.integers(-(2**63), 2**63 - 1)
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
OFFSETS = st.timedeltas(dt.timedelta(hours=-23), dt.timedelta(hours=23)).map(
    lambda delta: dt.timezone(dt.timedelta(seconds=delta // dt.timedelta(seconds=1)))
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    INTS,
    st.floats(),
    st.complex_numbers(),
    TEXT,
    st.binary(),
    st.dates(),
    st.times(),
    st.datetimes(timezones=st.none() | OFFSETS),
    st.timedeltas(),
    st.decimals(allow_nan=False),
    st.uuids(),
)
# NaN equals nothing, so as an element of a set or a key it could not be found again.
HASHABLE = st.recursive(
    SCALARS.filter(lambda x: x == x),
    lambda inner: st.tuples(inner, inner) | st.frozensets(inner, max_size=4),
    max_leaves=6,
)
PACKED = st.one_of(
    st.lists(INTS),
    st.lists(st.floats()),
    st.lists(INTS).map(tuple),
    st.lists(st.floats()).map(tuple),
)
VALUES = st.recursive(
    SCALARS | PACKED,
    lambda inner: st.one_of(
        st.lists(inner, max_size=8),
        st.lists(inner, max_size=8).map(tuple),
        st.sets(HASHABLE, max_size=8),
        st.frozensets(HASHABLE, max_size=8),
        st.dictionaries(HASHABLE, inner, max_size=8),
    ),
    max_leaves=30,
)
DTYPES = st.one_of(
    hnp.scalar_dtypes(),
    hnp.byte_string_dtypes(min_len=1),
    hnp.unicode_string_dtypes(min_len=1),
    hnp.array_dtypes(max_size=4),
    hnp.nested_dtypes(max_leaves=5, max_itemsize=200),
).filter(lambda dtype: 0 < dtype.itemsize <= 4096 and not dtype.hasobject)


@st.composite
def arrays(draw):
    """An array of any dtype and shape, with the strides of some view."""
    dtype = draw(DTYPES)
    shape = draw(hnp.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=5))
    count = int(np.prod(shape))
    # Bytes that any element type takes; texts of arbitrary code points are another matter.
    raw = bytes(i % 2 for i in range(count * dtype.itemsize))
    value = np.frombuffer(raw, dtype).reshape(shape) if raw else np.zeros(shape, dtype)
    order = draw(st.permutations(range(value.ndim)))
    steps = tuple(slice(None, None, draw(st.sampled_from([1, 2, -1, -2]))) for _ in order)
    return value.transpose(order)[steps] if value.ndim else value


def few_and_many(**strategies):
    """Makes a property of `echo` and drawn values a test with few examples, and one with many."""

    def decorate(holds):
        @pytest.mark.parametrize("amount", ["few", pytest.param("many", marks=pytest.mark.slow)])
        @pytest.mark.timeout(600)
        def test(private, amount):
            @(FEW if amount == "few" else MANY)
            @given(**strategies)
            def examples(**drawn):
                holds(private.toolkits.diagnostics.echo, **drawn)

            examples()

        test.__doc__ = holds.__doc__
        return test

    return decorate


@few_and_many(value=VALUES)
def test_any_value_comes_back(echo, value):
    """Scalars and containers of them, nested."""
    assert same(echo(value), value)


@few_and_many(value=arrays())
def test_any_array_comes_back(echo, value):
    """The elements, whatever the strides were: what comes back is contiguous."""
    back = echo(value)
    assert back.dtype == value.dtype and back.shape == value.shape
    assert same(back, value)
    assert back.flags.writeable and (back.flags.c_contiguous or back.flags.f_contiguous)


@few_and_many(value=arrays(), key=HASHABLE)
def test_arrays_inside_of_containers_come_back(echo, value, key):
    """Beside others, and more than once."""
    assert same(echo({key: [value, (value, key)]}), {key: [value, (value, key)]})


@few_and_many(
    number=st.integers(max_value=-(2**63) - 1) | st.integers(min_value=2**63),
    place=st.integers(0, 4),
)
def test_an_int_beyond_64_bits_is_refused_wherever_it_is(echo, number, place):
    """In every kind of container, and beside ints that would travel packed."""
    value = [number, [1, number], (1, number, 2), {number: 1}, {"x": {number}}][place]
    with pytest.raises(unity.errors.Overflow, match="64 bits"):
        echo(value)


@few_and_many(value=VALUES, data=st.data())
def test_what_cannot_cross_is_refused_before_anything_is_sent(echo, value, data):
    """An object of Python's own, somewhere in a value; the session goes on."""
    stranger = data.draw(st.sampled_from([object(), ..., decimal, Exception()]))
    with pytest.raises(unity.errors.WrongType, match="cannot send"):
        echo([value, {"x": stranger}])
    assert echo(1) == 1


class MapAgainstDict(RuleBasedStateMachine):
    """A VariantMap does whatever a dict does, for any order of operations."""

    session = None

    @initialize(start=st.dictionaries(TEXT, VALUES, max_size=3))
    def begin(self, start):
        self.map = self.session.types.VariantMap(start)
        self.dict = dict(start)

    keys = TEXT | st.sampled_from(["a", "b", "c"])

    @rule(key=keys, value=VALUES)
    def put(self, key, value):
        self.map[key] = self.dict[key] = value

    @rule(key=keys)
    def get(self, key):
        assert same(self.map.get(key, "none"), self.dict.get(key, "none"))

    @rule(key=keys)
    def remove(self, key):
        if key in self.dict:
            del self.dict[key]
            del self.map[key]
        else:
            with pytest.raises(KeyError):
                del self.map[key]

    @rule(key=keys, value=VALUES)
    def set_default(self, key, value):
        assert same(self.map.setdefault(key, value), self.dict.setdefault(key, value))

    @rule(more=st.dictionaries(keys, VALUES, max_size=3))
    def update(self, more):
        self.map.update(more)
        self.dict.update(more)

    @rule()
    def clear(self):
        self.map.clear()
        self.dict.clear()

    @invariant()
    def equal(self):
        if hasattr(self, "map"):
            assert len(self.map) == len(self.dict)
            assert same(dict(self.map), self.dict)


@pytest.mark.parametrize("amount", ["few", pytest.param("many", marks=pytest.mark.slow)])
@pytest.mark.timeout(600)
def test_a_variant_map_behaves_like_a_dict(private, amount):
    from hypothesis.stateful import run_state_machine_as_test

    machine = type("Machine", (MapAgainstDict,), {"session": private})
    few = settings(max_examples=15, stateful_step_count=15, derandomize=True, **COMMON)
    many = settings(max_examples=300, stateful_step_count=40, **COMMON)
    run_state_machine_as_test(machine, settings=few if amount == "few" else many)
