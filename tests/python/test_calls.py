# SPDX-License-Identifier: Apache-2.0
"""Calls: blocking, submitted, limited in time, cancelled, from many threads, in order."""

import collections
import concurrent.futures as cf
import threading

import pytest

import unity

WAIT_S = 30


def test_blocking_calls(session):
    counter = session.types.Counter(10)
    assert counter.increment() == 11
    assert counter.increment(3) == 14
    assert counter.increment(by=-4) == 10
    assert counter.value == 10
    assert session.types.Counter.increment(counter, 5) == 15


def test_run_by_name(session):
    assert session.run("demo_addone", {"x": 5}) == {"x": 6}
    result = session.run("demo_addone", {"x": 1.5})
    assert result == {"x": 2.5}
    assert session.run("diagnostics.pair", {"x": 1, "y": 2}) == {"result": [1, 2]}


@pytest.mark.parametrize(
    "params, match",
    [
        (5, "mapping of argument names to values, not 'int'"),
        ("x", "not 'str'"),
        ([("x", 5)], "not 'list'"),
        ({1: 2}, "names of arguments are str, not 'int'"),
        ({"x": 5, None: 2}, "not 'NoneType'"),
    ],
)
def test_run_with_no_arguments_of_names(session, params, match):
    with pytest.raises(unity.WrongType, match=match):
        session.run("demo_addone", params)


def test_run_with_any_mapping(session):
    params = session.types.VariantMap(x=5)
    assert session.run("demo_addone", params) == {"x": 6}
    assert session.run("demo_addone", collections.UserDict(x=5)) == {"x": 6}


