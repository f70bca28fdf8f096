# SPDX-License-Identifier: Apache-2.0
"""Toolkits, functions, methods and classes of sessions in pickles and in other processes."""

import contextlib
import copy
import gc
import importlib
import io
import pickle
import pickletools
import subprocess
import sys

import pytest

import unity
from conftest import TRANSPORT
from new_process import in_new_process

with contextlib.suppress(ImportError):
    import numpy as np  # whose threads begin with it, and not in the test that imports joblib

    assert np

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)


def test_a_toolkit_is_one_object_while_it_is_in_use(session):
    addone = session.toolkits.demo_addone
    assert session.toolkits.demo_addone is addone
    assert session.toolkits.diagnostics.echo is not addone
    assert session.toolkits.diagnostics.echo(x=1) == 1


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_toolkits_methods_and_classes_come_back_as_themselves(session, protocol):
    probe = session.types.Probe(3)
    for it in (session.toolkits.demo_addone, session.toolkits.diagnostics.echo):
        assert pickle.loads(pickle.dumps(it, protocol)) is it
    assert pickle.loads(pickle.dumps(session.types.Probe, protocol)) is session.types.Probe
    method = pickle.loads(pickle.dumps(probe.add, protocol))
    assert method == probe.add
    assert method.__self__ is probe
    assert method(4) == 7


def test_limits_of_time_travel_along(session):
    for it in (session.toolkits.demo_addone, session.types.Probe().add):
        limited = pickle.loads(pickle.dumps(it.options(timeout_s=2.5)))
        assert limited.timeout_s == 2.5
        assert limited == it.options(timeout_s=2.5)


def test_copies_are_the_function_itself(session):
    for it in (session.toolkits.demo_addone, session.types.Probe, session.types.Probe().add):
        assert copy.copy(it) == it
        assert copy.deepcopy([it]) == [it]


def test_a_process_that_has_imported_nothing_can_call_them(session):
    probe = session.types.Probe(3)
    data = pickle.dumps(
        [session.toolkits.demo_addone, probe.add.options(timeout_s=60), session.types.Probe]
    )
    code = """
        addone, add, Probe = pickle.load(sys.stdin.buffer)
        print(addone.__name__, add.__name__, Probe.__name__)
        print(addone(x=1), addone.submit(x=2).result(), add(4), Probe(9).value)
        import unity
        print(isinstance(Probe(1), Probe), pickle.loads(pickle.dumps(addone))(x=3))
    """
    names, results, rest = in_new_process(code, data).splitlines()
    assert names == "demo_addone add Probe"
    assert results == "{'x': 2} {'x': 3} 7 9"
    assert rest == "True {'x': 4}"
    assert probe.value == 7


def test_loading_opens_no_session_until_the_first_use(own_server, eventually):
    server = own_server()
    with server.connect() as session:
        data = pickle.dumps([session.toolkits.demo_addone, session.types.Probe])
        code = f"""
            addone, Probe = pickle.load(sys.stdin.buffer)
            print(repr(addone), repr(Probe), hash(addone) == hash(addone), callable(addone))
            import unity
            with unity.connect({server.address!r}) as session:
                print(session.stats()["sessions"])
            print(addone(x=1))
            print(repr(addone))
        """
        shown, sessions, result, later = in_new_process(code, data).splitlines()
        assert shown == (
            f"<function demo_addone on {session.address}, not reached> "
            f"<type Probe on {session.address}, not reached> True True"
        )
        assert sessions == "2"
        assert result == "{'x': 2}"
        assert later.endswith(", reached>")
        eventually(lambda: session.stats()["sessions"] == 1)


def test_a_server_that_is_gone_is_told_at_the_first_use(own_server):
    server = own_server()
    with server.connect() as session:
        data = pickle.dumps([session.toolkits.demo_addone, session.types.Probe])
    server.end()
    addone, probe = pickle.loads(data)
    with pytest.raises(unity.ConnectionLost):
        addone(x=1)
    with pytest.raises(unity.ConnectionLost):
        probe()


@pytest.mark.skipif(TRANSPORT != "unix", reason="a port that was given by the system is not kept")
def test_functions_of_a_restarted_server_are_found_again_and_objects_are_not(own_server, tmp_path):
    server = own_server(path=tmp_path / "u.sock")
    with server.connect() as session:
        probe = session.types.Probe()
        data = pickle.dumps([session.toolkits.demo_addone, probe.add])
    server.end()
    own_server(path=tmp_path / "u.sock")
    addone, add = pickle.loads(data)
    assert addone(x=1) == {"x": 2}
    with pytest.raises(unity.StaleReference):
        add(1)


