# SPDX-License-Identifier: Apache-2.0
"""Functions as values: Python callables that C++ calls, and functions of the server."""

import contextvars
import functools
import gc
import threading
import time
import traceback
import weakref

import pytest

import unity
from conftest import DEADLINE_S

try:
    import numpy as np
except ImportError:
    np = None


class Adder:
    def __init__(self, by):
        self.by = by

    def __call__(self, x, *, twice=False):
        return x + self.by * (2 if twice else 1)

    def add(self, x):
        return x + self.by


CALLABLES = [
    lambda x: x + 1,
    Adder(1),
    Adder(1).add,
    functools.partial(lambda by, x: x + by, 1),
    (1).__add__,
]


@pytest.mark.parametrize("function", CALLABLES, ids=lambda f: type(f).__name__)
def test_cpp_calls_a_callable(session, function):
    assert session.toolkits.diagnostics.call(function, 5) == 6


def test_classes_are_callables_but_exposed_ones_are_not_sent(private):
    assert private.toolkits.diagnostics.call(complex, 1, 2) == 1 + 2j
    assert private.toolkits.diagnostics.echo(int) is int
    with pytest.raises(TypeError, match="cannot send a 'ProxyType'"):
        private.toolkits.diagnostics.echo(private.types.Probe)


def test_cpp_sees_a_callable(private):
    describe = private.toolkits.diagnostics.describe
    assert describe(print) == {"kind": "callable"}
    assert describe(private.toolkits.demo_addone) == {"kind": "callable"}
    assert describe(private.types.Probe(1).add) == {"kind": "callable"}


def test_a_callable_comes_home_as_itself(private):
    def function():
        pass

    method = Adder(1).add
    echo = private.toolkits.diagnostics.echo
    assert echo(function) is function
    assert echo(method) is method
    back = echo({"list": [function, (method,)], function: {function}})
    assert back["list"][0] is function
    assert back["list"][1][0] is method
    assert back[function] == {function}


def test_a_callable_comes_home_from_where_the_server_keeps_it(private):
    def function(x):
        return x * 2

    holder = private.types.Holder()
    handle = holder.hold([function])
    assert holder.get(handle)[0] is function
    kept = private.types.VariantMap()
    kept["f"] = function
    gc.collect()
    assert kept["f"] is function
    assert private.toolkits.diagnostics.call(kept["f"], 4) == 8


@pytest.mark.skipif(np is None, reason="needs NumPy")
def test_arguments_and_results_of_every_kind(private):
    probe = private.types.Probe(value=3)
    got = []

    def function(*args):
        got.extend(args)
        return list(args)

    array = np.arange(500_000.0)  # larger than a message takes inline
    text = "é" * 2_000_000
    sent = [1, 2.5, "x", None, True, {"k": (1, b"2")}, array, text, probe, function]
    back = private.toolkits.diagnostics.call(function, *sent)
    assert got[:6] == back[:6] == sent[:6]
    assert np.array_equal(got[6], array) and np.array_equal(back[6], array)
    assert got[7] == back[7] == text
    assert got[8] is probe and back[8] is probe
    assert got[9] is function and back[9] is function


def test_keyword_arguments(private):
    assert private.toolkits.diagnostics.call(Adder(2), 1, twice=True) == 5


def test_it_runs_on_the_waiting_thread_with_its_context(private):
    variable = contextvars.ContextVar("variable", default="outside")
    variable.set("inside")
    call = private.toolkits.diagnostics.call
    assert call(lambda: (threading.get_ident(), variable.get())) == (
        threading.get_ident(),
        "inside",
    )
    future = call.submit(lambda: threading.get_ident())
    assert future.result(DEADLINE_S) in (threading.get_ident(), callback_thread().ident)


def callback_thread():
    return next(t for t in threading.enumerate() if t.name == "unity-callback")


def test_it_runs_on_the_callback_thread_when_nobody_waits(private, eventually):
    names = []
    future = private.toolkits.diagnostics.call.submit(
        lambda: names.append(threading.current_thread().name)
    )
    eventually(lambda: names)
    assert names == ["unity-callback"]
    assert future.result(DEADLINE_S) is None


def test_an_awaited_call_runs_it_on_the_callback_thread(private):
    import asyncio

    async def main():
        return await private.toolkits.diagnostics.call.submit(
            lambda: threading.current_thread().name
        )

    assert asyncio.run(main()) == "unity-callback"


def test_other_threads_are_served_while_a_callback_runs(private):
    echo, call = private.toolkits.diagnostics.echo, private.toolkits.diagnostics.call

    def function():
        results, told = [], threading.Event()
        other = threading.Thread(target=lambda: results.append(echo("other")))
        other.start()
        other.join(DEADLINE_S)
        # Also what nobody waits for yet.
        future = echo.submit("future")
        future.add_done_callback(lambda _: told.set())
        assert told.wait(DEADLINE_S)
        return results, future.result(DEADLINE_S)

    assert call(function) == (["other"], "future")


class OfUser(Exception):
    pass