WRONG = {
    "too many": (lambda c: c.increment(1, 2), "takes at most 1 argument but 2 were given"),
    "unknown": (lambda c: c.increment(to=1), "unexpected keyword argument 'to'.*by"),
    "twice": (lambda c: c.increment(1, by=1), "multiple values for argument 'by'"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_arguments_fail_without_io(session, name):
    counter = session.types.Counter()
    call, match = WRONG[name]
    calls = session.stats()["calls"]
    with pytest.raises(TypeError, match=match) as raised:
        call(counter)
    assert isinstance(raised.value, unity.Error)
    assert session.stats()["calls"] <= calls + 1  # stats() itself may count


def test_missing_arguments_fail_without_io(session):
    pair = session.toolkits.diagnostics.pair
    for call, match in (
        (lambda: pair(), "missing required arguments: 'x', 'y'"),
        (lambda: pair(1), "missing required argument: 'y'"),
        (lambda: pair(y=1), "missing required argument: 'x'"),
        (lambda: pair.submit(1), "missing required argument: 'y'"),
        (lambda: session.run("diagnostics.pair", {"x": 1}), "missing required argument: 'y'"),
        (lambda: session.types.Counter(1, 2), "takes at most 1 argument but 2 were given"),
    ):
        with pytest.raises(TypeError, match=match):
            call()


def test_properties_are_read_and_written(session):
    probe = session.types.Probe(3)
    assert probe.value == 3
    probe.value = 7
    assert probe.value == 7
    with pytest.raises(TypeError):
        probe.value = "text"
    with pytest.raises(AttributeError):
        del probe.value
    counter = session.types.Counter()
    with pytest.raises(AttributeError):
        counter.value = 5
    with pytest.raises(AttributeError):
        counter.anything = 5


def test_submit_gives_a_future(session):
    counter = session.types.Counter()
    call = counter.increment.submit(by=2)
    assert isinstance(call, unity.Call) and isinstance(call, cf.Future)
    assert call.result(WAIT_S) == 2
    assert call.done() and not call.running() and not call.cancelled()
    assert call.exception() is None
    assert call.result() == 2
    assert "Counter.increment" in repr(call) and "int" in repr(call)


def test_a_future_keeps_one_result_and_one_exception(session):
    tools = session.toolkits.diagnostics
    call = tools.echo.submit([1])
    assert call.result(WAIT_S) is call.result()
    failed = tools.fail.submit("out_of_range", "x")
    error = failed.exception(WAIT_S)
    assert isinstance(error, IndexError) and failed.exception() is error
    with pytest.raises(IndexError) as raised:
        failed.result()
    assert raised.value is error


def test_calls_on_one_object_run_in_order(session):
    counter = session.types.Counter()
    calls = [counter.increment.submit(1) for _ in range(500)]
    assert [call.result(WAIT_S) for call in calls] == list(range(1, 501))
    assert counter.value == 500


def test_many_calls_in_flight(session):
    sleep = session.toolkits.diagnostics.sleep
    calls = [sleep.submit(0.05) for _ in range(50)]
    assert {call.result(WAIT_S) for call in calls} == {0.05}


def test_a_timeout_of_result_leaves_the_call_running(session):
    call = session.toolkits.diagnostics.sleep.submit(0.5)
    with pytest.raises(TimeoutError) as raised:
        call.result(timeout=0.01)
    assert isinstance(raised.value, unity.CallTimeout)
    assert call.running()
    assert call.result(WAIT_S) == 0.5


def test_options_limit_a_call(session):
    sleep = session.toolkits.diagnostics.sleep
    limited = sleep.options(timeout_s=0.05)
    assert limited.timeout_s == 0.05 and sleep.timeout_s is None
    with pytest.raises(unity.CallTimeout):
        limited(0.4)
    call = limited.submit(0.4)
    assert isinstance(call.exception(), unity.CallTimeout)
    assert call.done()
    assert session.ping() > 0
    assert sleep.options(timeout_s=WAIT_S)(0.01) == 0.01
    for bad in (-1, float("nan")):
        with pytest.raises(ValueError):
            sleep.options(timeout_s=bad)


def test_a_limited_call_ends_although_nobody_waits(session):
    call = session.toolkits.diagnostics.sleep.options(timeout_s=0.05).submit(0.5)
    ended = threading.Event()
    call.add_done_callback(lambda _: ended.set())
    assert ended.wait(WAIT_S)
    assert isinstance(call.exception(), unity.CallTimeout)


def test_cancel_reaches_the_server(session, eventually):
    call = session.toolkits.diagnostics.work.submit(1000)
    eventually(lambda: session.stats()["calls_running"] >= 1)
    assert call.cancel()
    assert call.cancelled() and call.done()
    with pytest.raises(cf.CancelledError) as raised:
        call.result()
    assert isinstance(raised.value, unity.Cancelled)
    with pytest.raises(unity.Cancelled):
        call.exception()
    assert call.cancel()
    assert "cancelled" in repr(call)
    eventually(lambda: session.stats()["calls_running"] == 0)


def test_a_finished_call_cannot_be_cancelled(session):
    call = session.toolkits.diagnostics.echo.submit(1)
    assert call.result(WAIT_S) == 1
    assert not call.cancel() and not call.cancelled()


def test_callbacks_run_once_in_order(session):
    called = []
    ended = threading.Event()
    call = session.toolkits.diagnostics.sleep.submit(0.1)
    for i in range(3):
        call.add_done_callback(lambda c, i=i: called.append((i, c)))
    call.add_done_callback(lambda _: ended.set())
    assert ended.wait(WAIT_S)
    assert called == [(0, call), (1, call), (2, call)]
    call.add_done_callback(lambda c: called.append("at once"))
    assert called[-1] == "at once"


def test_a_callback_that_raises_is_logged_and_harms_nobody(session, caplog):
    ended = threading.Event()
    call = session.toolkits.diagnostics.sleep.submit(0.05)
    call.add_done_callback(lambda _: 1 / 0)
    call.add_done_callback(lambda _: ended.set())
    assert ended.wait(WAIT_S)
    assert "ZeroDivisionError" in caplog.text


def test_a_callback_may_call(session):
    got = []
    ended = threading.Event()
    counter = session.types.Counter()

    def callback(call):
        got.append(counter.increment(call.result()))
        ended.set()

    counter.increment.submit(5).add_done_callback(callback)
    assert ended.wait(WAIT_S)
    assert got == [10]


def test_waiting_for_several_futures(session):
    sleep = session.toolkits.diagnostics.sleep
    long, short = sleep.submit(1), sleep.submit(0.01)
    done, waiting = cf.wait([long, short], WAIT_S, cf.FIRST_COMPLETED)
    assert short in done
    assert cf.wait([long, short], WAIT_S) == ({long, short}, set())
    calls = [sleep.submit(s) for s in (0.2, 0.1, 0.01)]
    assert {call.result() for call in cf.as_completed(calls, WAIT_S)} == {0.2, 0.1, 0.01}
    bad = session.toolkits.diagnostics.fail.submit("int", "x")
    done, _ = cf.wait([bad, sleep.submit(0.01)], WAIT_S, cf.FIRST_EXCEPTION)
    assert bad in done
    stopped = session.toolkits.diagnostics.work.submit(1000)
    threading.Timer(0.05, stopped.cancel).start()
    assert cf.wait([stopped], WAIT_S).done == {stopped}


def test_only_the_server_answers(session):
    call = session.toolkits.diagnostics.echo.submit(1)
    for act in (
        lambda: call.set_result(1),
        lambda: call.set_exception(ValueError()),
        lambda: call.set_running_or_notify_cancel(),
    ):
        with pytest.raises(cf.InvalidStateError):
            act()
    assert call.result(WAIT_S) == 1


def test_many_threads_share_a_session(session):
    counter = session.types.Counter()
    failures = []

    def work(seed):
        try:
            for i in range(200):
                counter.increment(1)
                assert session.toolkits.diagnostics.echo([seed, i]) == [seed, i]
        except BaseException as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT_S)
    assert not failures
    assert counter.value == 1600


def test_a_slow_call_does_not_hold_up_other_threads(session, eventually):
    slow = session.toolkits.diagnostics.sleep.submit(2)
    eventually(lambda: session.stats()["calls_running"] >= 1)
    counter = session.types.Counter()
    for _ in range(100):
        counter.increment()
    assert not slow.done()
    assert slow.result(WAIT_S) == 2


def test_two_threads_may_wait_for_one_call(session):
    call = session.toolkits.diagnostics.sleep.submit(0.2)
    with cf.ThreadPoolExecutor(4) as pool:
        got = list(pool.map(lambda _: call.result(WAIT_S), range(4)))
    assert got == [0.2] * 4


def test_the_gil_is_free_while_a_call_waits(session, eventually):
    progress = []
    done = threading.Event()

    def count():
        while not done.is_set():
            progress.append(0)

    thread = threading.Thread(target=count)
    thread.start()
    before = len(progress)
    session.toolkits.diagnostics.sleep(0.2)
    after = len(progress)
    done.set()
    thread.join(WAIT_S)
    assert after > before + 10


def test_closing_ends_calls_in_flight(shared):
    session = shared.connect()
    counter = session.types.Counter()
    call = session.toolkits.diagnostics.work.submit(1000)
    session.close()
    session.close()
    for use in (
        lambda: call.result(WAIT_S),
        lambda: counter.increment(),
        lambda: counter.value,
        lambda: session.ping(),
        lambda: session.types.Counter(),
        lambda: session.run("demo_addone", {"x": 1}),
        lambda: counter.increment.submit(),
    ):
        with pytest.raises(unity.ConnectionLost, match="closed") as raised:
            result = use()
            if isinstance(result, unity.Call):
                result.result(WAIT_S)
        assert isinstance(raised.value, ConnectionError)
    assert session.closed
    assert "closed" in repr(session) and "closed" in repr(counter)
