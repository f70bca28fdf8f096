# SPDX-License-Identifier: Apache-2.0
"""Proxies out of pickles, before and after their first use."""

import copy
import operator
import os
import pickle
import signal
import threading
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor

import pytest

import unity
from new_process import in_new_process


def test_loading_does_no_io(own_server):
    server = own_server()
    with server.connect() as session:
        probe, kept = session.types.Probe(3), session.types.Probe(4)
        data = pickle.dumps([probe, kept])
        del probe
        calls = session.stats()["calls"]
        loaded, same = pickle.loads(data)
        assert same is kept and "not reached" in repr(loaded)
        assert isinstance(loaded, session.types.Probe) and "add" in dir(loaded)
        assert session.stats()["calls"] == calls
        assert type(loaded) is not session.types.Probe
        assert session.types.Probe.add(loaded, 2) == 5
        assert type(loaded) is session.types.Probe and "live" in repr(loaded)
        assert session.toolkits.diagnostics.echo(loaded) is loaded is pickle.loads(data)[0]
        code = f"""
            import unity
            probes = pickle.load(sys.stdin.buffer)
            print(len(probes), *probes)
            with unity.connect({server.address!r}) as session:
                print(session.stats()["sessions"])
                probes[0].value
                print(session.stats()["sessions"], type(probes[0]) is session.types.Probe)
        """
        printed = in_new_process(code, data).split()
        assert printed[-3:] == ["2", "2", "True"] and printed.count("reached>") == 2


def test_a_loaded_proxy_is_used_in_every_way_of_its_class(session):
    def fresh(name, *args, **kwargs):
        """A loaded proxy of an object that this process has no other proxy of."""
        data = pickle.dumps(session.types[name](*args, **kwargs))
        loaded = pickle.loads(data)
        assert "not reached" in repr(loaded)
        return loaded

    loaded = fresh("VariantMap", a=1)
    assert len(loaded) == 1
    assert fresh("VariantMap", a=1) | {"b": 2} == {"a": 1, "b": 2}
    assert {"b": 2} | fresh("VariantMap", a=1) == {"a": 1, "b": 2}
    assert fresh("VariantMap", a=1) == {"a": 1}
    assert fresh("VariantMap", a=1) != {"a": 2}
    assert operator.eq({"a": 1}, fresh("VariantMap", a=1))
    assert list(fresh("VariantMap", a=1, b=2)) == ["a", "b"]
    assert list(reversed(fresh("VariantMap", a=1, b=2))) == ["b", "a"]
    assert "a" in fresh("VariantMap", a=1)
    assert not fresh("VariantMap")
    changed = fresh("VariantMap", a=1)
    changed |= {"c": 3}
    assert dict(changed) == {"a": 1, "c": 3} and type(changed) is session.types.VariantMap
    with pytest.raises(TypeError, match="unsupported operand"):
        fresh("Probe") + 1
    with pytest.raises(TypeError, match="no __enter__"):
        fresh("Probe").__enter__()
    with pytest.raises(TypeError):
        fresh("Probe")[0]
    with pytest.raises(AttributeError, match="value_"):
        _ = fresh("Probe").value_


def test_a_loaded_mapping_is_one_before_its_first_use(session):
    code = """
        from collections.abc import Mapping, MutableMapping, Sequence
        shared, probe = pickle.load(sys.stdin.buffer)
        print([isinstance(shared, kind) for kind in (Mapping, MutableMapping, Sequence)])
        print(isinstance(probe, Mapping), "not reached" in repr(shared))
        match shared:
            case {"a": x}:
                print("a", x)
            case _:
                print("none")
        print(shared.get("b", 5), list(shared.items()))
    """
    data = pickle.dumps([session.types.VariantMap(a=1), session.types.Probe()])
    assert in_new_process(code, data).splitlines() == [
        "[True, True, False]", "False True", "a 1", "5 [('a', 1)]",
    ]  # fmt: skip


