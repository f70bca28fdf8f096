# SPDX-License-Identifier: Apache-2.0
"""Calls that callbacks make: nested ones, held objects, many threads, and no deadlock."""

import threading

import pytest

import unity
from conftest import DEADLINE_S


@pytest.mark.parametrize("depth", [1, 100])
def test_nested_calls(private, depth):
    call = private.toolkits.diagnostics.call

    def down(n):
        return 0 if n == 0 else 1 + call(down, n - 1)

    assert call(down, depth) == depth


def test_a_nested_call_enters_the_object_that_is_held(private):
    holder = private.types.VariantMap()
    holder["n"] = 1
    call = private.toolkits.diagnostics.call

    def function(held):
        held["n"] += 1  # while call() holds the map
        return call(lambda again: again["n"], held)

    assert call(function, holder) == 2
    assert holder["n"] == 2


def test_a_nested_call_that_is_submitted_runs_before_the_object_is_given_back(private):
    probe = private.types.Probe()
    futures = []

    def function(held):
        futures.extend(held.add.submit(1) for _ in range(20))

    private.toolkits.diagnostics.call(function, probe)
    for future in futures:
        future.result(DEADLINE_S)
    assert probe.value == 20


def in_threads(count, work):
    errors = []

    def run(i):
        try:
            work(i)
        except BaseException as error:  # noqa: BLE001, it is shown below
            errors.append(error)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE_S)
    assert not any(thread.is_alive() for thread in threads)
    assert not errors


def test_threads_that_call_back_at_once(private):
    call = private.toolkits.diagnostics.call
    probes = [private.types.Probe() for _ in range(4)]

    def work(i):
        def function(mine, depth):
            assert threading.get_ident() == here
            probes[(i + depth) % 4].add(1)
            if depth < 5:
                call(function, mine, depth + 1)

        here = threading.get_ident()
        for _ in range(10):
            call(function, probes[i], 0)

    in_threads(4, work)
    assert sum(probe.value for probe in probes) == 4 * 10 * 6


def test_two_that_hold_what_the_other_wants_cannot_deadlock(private):
    call = private.toolkits.diagnostics.call
    probes = [private.types.Probe(), private.types.Probe()]
    both_hold = threading.Barrier(2)

    def work(i):
        def function(_mine):
            both_hold.wait(DEADLINE_S)
            probes[1 - i].add(1)

        call(function, probes[i])

    in_threads(2, work)
    assert [probe.value for probe in probes] == [1, 1]


def test_the_callback_thread_may_wait_for_a_call_that_calls_back(private, eventually):
    call = private.toolkits.diagnostics.call
    done = []

    def function():
        futures = [call.submit(lambda i=i: i) for i in range(10)]
        done.append([future.result(DEADLINE_S) for future in futures])

    future = call.submit(function)
    eventually(lambda: done)
    assert done == [list(range(10))]
    future.result(DEADLINE_S)


def test_the_callback_thread_may_want_what_waits_for_it(private, eventually):
    call = private.toolkits.diagnostics.call
    probe = private.types.Probe()
    order = []
    begun = threading.Event()

    def first():
        begun.set()
        # Of another chain, and it holds the probe until its callback has run.
        assert other_is_sent.wait(DEADLINE_S)
        order.append(probe.add(1))

    other_is_sent = threading.Event()
    one = call.submit(first)
    assert begun.wait(DEADLINE_S)
    other = call.submit(lambda held: order.append("other"), probe)
    private.ping()  # it has arrived
    other_is_sent.set()
    eventually(lambda: one.done() and other.done())
    assert order == ["other", 1]


def test_deep_nesting_on_the_callback_thread(private, eventually):
    call = private.toolkits.diagnostics.call
    done = []

    def down(n):
        return 0 if n == 0 else 1 + call(down, n - 1)

    futures = [call.submit(lambda i=i: done.append(down(i))) for i in range(60)]
    eventually(lambda: len(done) == 60)
    for future in futures:
        assert future.result(DEADLINE_S) is None
    assert sorted(done) == list(range(60))
    with pytest.raises(unity.QuotaExceeded):
        call(down, 1000)
