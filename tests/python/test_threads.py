# SPDX-License-Identifier: Apache-2.0
"""One session used by many threads."""

import concurrent.futures as cf
import gc
import os
import threading
from pathlib import Path

import pytest

import unity
from conftest import DEADLINE_S

THREADS = 16


@pytest.fixture
def together():
    """Runs work(number) in many threads that begin at one moment; returns their results."""

    def run(work, count=THREADS):
        start = threading.Barrier(count)

        def begin(number):
            start.wait(DEADLINE_S)
            return work(number)

        with cf.ThreadPoolExecutor(count) as pool:
            return list(pool.map(begin, range(count), timeout=DEADLINE_S))

    return run


def threads_of(pid):
    return len(os.listdir(f"/proc/{pid}/task"))


# -- results -------------------------------------------------------------------------------------


def test_one_proxy_in_many_threads(session, together):
    """No call is lost, and no reply reaches another caller."""
    counter = session.types.Counter()
    each = 200
    results = together(lambda _: [counter.increment() for _ in range(each)])
    for result in results:
        assert result == sorted(result)
    assert sorted(sum(results, [])) == list(range(1, THREADS * each + 1))
    assert counter.value == THREADS * each


def test_calls_of_a_thread_keep_their_order(session, together):
    """On one object, submitted and blocking ones mixed, whatever other threads send."""
    counter = session.types.Counter()

    def work(_):
        results = []
        for _ in range(20):
            calls = [counter.increment.submit() for _ in range(10)]
            last = counter.increment()
            results += [call.result(DEADLINE_S) for call in calls] + [last]
        return results

    results = together(work)
    for result in results:
        assert result == sorted(result)
    assert counter.value == THREADS * 20 * 11


def test_calls_on_one_object_run_one_at_a_time(session, together):
    """`swap` and `add_from` read and write two objects; nobody sees one half of that."""
    left, right = session.types.Probe(0), session.types.Probe(1000)

    def work(number):
        seen = set()
        for _ in range(100):
            if number % 2:
                left.swap(right)
            else:
                right.swap(left)
            seen.add(left.value)
        return seen

    for seen in together(work, 8):
        assert seen <= {0, 1000}
    assert {left.value, right.value} == {0, 1000}


