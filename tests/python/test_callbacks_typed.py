# SPDX-License-Identifier: Apache-2.0
"""Functions of C++ types: std::function parameters and results, errors, threads of the server."""

import threading

import pytest

import unity
from conftest import DEADLINE_S

try:
    import numpy as np
except ImportError:
    np = None


def join(number, text):
    return f"{text}{number}"


def test_parameters(typed):
    functions = typed.toolkits.typed
    assert functions.apply(join, 7) == "text7"
    assert functions.apply_all({"a": [join, join], "b": [join]}) == ["a1", "a1", "b1"]
    assert functions.apply_or(None) == "none"
    assert functions.apply_or(join) == "given2"
    assert functions.function_or_text(join) == "called3"
    assert functions.function_or_text("x") == "x"


def test_a_registered_function_is_called_without_a_trip(typed):
    functions = typed.toolkits.typed
    before = typed.stats()["calls"]
    assert functions.apply(functions.joined, 7) == "text7"
    assert typed.stats()["calls"] - before == 1
    with pytest.raises(TypeError, match="expected int, got str"):
        typed.toolkits.diagnostics.call(functions.joined, "no int", "text")


def test_what_is_no_function_is_refused(typed):
    for wrong in (1, "f", [join]):
        with pytest.raises(TypeError, match=r"apply\(\) parameter 'f': expected function, got"):
            typed.toolkits.typed.apply(wrong, 1)


def test_results_of_wrong_types_name_the_parameter(typed):
    with pytest.raises(TypeError, match=r"apply\(\) parameter 'f' result: expected str, got int"):
        typed.toolkits.typed.apply(lambda number, text: number, 1)


def test_signatures(typed):
    import inspect

    signature = str(inspect.signature(typed.toolkits.typed.apply))
    assert "f: 'Callable[[int, str], str]'" in signature


def test_functions_come_home(typed):
    functions = typed.toolkits.typed
    assert functions.same_function(join) is join
    assert functions.any_function(join) is join
    assert functions.any_function(functions.joined) == functions.joined


def test_a_function_that_the_server_returns(typed, eventually):
    functions = typed.toolkits.typed
    live = typed.stats()["live_objects"]
    add = functions.adder(2)
    assert add(3) == 5
    assert add.__call__(4.5) == 6.5
    assert functions.any_function(add) is add
    assert typed.toolkits.diagnostics.call(add, 1) == 3
    assert typed.toolkits.diagnostics.describe(add) == {"kind": "callable"}
    with pytest.raises(TypeError, match="takes 1 arguments, got 2"):
        add(1, 2)
    with pytest.raises(TypeError, match=r"argument\[0\]: expected float, got str"):
        add("x")
    del add
    eventually(lambda: typed.stats()["live_objects"] == live)


def test_objects_enumerations_and_none(typed):
    color = typed.types.Color
    seen = []

    def function(red, shapes):
        seen.extend([red, shapes[0].name, shapes[1]])
        return color.BLUE

    assert typed.toolkits.typed.painted(function) is color.BLUE
    assert seen == [color.RED, "square", None]


@pytest.mark.skipif(np is None, reason="needs NumPy")
def test_arrays(typed):
    assert typed.toolkits.typed.total(lambda array: array * 2) == 600_000


class OfUser(Exception):
    pass


def raising(error):
    def function():
        raise error

    return function


@pytest.mark.parametrize(
    "error, kind, thrown",
    [
        (ValueError("text"), "invalidArgument", "ValueError"),
        (IndexError("text"), "outOfRange", "IndexError"),
        (FileNotFoundError("text"), "inputOutput", "FileNotFoundError"),
        (OfUser("text"), "remote", f"{__name__}.OfUser"),
        (unity.QuotaExceeded("text"), "quotaExceeded", "QuotaExceeded"),
    ],
    ids=lambda v: type(v).__name__,
)
def test_what_cpp_catches(typed, error, kind, thrown):
    assert typed.toolkits.typed.caught(raising(error)) == (kind, "text", thrown)


def test_what_cpp_throws_again_and_what_it_throws_instead(typed):
    error = OfUser("text")
    with pytest.raises(OfUser) as raised:
        typed.toolkits.typed.rethrown(raising(error))
    assert raised.value is error
    with pytest.raises(unity.DomainError, match="another one"):
        typed.toolkits.typed.replaced(raising(error))


