# SPDX-License-Identifier: Apache-2.0
"""References to server objects that leave their session: pickled, or used in another session."""

import copy
import io
import os
import pickle
import signal

import pytest

import unity
from new_process import in_new_process

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_pickled_proxy_comes_back_as_itself(session, protocol):
    probe = session.types.Probe(3)
    again = pickle.loads(pickle.dumps({"probe": [probe, probe]}, protocol))
    assert again["probe"][0] is probe and again["probe"][1] is probe


def test_copies_are_the_proxy_itself(session):
    probe = session.types.Probe(3)
    assert copy.copy(probe) is probe and copy.deepcopy([probe])[0] is probe


def test_a_process_that_has_imported_nothing_gets_a_working_proxy(session):
    probe = session.types.Probe(3)
    code = """
        probe = pickle.load(sys.stdin.buffer)
        import unity
        assert isinstance(probe, unity.Proxy)
        print(probe.add(4), type(probe).__name__, hash(probe))
    """
    printed = in_new_process(code, pickle.dumps(probe)).split()
    assert printed == ["7", "Probe", str(hash(probe))]
    assert probe.value == 7


def test_a_pickle_keeps_its_object(session, eventually):
    base = session.stats()["live_objects"]
    data = pickle.dumps(session.types.Probe(5))
    eventually(lambda: session.stats()["live_objects"] == base)
    assert pickle.loads(data).value == 5


def test_pickles_of_one_proxy_are_equal(session):
    probe = session.types.Probe(5)
    assert pickle.dumps(probe) == pickle.dumps(probe) != pickle.dumps(session.types.Probe(5))


def test_a_pickle_loads_into_the_session_it_was_made_in(shared):
    with shared.connect() as one, shared.connect() as two:
        for session in (one, two):
            probe = session.types.Probe()
            assert pickle.loads(pickle.dumps(probe)) is probe


def test_a_pickle_outlives_its_session(shared):
    with shared.connect() as session:
        data = pickle.dumps(session.types.Probe(5))
    probe = pickle.loads(data)
    assert probe.add(1) == 6
    assert pickle.loads(data) is probe


def test_a_proxy_of_a_new_session_ends_it(shared, eventually):
    with shared.connect() as observer:
        with shared.connect() as session:
            data = pickle.dumps(session.types.Probe(5))
        base = observer.stats()["sessions"]
        code = """
            probe = pickle.load(sys.stdin.buffer)
            print(probe.value)
            del probe
        """
        assert in_new_process(code, data).split() == ["5"]
        eventually(lambda: observer.stats()["sessions"] == base)


def test_an_unpickler_that_allows_only_this_package_is_enough(session):
    class OnlyUnity(pickle.Unpickler):
        def find_class(self, module, name):
            assert module.split(".")[0] == "unity", module
            return super().find_class(module, name)

    probe = session.types.Probe(5)
    for protocol in PROTOCOLS:
        assert OnlyUnity(io.BytesIO(pickle.dumps(probe, protocol))).load() is probe


def test_a_relative_address_is_found_from_another_directory(own_server, tmp_path, monkeypatch):
    own_server(path=tmp_path / "u.sock")
    monkeypatch.chdir(tmp_path)
    with unity.connect("unix:u.sock") as session:
        data = pickle.dumps(session.types.Probe(5))
        monkeypatch.chdir("/")
        assert in_new_process("print(pickle.load(sys.stdin.buffer).value)", data).split() == ["5"]


def test_a_token_expires_when_nothing_else_keeps_the_object():
    with unity.launch(diagnostics=True, object_token_s=1) as session:
        kept = session.types.Probe(1)
        kept_data, data = pickle.dumps(kept), pickle.dumps(session.types.Probe(2))
        with pytest.raises(unity.StaleReference, match="expired"):
            while True:  # loading it does not make it last any longer
                assert pickle.loads(data).value == 2
        assert pickle.loads(kept_data) is kept
        assert session.stats()["object_tokens"] == 1  # the other one is forgotten
        assert pickle.loads(pickle.dumps(kept)) is kept


def test_a_restarted_server_gives_stale_references(own_server, tmp_path):
    server = own_server(path=tmp_path / "u.sock")
    with server.connect() as session:
        data = pickle.dumps(session.types.Probe())
    server.end()
    with pytest.raises(unity.ConnectionLost):
        pickle.loads(data).add(1)
    own_server(path=tmp_path / "u.sock")
    with pytest.raises(unity.StaleReference, match=r"u\.sock has been restarted.*Probe"):
        pickle.loads(data).add(1)


def test_a_private_server_takes_its_references_with_it():
    with unity.launch(diagnostics=True) as session:
        probe = session.types.Probe()
        data = pickle.dumps(probe)
    with pytest.raises(unity.ConnectionLost, match="session closed"):
        pickle.dumps(probe)
    with pytest.raises(unity.ConnectionLost):
        pickle.loads(data).add(1)


