# SPDX-License-Identifier: Apache-2.0
"""Proxies and server objects: one proxy for an object, and nothing left when it is dropped."""

import copy
import gc
import os
import pickle
import signal
import threading
import time
import weakref
from pathlib import Path

import pytest

import unity

DROP_S = 1  # what the contract promises from dropping a proxy to the server knowing


def live(session):
    return session.stats()["live_objects"]


def anonymous_kib(pid):
    """Private memory of a process."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("RssAnon:")[1].split()[0])


def test_one_object_has_one_proxy(session):
    probe = session.types.Probe(5)
    assert probe.itself() is probe
    echo = session.toolkits.diagnostics.echo
    assert echo(probe) is probe
    assert echo([probe, {"k": (probe,)}]) == [probe, {"k": (probe,)}]
    assert echo({"a": [probe]})["a"][0] is probe
    assert echo({probe: probe}) == {probe: probe}
    assert session.toolkits.diagnostics.pair(probe, probe)[1] is probe


def test_objects_inside_containers(session):
    probe = session.types.Probe(1)
    tree = probe.tree()
    assert tree["a"] is probe and tree["b"][0] is probe
    assert tree["b"][1].value == 2
    many = probe.many(20)
    assert len(set(many)) == 20
    assert [p.value for p in many] == list(range(1, 21))
    other = probe.plus(10)
    assert other is not probe and other != probe
    assert probe.add_from(other) == 12
    probe.swap(other)
    assert (probe.value, other.value) == (11, 12)


def test_identity_lasts_as_long_as_a_reference(session):
    probe = session.types.Probe(1)
    seen = weakref.ref(probe)
    holder = session.types.Holder()
    number = holder.hold(probe)
    del probe
    gc.collect()
    assert seen() is None
    again = holder.get(number)
    assert again.value == 1
    holder.drop(number)
    assert again.value == 1


def test_results_of_calls_in_flight_share_a_proxy(session):
    probe = session.types.Probe(1)
    calls = [probe.itself.submit() for _ in range(50)]
    assert all(call.result(30) is probe for call in calls)


def test_dropping_reaches_the_server_within_a_second(session):
    base = live(session)
    probes = [session.types.Probe(i) for i in range(100)]
    assert live(session) == base + 100
    start = time.monotonic()
    del probes
    observer = session  # its stats() is a call, so the drop may ride along; see the next test
    while live(observer) != base:
        assert time.monotonic() < start + 30
    assert live(observer) == base


def test_dropping_needs_no_further_call(shared):
    # Another session looks, so that nothing but the drop itself can carry the news.
    with shared.connect() as observer, shared.connect() as session:
        base = live(observer)
        probe = session.types.Probe()
        assert live(observer) == base + 1
        time_left = time.monotonic() + 30
        del probe
        while live(observer) != base:
            assert time.monotonic() < time_left


def test_ten_thousand_objects(session, eventually):
    base = live(session)
    threads = threading.active_count()
    calls = [session.types.Probe(1).plus.submit(i) for i in range(10)]
    probes = session.types.Probe(0).many(10_000)
    assert threading.active_count() == threads
    del calls
    eventually(lambda: live(session) == base + 10_000)
    assert probes[9_999].value == 9_999
    del probes
    eventually(lambda: live(session) == base)


def test_a_hundred_thousand_objects_leave_nothing(session, eventually):
    base, memory = live(session), []
    for _ in range(4):
        for _ in range(25):
            session.types.Probe(0).many(1000)
        eventually(lambda: live(session) == base)
        memory.append(anonymous_kib(session.server_pid) + anonymous_kib(os.getpid()))
    # What the first round has reached serves all others. AddressSanitizer keeps what was freed.
    if "UNITY_TEST_SANITIZED" not in os.environ:
        assert memory[-1] - memory[0] < 10 << 10, memory


def test_creating_and_dropping_in_threads(session, eventually):
    base = live(session)
    failures = []

    def work():
        try:
            shared_probe = session.types.Probe(0)
            for i in range(100):
                probe = shared_probe.plus(i)
                assert probe.value == i
                assert probe.itself() is probe
                del probe
        except BaseException as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failures
    eventually(lambda: live(session) == base)


def test_finalisers_race_with_results(session):
    # The last proxy of an object dies in one thread while a reference to it arrives in another.
    holder = session.types.Holder()
    number = holder.hold(session.types.Probe(7))
    failures = []

    def work():
        try:
            for _ in range(300):
                probe = holder.get(number)
                assert probe.value == 7
                del probe
        except BaseException as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failures


def test_weak_references_with_callbacks(session):
    # While the callback runs the proxy is dead; the object may already come back as a new one.
    holder = session.types.Holder()
    number = holder.hold(session.types.Probe(3))
    seen = []
    probe = holder.get(number)
    reference = weakref.ref(probe, lambda _: seen.append(holder.get(number)))
    del probe
    assert reference() is None
    assert seen[0].value == 3
    assert holder.get(number) is seen[0]


def test_proxies_in_reference_cycles(session, eventually):
    base = live(session)
    for _ in range(10):
        cycle = [session.types.Probe()]
        cycle.append(cycle)
        del cycle
    gc.collect()
    eventually(lambda: live(session) == base)


def test_proxies_cannot_be_made_by_hand(session):
    probe = session.types.Probe()
    for make in (
        unity.Proxy,
        unity.Call,
        unity.Buffer,
        lambda: type(probe).__new__(type(probe)),
        lambda: object.__new__(type(probe)),
        lambda: type(probe.add)(),
        lambda: type("Sub", (type(probe),), {}),
        unity.Session,
    ):
        with pytest.raises(TypeError):
            make()


def test_what_belongs_to_a_session_cannot_be_copied_or_pickled(session):
    echo = session.toolkits.diagnostics.echo
    call = echo.submit(1)
    for thing in (
        session,
        session.types,
        session.toolkits,
        session.toolkits.diagnostics,
        session.types.Counter.value,
        call,
    ):
        for act in (copy.copy, copy.deepcopy, pickle.dumps):
            with pytest.raises(TypeError, match="belongs? to .* cannot be pickled or copied"):
                act(thing)
    with pytest.raises(TypeError, match="of the class cannot be pickled or copied"):
        pickle.dumps(session.types.Counter.increment)
    assert copy.copy(session.types.Counter) is session.types.Counter  # as every class
    assert call.result(30) == 1


def test_a_session_ends_with_its_last_reference(eventually):
    session = unity.launch()
    pid = session.server_pid
    gone = weakref.ref(session)
    counter = session.types.Counter()
    Counter = session.types.Counter
    del session
    assert gone() is None
    assert counter.increment() == 1  # the proxy keeps the connection
    del counter
    with pytest.raises(unity.ConnectionLost, match="session"):
        Counter()
    eventually(lambda: not os.path.exists(f"/proc/{pid}"))


def test_closing_a_session_frees_its_objects(shared, eventually):
    with shared.connect() as observer:
        base = live(observer)
        session = shared.connect()
        probes = session.types.Probe(0).many(50)
        assert live(observer) >= base + 50
        session.close()
        eventually(lambda: live(observer) == base)
        with pytest.raises(unity.ConnectionLost):
            probes[0].add(1)


def test_a_killed_client_leaves_nothing_on_the_server(shared, script, eventually):
    code = """
        import sys, unity
        session = unity.connect(sys.argv[1])
        probes = session.types.Probe(0).many(10_000)
        working = session.toolkits.diagnostics.work.submit(1000)
        session.ping()
        print("ready", flush=True)
        sys.stdin.read()
    """
    with shared.connect() as observer:
        base = observer.stats()
        client = script(code, shared.address)
        assert client.line() == "ready"
        assert live(observer) >= base["live_objects"] + 10_000
        client.process.send_signal(signal.SIGKILL)
        client.process.wait(30)
        eventually(lambda: live(observer) == base["live_objects"])
        eventually(lambda: observer.stats()["sessions"] == base["sessions"])
        eventually(lambda: observer.stats()["calls_running"] == 0)


def test_a_killed_server_is_told_at_once(eventually):
    session = unity.launch(diagnostics=True)
    counter = session.types.Counter()
    call = session.toolkits.diagnostics.sleep.submit(1000)
    os.kill(session.server_pid, signal.SIGKILL)
    with pytest.raises(unity.ServerCrashed) as raised:
        call.result(30)
    assert raised.value.signal == "SIGKILL"
    assert isinstance(raised.value, ConnectionError)
    with pytest.raises(unity.ServerCrashed):
        counter.increment()
    eventually(lambda: session.closed)
    session.close()


def test_a_killed_shared_server_is_a_lost_connection(own_server, eventually):
    server = own_server()
    session = server.connect()
    call = session.toolkits.diagnostics.sleep.submit(1000)
    server.process.kill()
    with pytest.raises(unity.ConnectionLost):
        call.result(30)
    eventually(lambda: session.closed)
    session.close()