@pytest.mark.parametrize("cls", [OfUser, ValueError, KeyError, unity.OutOfRange])
def test_an_exception_comes_out_as_itself(private, cls):
    error = cls("of the callback")

    def function():
        raise error

    with pytest.raises(cls) as raised:
        private.toolkits.diagnostics.call(function)
    assert raised.value is error
    assert "raise error" in "".join(traceback.format_exception(error))
    assert private.toolkits.diagnostics.echo(1) == 1


def test_an_exception_of_a_future(private):
    error = OfUser("of the callback")

    def function():
        raise error

    future = private.toolkits.diagnostics.call.submit(function)
    assert future.exception(DEADLINE_S) is error


def test_keyboard_interrupt_and_exit(private):
    for cls in (KeyboardInterrupt, SystemExit):

        def function(cls=cls):
            raise cls

        with pytest.raises(cls):
            private.toolkits.diagnostics.call(function)


def test_an_exception_passes_through_nested_calls(private):
    error = OfUser("deep down")
    call = private.toolkits.diagnostics.call

    def down(n):
        if n == 0:
            raise error
        return call(down, n - 1)

    with pytest.raises(OfUser) as raised:
        call(down, 10)
    assert raised.value is error


def test_a_cpp_exception_of_a_nested_call_is_raised_in_the_callback(private):
    caught = []

    def function():
        with pytest.raises(IndexError) as raised:
            private.toolkits.diagnostics.fail("out_of_range", "nested")
        caught.append(raised.value)
        raise raised.value

    with pytest.raises(unity.OutOfRange, match="nested") as raised:
        private.toolkits.diagnostics.call(function)
    assert raised.value is caught[0]


def test_a_result_that_cannot_be_sent(private):
    with pytest.raises(TypeError, match="cannot send a 'object'.*'result'"):
        private.toolkits.diagnostics.call(object)


def test_wrong_arguments_for_the_callable(private):
    with pytest.raises(TypeError, match="positional argument"):
        private.toolkits.diagnostics.call(lambda x: x)


def test_it_lives_as_long_as_the_server_holds_it(private, eventually):
    def function():
        pass

    weak = weakref.ref(function)
    holder = private.types.Holder()
    handle = holder.hold(function)
    del function
    gc.collect()
    assert weak() is not None
    holder.drop(handle)
    eventually(lambda: weak() is None)


def test_it_is_released_after_the_call(private, eventually):
    def function():
        raise OfUser

    weak = weakref.ref(function)
    error = None
    try:
        private.toolkits.diagnostics.call(function)
    except OfUser as raised:
        error = weakref.ref(raised)
    private.toolkits.diagnostics.echo([function])
    del function
    eventually(lambda: weak() is None and error() is None)


def test_it_is_released_with_the_object_that_holds_it(private, eventually):
    def function():
        pass

    weak = weakref.ref(function)
    kept = private.types.VariantMap()
    kept["f"] = function
    del function, kept
    eventually(lambda: weak() is None)


def test_a_function_of_the_server_comes_home_equal_and_makes_no_trip(private):
    echo, call = private.toolkits.diagnostics.echo, private.toolkits.diagnostics.call
    addone = private.toolkits.demo_addone
    assert echo(addone) == addone
    assert echo([addone])[0](x=1) == {"x": 2}
    before = private.stats()["calls"]
    assert call(echo, 5) == 5
    assert private.stats()["calls"] - before == 1  # and not two
    with pytest.raises(unity.OutOfRange, match="there"):
        call(private.toolkits.diagnostics.fail, "out_of_range", "there")


def test_a_bound_method_and_a_function_with_a_limit_are_callables(private):
    probe = private.types.Probe(value=1)
    call = private.toolkits.diagnostics.call
    assert call(probe.add, 2) == 3
    assert call(private.toolkits.diagnostics.echo.options(timeout_s=DEADLINE_S), 2) == 2
    sleep = private.toolkits.diagnostics.sleep.options(timeout_s=0.01)
    with pytest.raises(unity.CallTimeout):
        call(sleep, 0.5)


def test_a_call_that_times_out_while_its_callback_runs(private):
    ran = threading.Event()
    begun = time.monotonic()

    def function():
        while time.monotonic() < begun + 0.3:  # beyond the call's limit
            pass
        ran.set()

    with pytest.raises(unity.CallTimeout):
        private.toolkits.diagnostics.call.options(timeout_s=0.1)(function)
    assert ran.is_set()
    assert private.toolkits.diagnostics.echo(1) == 1


def test_a_call_that_is_cancelled_while_its_callback_runs(private):
    begun, go_on = threading.Event(), threading.Event()

    def function():
        begun.set()
        assert go_on.wait(DEADLINE_S)
        return private.toolkits.diagnostics.echo("nested")

    future = private.toolkits.diagnostics.call.submit(function)
    assert begun.wait(DEADLINE_S)
    assert future.cancel()
    go_on.set()
    with pytest.raises(unity.Cancelled):
        future.result(DEADLINE_S)
    assert private.toolkits.diagnostics.echo(1) == 1