def test_threads_of_the_server_call_on_the_callback_thread(typed):
    names = []
    typed.toolkits.typed.on_threads(lambda: names.append(threading.current_thread().name), 5)
    assert names == ["unity-callback"] * 5


def test_a_function_that_is_called_after_its_call(typed):
    told = threading.Event()
    typed.toolkits.typed.later(told.set)
    assert told.wait(DEADLINE_S)


def test_a_call_on_the_callback_thread_may_call_back(typed):
    results = []
    done = threading.Event()

    def function():
        results.append(typed.toolkits.typed.apply(join, 1))
        done.set()

    typed.toolkits.typed.later(function)
    assert done.wait(DEADLINE_S)
    assert results == ["text1"]


def test_calls_of_functions_are_limited(typed_server):
    with unity.launch(
        server_binary=typed_server, diagnostics=True, callbacks_in_flight=3
    ) as session:
        call = session.toolkits.diagnostics.call

        def down(n):
            return 0 if n == 0 else 1 + call(down, n - 1)

        assert call(down, 2) == 2
        with pytest.raises(unity.QuotaExceeded, match="callbacks-in-flight"):
            call(down, 3)
        assert call(down, 2) == 2


def test_more_nested_calls_than_threads(typed_server):
    with unity.launch(
        server_binary=typed_server, diagnostics=True, worker_threads=2, session_threads=2
    ) as session:
        call = session.toolkits.diagnostics.call

        def down(n):
            return 0 if n == 0 else 1 + call(down, n - 1)

        assert call(down, 20) == 20
        futures = [call.submit(down, 5) for _ in range(5)]
        assert [future.result(DEADLINE_S) for future in futures] == [5] * 5


def test_a_function_of_another_session(typed):
    with unity.connect(typed.address) as other:
        holder = other.types.Holder()
        main = threading.get_ident()
        handle = holder.hold(lambda: threading.get_ident())
        # The other session's client, which is this process too, runs it where nobody waits.
        kept = holder.get(handle)
        assert typed.toolkits.diagnostics.call(kept) == main  # it went as a Python callable
        del kept, holder


def test_watches(private, eventually):
    got, all_of_them = [], []
    thread = set()

    def callback(name, fraction, text):
        thread.add(threading.current_thread().name)
        got.append((name, fraction, text))

    with (
        private.watch("diagnostics.wo", callback) as watch,
        private.watch("", lambda *message: all_of_them.append(message)),
        private.watch("other", lambda *message: got.append(message)),
    ):
        assert not watch.closed
        private.toolkits.diagnostics.work(0.01)
        eventually(lambda: len(got) >= 10 and len(all_of_them) >= 10)
    assert got == all_of_them == [("diagnostics.work", i / 10, "") for i in range(1, 11)]
    assert thread == {"unity-callback"}
    assert watch.closed
    private.toolkits.diagnostics.work(0)
    private.toolkits.diagnostics.echo(1)
    assert len(got) == 10


def test_a_slow_watcher_delays_nobody_and_loses_nothing(private, eventually):
    go_on = threading.Event()
    got = []

    def callback(name, fraction, text):
        assert go_on.wait(DEADLINE_S)
        got.append(fraction)

    with private.watch("diagnostics.work", callback):
        for _ in range(150):
            private.toolkits.diagnostics.work(0)
        go_on.set()
        eventually(lambda: len(got) >= 1500)
    assert got == [i / 10 for i in range(1, 11)] * 150


def test_a_watcher_that_raises_goes_on(private, eventually, caplog):
    got = []

    def callback(name, fraction, text):
        got.append(fraction)
        raise ValueError("of the watcher")

    with private.watch("diagnostics.work", callback):
        private.toolkits.diagnostics.work(0)
        eventually(lambda: len(got) == 10)
    assert "of the watcher" in caplog.text


def test_watches_that_cannot_be(private):
    with pytest.raises(TypeError, match="prefix"):
        private.watch(1, print)
    with pytest.raises(TypeError, match="calls a function"):
        private.watch("x", None)
    with pytest.raises(unity.QuotaExceeded, match="100 watches"):
        watches = [private.watch("x", print)]
        try:
            while True:
                watches.append(private.watch("x", print))
        finally:
            for watch in watches:
                watch.close()


def test_a_watch_ends_with_its_session():
    with unity.launch(diagnostics=True) as session:
        watch = session.watch("", print)
    watch.close()
    watch.close()
    assert watch.closed