def test_values_of_every_size(session, together):
    def work(number):
        for size in (0, 10, 1000, 100_000, 3_000_000):
            data = bytes([number]) * size
            assert session.toolkits.diagnostics.echo(data) == data
            numbers = [number] * (size // 100)
            assert session.toolkits.diagnostics.echo(numbers) == numbers

    together(work, 8)


def test_errors_reach_whoever_caused_them(session, together):
    fail = session.toolkits.diagnostics.fail

    def work(number):
        for i in range(50):
            kind = ("out_of_range", "invalid_argument", "bad_cast")[(number + i) % 3]
            expected = (IndexError, ValueError, TypeError)[(number + i) % 3]
            with pytest.raises(expected, match=f"thread {number}, {i}$"):
                fail(kind, f"thread {number}, {i}")

    together(work)


def test_one_object_is_one_proxy_in_every_thread(session, together):
    probe = session.types.Probe()
    holder = session.types.Holder()
    held = holder.hold(session.types.Probe(7))

    def work(_):
        proxies = []
        for _ in range(50):
            assert probe.itself() is probe
            proxies.append(holder.get(held))
        return proxies

    proxies = sum(together(work), [])
    assert len({id(proxy) for proxy in proxies}) == 1
    assert proxies[0].value == 7


def test_objects_that_are_made_and_dropped_everywhere(session, together, eventually):
    before = session.stats()["live_objects"]
    held = [session.types.Probe()]

    def work(number):
        for i in range(30):
            made = held[0].many(10)
            if i % 3 == number % 3:
                made.append(made)  # a cycle, for whichever thread collects it
            assert all(
                one is two
                for one, two in zip(
                    session.toolkits.diagnostics.echo(made[:10]), made, strict=False
                )
            )

    together(work)
    held.clear()
    gc.collect()
    eventually(lambda: session.stats()["live_objects"] == before)


# -- nobody waits for others ---------------------------------------------------------------------


def wait_for(call):
    """Waits for a call that is going to be cancelled."""
    with pytest.raises(unity.Cancelled):
        call.result()


def test_a_slow_call_delays_no_other_thread(session, eventually):
    """Whoever reads the socket."""
    counter = session.types.Counter()
    calls = [session.toolkits.diagnostics.work.submit(1000) for _ in range(2)]
    slow = [threading.Thread(target=wait_for, args=(call,)) for call in calls]
    for thread in slow:
        thread.start()
    eventually(lambda: session.stats()["calls_running"] >= 2)
    with cf.ThreadPoolExecutor(4) as pool:
        quick = [pool.submit(lambda: [counter.increment() for _ in range(50)]) for _ in range(4)]
        for one in quick:
            one.result(DEADLINE_S)
    assert counter.value == 200
    assert not any(call.done() for call in calls) and all(thread.is_alive() for thread in slow)
    for call, thread in zip(calls, slow, strict=True):
        call.cancel()
        thread.join(DEADLINE_S)
        assert not thread.is_alive()


def test_a_slow_call_delays_no_other_session(shared, eventually):
    with shared.connect() as one, shared.connect() as other:
        slow = one.toolkits.diagnostics.work.submit(1000)
        eventually(lambda: other.stats()["calls_running"] >= 1)
        for _ in range(200):
            other.ping()
        assert other.types.Counter().increment() == 1
        assert not slow.done()


def test_many_slow_calls_from_many_threads(session, together):
    """All at one time: one after the other they would outlast the deadline."""
    assert together(lambda _: session.toolkits.diagnostics.sleep(1), 40) == [1] * 40


# -- ends ----------------------------------------------------------------------------------------


@pytest.fixture(params=["launch", "connect"])
def own(request, own_server):
    """A session of this test alone; its server cares little for methods that do not end."""
    if request.param == "launch":
        with unity.launch(diagnostics=True, end_grace_s=0.1) as session:
            yield session
    else:
        with own_server().connect() as session:
            yield session


def outcomes(calls, act):
    """Makes each call in a thread, waits until they run, acts; returns what they raised."""
    errors = []

    def work(call):
        try:
            call()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    act()
    for thread in threads:
        thread.join(DEADLINE_S)
        assert not thread.is_alive()
    return errors


def test_closing_while_others_wait(own, eventually):
    tools, counter = own.toolkits.diagnostics, own.types.Counter()
    submitted = tools.work.submit(1000)

    def increment_for_ever():
        while True:
            counter.increment()

    def act():
        eventually(lambda: own.stats()["calls_running"] >= 4)
        own.close()

    errors = outcomes(
        [lambda: tools.work(1000)] * 2
        + [lambda: tools.sleep(1000), submitted.result, submitted.result]
        + [increment_for_ever] * 2,
        act,
    )
    assert len(errors) == 7
    for error in errors:
        assert type(error) is unity.ConnectionLost, repr(error)
        assert "session closed" in str(error)
    assert own.closed


def test_closing_from_many_threads(own, together):
    tools = own.toolkits.diagnostics
    submitted = [tools.work.submit(1000) for _ in range(3)]
    together(lambda _: own.close(), 8)
    assert own.closed
    for call in submitted:
        with pytest.raises(unity.ConnectionLost, match="session closed"):
            call.result(DEADLINE_S)


def test_the_last_reference_goes_in_another_thread(eventually):
    """Without close(): the server ends when nothing refers to its session any more."""
    session = unity.launch()
    pid = session.server_pid
    kept = [session.types.Counter()]
    del session

    def work():
        assert kept[0].increment() == 1
        kept.clear()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(DEADLINE_S)
    eventually(lambda: not Path(f"/proc/{pid}").exists())


def test_a_session_outlives_the_thread_that_opened_it(shared):
    """The launcher of a server is a process, not a thread."""
    sessions = []

    def work():
        sessions.append(unity.launch(diagnostics=True))
        sessions.append(shared.connect())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(DEADLINE_S)
    for session in sessions:
        with session:
            assert session.toolkits.diagnostics.sleep(0.2) == 0.2
            assert session.types.Counter().increment() == 1


def test_sessions_opened_and_closed_in_many_threads(shared, together):
    def work(number):
        for _ in range(3):
            opener = unity.launch if number % 2 else shared.connect
            with opener() as session:
                assert session.types.Counter(number).increment() == number + 1

    together(work, 8)


def test_many_short_lived_threads(session):
    counter = session.types.Counter()
    for _ in range(200):
        thread = threading.Thread(target=counter.increment)
        thread.start()
        thread.join(DEADLINE_S)
    assert counter.value == 200


# -- what it costs -------------------------------------------------------------------------------


def test_proxies_and_idle_sessions_cost_no_threads(session):
    session.ping()
    here, there = threads_of("self"), threads_of(session.server_pid)
    probes = session.types.Probe().many(10_000)
    assert len(set(probes)) == 10_000
    assert threads_of("self") == here
    assert threads_of(session.server_pid) <= there + 1  # the one that stands by


def test_threads_of_the_server_end_with_their_work(session, together, eventually):
    """What a burst of slow calls has started does not stay for ever."""
    assert together(lambda _: session.toolkits.diagnostics.sleep(0.2), 30) == [0.2] * 30
    eventually(lambda: threads_of(session.server_pid) <= 14)