def test_threads_that_use_one_loaded_proxy_at_first(session):
    data = pickle.dumps(session.types.Probe(0))
    for _ in range(20):
        loaded = pickle.loads(data)
        start = threading.Barrier(4)

        def add(loaded=loaded, start=start):
            start.wait(30)
            return loaded.add(1)

        with ThreadPoolExecutor(4) as pool:
            values = [call.result(30) for call in [pool.submit(add) for _ in range(4)]]
        assert len(set(values)) == 4 and type(loaded) is session.types.Probe
        del loaded, add


def test_a_proxy_that_cannot_be_reached_says_so_at_its_first_use(own_server, session, eventually):
    """Not when it is loaded: a reader of pickles would take that for the end of its pipe."""
    server = own_server()
    with server.connect() as other:
        probe, shared_map = other.types.Probe(1), other.types.VariantMap(a=1)
        data, map_data = pickle.dumps(probe), pickle.dumps(shared_map)
        os.kill(server.process.pid, signal.SIGSTOP)  # listens, and does not answer
        os.kill(server.process.pid, signal.SIGKILL)
        server.process.wait(30)
        eventually(lambda: other.closed)
        lost, lost_map = pickle.loads(data), pickle.loads(map_data)
        assert isinstance(lost, unity.Proxy) and not isinstance(lost, type(probe))
        assert lost == probe and probe == lost and hash(lost) == hash(probe) and lost != lost_map
        assert pickle.loads(data) is lost
        assert "Probe on " in repr(lost) and "not reached" in repr(lost)
        assert pickle.dumps(pickle.loads(pickle.dumps(lost))) == pickle.dumps(lost)
    assert copy.copy(lost) is lost
    uses = (
        lambda: lost.add(1),
        lambda: lost.value,
        lambda: setattr(lost, "value", 2),
        lambda: len(lost_map),
        lambda: lost_map["a"],
        lambda: lost_map.__setitem__("a", 2),
        lambda: "a" in lost_map,
        lambda: list(lost_map),
        lambda: bool(lost_map),
        lambda: lost == 1,
        lambda: lost + 1,
        lambda: lost(),
        lambda: session.toolkits.diagnostics.echo([lost]),
    )
    for use in uses:
        with pytest.raises(unity.ConnectionLost, match="cannot connect"):
            use()


def test_a_proxy_that_can_be_reached_later_works_from_then_on(own_server):
    server = own_server()
    with server.connect() as session:
        made = session.types.VariantMap(a=1)
        data = pickle.dumps(made)
        load, (version, reference) = made.__reduce__()
    # Without a session of this process with the server, it has to go where the pickle says.
    kept = load(version, {**reference, "address": "unix:/no/such/socket"})
    assert "not reached" in repr(kept)
    with server.connect() as session:
        assert kept["a"] == 1 and len(kept) == 1 and list(kept) == ["a"] and "a" in kept
        kept["b"] = 2
        assert session.toolkits.diagnostics.echo(kept) == {"a": 1, "b": 2} and kept
        assert kept.keys() == {"a", "b"}
        del kept["b"]
        assert kept == pickle.loads(data) == {"a": 1}


def test_threads_that_load_at_one_time_share_a_session(shared, run_script):
    with shared.connect() as session:
        data = OrderedDict((i, pickle.dumps(session.types.Probe(i))) for i in range(20))
        before = session.stats()["sessions"]
        printed = run_script(
            """
            import pickle, sys, threading, unity
            from concurrent.futures import ThreadPoolExecutor
            data = [bytes.fromhex(word) for word in sys.argv[2:]]
            with ThreadPoolExecutor(8) as pool:
                probes = list(pool.map(pickle.loads, data))
            assert [probe.value for probe in probes] == list(range(20))
            with unity.connect(sys.argv[1]) as observer:
                print(observer.stats()["sessions"])
            """,
            shared.address,
            *(one.hex() for one in data.values()),
        )
        assert int(printed) == before + 2