def test_pickles_that_are_wrong(session):
    load, (version, reference) = session.types.Probe().__reduce__()
    for token in ("", "00", "00" * 16, "ff" * 1000):
        with pytest.raises(unity.StaleReference):
            load(version, {**reference, "token": token}).add(1)
    with pytest.raises(unity.NotSupported, match="newer version"):
        load(version + 1, reference)


def test_a_quota_of_tokens(own_server):
    server = own_server("--object-tokens", "10")
    with server.connect() as greedy, server.connect() as neighbour:
        probes = greedy.types.Probe().many(11)
        data = [pickle.dumps(probe) for probe in probes[:10]]
        with pytest.raises(unity.QuotaExceeded, match="10 tokens"):
            pickle.dumps(probes[10])
        assert pickle.dumps(probes[0]) == data[0]  # a known one is no further one
        probe = neighbour.types.Probe(4)
        assert pickle.loads(pickle.dumps(probe)) is probe
        with pytest.raises(unity.QuotaExceeded):
            probe.add_from(probes[10])  # that takes a token of the greedy session
        assert neighbour.stats()["object_tokens"] == 11
        del probes
        assert probe.add(1) == 5


def test_objects_of_another_session_as_arguments(shared):
    with shared.connect() as one, shared.connect() as two:
        mine, other = one.types.Probe(1), two.types.Probe(10)
        tokens = one.stats()["object_tokens"]
        assert mine.add_from(other) == 11
        assert mine.add_from.submit(other).result(30) == 21
        echoed = one.toolkits.diagnostics.echo({"deep": [(other, mine)]})["deep"][0]
        assert echoed[1] is mine
        assert echoed[0] == other and echoed[0] is not other and hash(echoed[0]) == hash(other)
        assert type(echoed[0]) is one.types.Probe
        other.add(5)
        assert echoed[0].value == 15
        assert one.stats()["object_tokens"] == tokens  # none is left of those that this took


def test_an_object_outlives_the_session_it_came_from(shared):
    with shared.connect() as one:
        with shared.connect() as two:
            handed = one.toolkits.diagnostics.echo(two.types.Probe(10))
        assert handed.add(1) == 11


def test_a_variant_map_is_shared_by_two_sessions(shared):
    with shared.connect() as one, shared.connect() as two:
        mine = one.types.VariantMap({"a": 1})
        theirs = two.toolkits.diagnostics.echo(mine)
        theirs["b"] = [1.5]
        assert mine == {"a": 1, "b": [1.5]} and theirs == mine


def test_proxies_of_two_sessions_are_equal_where_the_object_is(shared):
    with shared.connect() as one, shared.connect() as two:
        a, b = one.types.Probe(1), two.types.Probe(1)
        assert a != b and a == a and len({a, b}) == 2
        same = two.toolkits.diagnostics.echo(a)
        assert same == a and same is not a and len({a, b, same}) == 2
        assert (a == "text") is False


def test_objects_of_another_server_are_refused(session):
    with unity.launch(diagnostics=True) as other:
        stranger = other.types.Probe()
        with pytest.raises(ValueError) as caught:
            session.types.Probe().add_from(stranger)
        assert other.address in str(caught.value) and session.address in str(caught.value)
        with pytest.raises(ValueError, match="another server"):
            session.toolkits.diagnostics.echo({"deep": [stranger]})


def test_objects_of_a_closed_session_are_refused(shared):
    with shared.connect() as one:
        with shared.connect() as two:
            other = two.types.Probe(10)
        with pytest.raises(ValueError, match=r"its session is closed \(in argument 'x'\[0\]\)"):
            one.toolkits.diagnostics.echo([other])


def test_a_stopped_server_under_a_timeout(own_server):
    server = own_server()
    with server.connect() as one, server.connect() as two:
        mine, other = one.types.Probe(1), two.types.Probe(10)
        os.kill(server.process.pid, signal.SIGSTOP)
        try:
            with pytest.raises(unity.CallTimeout):
                mine.add_from.options(timeout_s=0.2)(other)
        finally:
            os.kill(server.process.pid, signal.SIGCONT)
        assert mine.add_from(other) == 11


def test_a_revoked_reference_is_stale_for_who_did_not_load_it(shared):
    with shared.connect() as session, shared.connect() as other:
        probe = session.types.Probe(5)
        before = session.stats()["object_tokens"]
        data = pickle.dumps(probe)
        assert session.stats()["object_tokens"] == before + 1
        kept = other.toolkits.diagnostics.echo(probe)
        assert other.revoke(kept) == 1  # by whoever has the object
        assert session.stats()["object_tokens"] == before
        assert pickle.loads(data) is probe  # which this process has without it
        assert session.revoke(probe) == 0
        del probe
        with pytest.raises(unity.StaleReference, match="expired"):
            pickle.loads(data).add(1)
        probe = session.toolkits.diagnostics.echo(kept)
        assert probe.value == 5
        assert pickle.loads(pickle.dumps(probe)) is probe
        with pytest.raises(unity.WrongType, match="takes a proxy, not 'int'"):
            session.revoke(5)