def test_a_name_that_the_server_has_not_any_more_is_told(typed, private):
    data = pickle.dumps(typed.toolkits.typed.int8)
    with pytest.raises(unity.UnknownName, match="has no toolkit or function"):
        pickle.loads(
            data.replace(typed._connection.server_id.hex().encode(),
                         private._connection.server_id.hex().encode())
        )  # fmt: skip


def test_an_unpickler_that_allows_only_this_package_is_enough(session):
    class OnlyUnity(pickle.Unpickler):
        def find_class(self, module, name):
            assert module.split(".")[0] == "unity", module
            return super().find_class(module, name)

    for it in (session.toolkits.demo_addone, session.types.Probe, session.types.Probe().add):
        for protocol in PROTOCOLS:
            assert OnlyUnity(io.BytesIO(pickle.dumps(it, protocol))).load() == it


def test_a_pickle_of_a_function_shows_its_name_and_grants_nothing(session):
    words = {
        argument
        for _, argument, _ in pickletools.genops(pickle.dumps(session.toolkits.demo_addone))
        if isinstance(argument, str)
    }
    assert {"demo_addone", session.address} <= words
    assert "token" not in words


def test_newer_pickles_are_refused(session):
    from unity import _function_pickles

    load, (version, *rest) = session.toolkits.demo_addone.__reduce__()
    with pytest.raises(unity.NotSupported, match="newer version"):
        load(version + 1, *rest)
    with pytest.raises(unity.NotSupported, match="newer version"):
        _function_pickles.load_method(2, session.types.Probe(), "add", None)


def test_what_has_no_meaning_elsewhere_is_refused(session):
    for it in (session, session.types, session.toolkits, session.types.Probe.add):
        with pytest.raises(TypeError, match="cannot be pickled"):
            pickle.dumps(it)


def test_a_class_of_a_session_that_is_gone_is_refused(shared):
    with shared.connect() as session:
        cls = session.types.Probe
    del session
    with pytest.raises(unity.ConnectionLost):
        pickle.dumps(cls)


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_process_pools_call_functions_of_the_server(shared, tmp_path, method):
    # In a program of its own, whose processes end with it.
    program = tmp_path / "program.py"
    program.write_text(
        """
import concurrent.futures, multiprocessing, sys, unity

if __name__ == "__main__":
    address, method = sys.argv[1:]
    context = multiprocessing.get_context(method)
    with unity.connect(address) as session:
        probe = session.types.Probe(10)
        with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
            print(pool.submit(session.toolkits.demo_addone, x=1).result(60))
            print(pool.submit(probe.add, 5).result(60))
            print(pool.submit(session.types.Probe, 3).result(60).value)
"""
    )
    done = subprocess.run(
        [sys.executable, program, shared.address, method],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split("\n") == ["{'x': 2}", "15", "3", ""]


@pytest.mark.parametrize("name", ["cloudpickle", "dill", "joblib"])
def test_other_picklers(session, name, tmp_path):
    other = pytest.importorskip(name, reason=f"{name} is not installed")
    probe = session.types.Probe(10)
    for it in (session.toolkits.demo_addone, probe, probe.add, session.types.Probe):
        if name == "joblib":
            other.dump(it, tmp_path / "it")
            assert other.load(tmp_path / "it") == it
        else:
            assert other.loads(other.dumps(it)) == it
            nested = other.loads(other.dumps(lambda it=it: it))
            assert nested() == it


@pytest.mark.parametrize("name", ["cloudpickle", "dill"])
def test_classes_by_other_picklers_in_a_process_that_has_imported_nothing(session, typed, name):
    other = pytest.importorskip(name, reason=f"{name} is not installed")
    probe, circle = session.types.Probe(3), typed.types.geometry.Circle
    data = other.dumps([session.types.Probe, circle])
    code = """
        Probe, Circle = pickle.load(sys.stdin.buffer)
        print(Probe(9).value, Circle(1.0).kind())
    """
    assert in_new_process(code, data).splitlines() == ["9 circle"]
    assert other.loads(data)[1] is circle and isinstance(probe, other.loads(data)[0])


def test_the_module_of_a_class_says_where_its_session_is(shared, eventually):
    with shared.connect() as session:
        cls = session.types.Probe
        name = cls.__module__
        assert name.startswith("unity.sessions.")
        assert shared.address.replace(".", "%2E") in name
        module = importlib.import_module(name)
        assert module.Probe is cls and sys.modules[name] is module
        with pytest.raises(AttributeError, match="did you mean 'Probe'"):
            _ = module.Prob
    del session, cls, module
    eventually(lambda: gc.collect() >= 0 and name not in sys.modules)
    with pytest.raises(ModuleNotFoundError, match="names no session"):
        importlib.import_module("unity.sessions.nothing")
