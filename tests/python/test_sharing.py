# SPDX-License-Identifier: Apache-2.0
"""Several sessions with one private server: its abstract socket, and who keeps it alive."""

import os
import re
import signal

import pytest

import unity

LAUNCHER = """
    import sys
    import unity

    session = unity.launch()
    print(session.address, session.server_pid, flush=True)
    sys.stdin.readline()
"""


def is_running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_the_address_of_a_private_server_is_an_abstract_socket(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with unity.launch() as session, unity.launch() as other:
        assert re.fullmatch("unix:@[0-9a-f]{32}", session.address)
        assert other.address != session.address
        assert session.transport == "unix"
        assert session.address in repr(session)
        assert not list(tmp_path.iterdir())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("spelling", ["unix:", "unix://", "ipc://"])
def test_a_second_session_joins_the_server(private, spelling):
    address = spelling + private.address.removeprefix("unix:")
    with unity.connect(address) as second:
        assert second.address == private.address
        assert second.server_pid == private.server_pid
        assert second.stats()["sessions"] == 2
        assert second.types.Counter(start=2).increment() == 3


def test_a_second_session_outlives_nothing_but_itself(private):
    counter = private.types.Counter(start=1)
    for _ in range(3):
        unity.connect(private.address).close()
    assert counter.increment() == 2


def test_another_process_joins_the_server(private, run_script):
    code = """
        import sys
        import unity

        with unity.connect(sys.argv[1]) as session:
            print(session.server_pid, session.types.Counter(start=4).increment())
    """
    assert run_script(code, private.address).split() == [str(private.server_pid), "5"]
    assert private.ping() > 0


def test_the_server_ends_with_the_session_that_launched_it(eventually):
    session = unity.launch()
    pid = session.server_pid
    with unity.connect(session.address) as second:
        counter = second.types.Counter()
        session.close()
        eventually(lambda: second.closed)
        with pytest.raises(unity.ConnectionLost):
            counter.increment()
        eventually(lambda: not is_running(pid))
        with pytest.raises(unity.ConnectionLost, match="is the server running"):
            unity.connect(session.address)


def test_calls_of_other_sessions_in_flight_end_with_it(eventually):
    with unity.launch(diagnostics=True, end_grace_s=0) as session:
        second = unity.connect(session.address)
        call = second.toolkits.diagnostics.work.submit(1000)
        eventually(lambda: session.stats()["calls_running"] >= 1)
    with pytest.raises(unity.ConnectionLost):
        call.result(30)
    second.close()


def test_the_server_ends_with_the_process_that_launched_it(script, eventually):
    launcher = script(LAUNCHER)
    address, pid = launcher.line().split()
    with unity.connect(address) as second:
        launcher.process.kill()
        eventually(lambda: second.closed)
        with pytest.raises(unity.ConnectionLost):
            second.ping()
    eventually(lambda: not is_running(int(pid)))


def test_a_crash_reaches_every_session():
    with unity.launch(diagnostics=True) as session, unity.connect(session.address) as second:
        with pytest.raises(unity.ConnectionLost):
            second.toolkits.diagnostics.crash(int(signal.SIGKILL))
        with pytest.raises(unity.ServerCrashed):
            session.ping()


def test_it_listens_elsewhere_too_if_told(tmp_path):
    path = tmp_path / "u.sock"
    with (
        unity.launch(listen=f"unix:{path}") as session,
        unity.connect(f"unix:{path}") as second,
        unity.connect(session.address) as third,
    ):
        assert {second.server_pid, third.server_pid} == {session.server_pid}


@pytest.mark.parametrize("address", ["unix:@", "unix:@" + "a" * 108, "@name"])
def test_what_is_no_abstract_address(address):
    with pytest.raises(unity.InvalidArgument):
        unity.connect(address)


def test_a_name_that_nobody_listens_on():
    with pytest.raises(unity.ConnectionLost, match="unix:@nobody: Connection refused"):
        unity.connect("unix:@nobody")


def test_a_shared_server_listens_on_an_abstract_name(own_server):
    server = own_server(path=f"@unity-test-{os.getpid()}")
    with server.connect() as session:
        assert session.toolkits.demo_addone(x=1) == {"x": 2}
