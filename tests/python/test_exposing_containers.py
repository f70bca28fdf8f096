# SPDX-License-Identifier: Apache-2.0
"""Registered types as containers, iterators and operands."""

import gc
import inspect
import pickle
import re
import threading
from pathlib import Path

import pytest

import unity


@pytest.fixture
def types(typed):
    return typed.types


# -- containers ----------------------------------------------------------------------------------


def test_items_come_in_batches(typed):
    numbers = typed.types.Vector([float(n) for n in range(20_000)])
    before = typed.stats()["calls"]
    assert list(numbers) == [float(n) for n in range(20_000)]
    assert typed.stats()["calls"] - before < 30


def test_iteration_goes_through_what_was_there_when_it_began(types):
    numbers = types.Vector([1.0] * 200)
    iterator = iter(numbers)
    assert next(iterator) == 1
    numbers += types.Vector([2.0] * 200)
    for i in range(200):
        numbers[i] = 5
    assert list(iterator) == [1.0] * 199
    assert next(iterator, None) is None and iter(iterator) is iterator


def test_generators_make_items_when_they_are_asked_for(types, typed):
    assert list(types.Countdown(5)) == [5, 4, 3, 2, 1]
    assert list(types.Countdown(0)) == []
    endless = iter(types.Countdown(-1))
    assert [next(endless) for _ in range(300)] == list(range(-1, -301, -1))
    squares = typed.toolkits.squares(100)
    assert list(squares) == [n * n for n in range(100)]
    assert inspect.signature(typed.toolkits.squares).return_annotation == "Iterator[int]"


def test_an_iterator_that_is_dropped_is_gone_on_the_server(typed, eventually):
    before = typed.stats()["live_objects"]
    countdown = typed.types.Countdown(10**6)
    for n in countdown:
        if n < 10**6 - 100:
            break
    del countdown
    gc.collect()
    eventually(lambda: typed.stats()["live_objects"] <= before)


def test_an_error_of_a_generator_comes_after_the_items_before_it(typed):
    iterator = typed.toolkits.typed_generators.failing(3)
    assert [next(iterator) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(typed.types.AccountError, match="no more"):
        next(iterator)
    assert next(iterator, "end") == "end"


def test_an_iterator_cannot_be_pickled(types):
    with pytest.raises(TypeError, match="make a list"):
        pickle.dumps(iter(types.Vector([1.0])))


def test_two_threads_may_share_an_iterator(types):
    iterator = iter(types.Countdown(5000))
    seen = [[], []]
    threads = [threading.Thread(target=lambda s=s: s.extend(iterator)) for s in seen]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(seen[0] + seen[1]) == list(range(1, 5001))


def test_containers_behave_as_pythons(types):
    numbers = types.Vector([1.0, 2.0])
    assert len(numbers) == 2 and numbers[0] == 1 and numbers[-1] == 2
    numbers[1] = 7
    assert 7 in numbers and 8 not in numbers
    with pytest.raises(IndexError):
        numbers[5]
    assert list(reversed([*numbers])) == [7, 1]


# -- operators -----------------------------------------------------------------------------------


def test_operators(types):
    a, b = types.Vector([1.0, 2.0]), types.Vector([10.0, 20.0])
    assert list(a + b) == [11, 22]
    assert list(a * 3) == list(3 * a) == [3, 6]
    assert list(-a) == [-1, -2]
    assert str(a) == "2 numbers" and f"{a}" == "2 numbers"
    same = a
    a += b
    assert a is same and list(a) == [1, 2, 10, 20]
    a *= 2
    assert a is not same and list(a) == [2, 4, 20, 40]


def test_operands_that_are_refused_are_not_implemented(types):
    a = types.Vector([1.0])
    for operation in (lambda: a + 1, lambda: 1 + a, lambda: a * "x", lambda: a + object()):
        with pytest.raises(TypeError, match="unsupported operand|can't multiply"):
            operation()
    assert a.__add__(1) is NotImplemented and a.__mul__("x") is NotImplemented
    assert (a == "x") is False and (a != "x") is True
    assert (a == None) is False  # noqa: E711
    assert a != 2**70
    with pytest.raises(TypeError, match="not supported between"):
        a < a  # noqa: B015


def test_equality_by_value_makes_objects_unhashable(types):
    a, b = types.Vector([1.0]), types.Vector([1.0])
    assert a == b and a is not b
    assert (a != b) is False
    assert a != types.Vector([2.0])
    with pytest.raises(TypeError, match="unhashable"):
        hash(a)
    assert hash(types.Account("me")) is not None


def test_errors_of_operators_are_raised(types):
    with pytest.raises(IndexError):
        types.Vector([1.0, 2.0]) + types.Vector([1.0])


def test_comparing_with_something_else_is_no_call(types, typed):
    a = types.Vector([1.0])
    before = typed.stats()["calls"]
    assert a not in ["x", 1, None]
    assert typed.stats()["calls"] <= before + 1


def test_with_statements(types):
    workspace = types.Workspace()
    begun = len(workspace.lines)
    with workspace as inner:
        assert inner is workspace
    with pytest.raises(ZeroDivisionError), workspace:
        raise ZeroDivisionError("by 0")
    assert workspace.lines[begun:] == ["begin", "end", "begin", "ZeroDivisionError: by 0"]


def test_pythons_own_names_are_the_same_on_both_sides():
    source = (Path(__file__).resolve().parents[2] / "cppipc/src/values/naming.cpp").read_text()
    listed = source[source.index("kSpecial = {") : source.index("bool is_letter")]
    assert sorted(re.findall(r'"(__\w+__)"', listed)) == sorted(unity._description.SPECIAL)
