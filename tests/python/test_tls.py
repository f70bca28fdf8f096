# SPDX-License-Identifier: Apache-2.0
"""Sessions over TLS: what crosses, and how they end."""

import asyncio
import contextlib
import re
import signal
import socket
import ssl
import struct
import subprocess
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import unity
from conftest import DEADLINE_S, SERVER

MIB = 1 << 20


@pytest.fixture
def server(tls_server):
    return tls_server


def port_of(server):
    return int(server.address.rpartition(":")[2])


# -- what crosses ---------------------------------------------------------------------------------


def test_calls_callbacks_and_objects_cross(server, certificates):
    for host in ("127.0.0.1", "localhost"):
        with unity.connect(f"tcp:{host}:{port_of(server)}", tls=certificates.tls()) as session:
            assert (session.transport, session.tls_version) == ("tcp", "TLSv1.3")
            assert session.toolkits.demo_addone(x=1) == {"x": 2}
            counter = session.types.Counter(start=1)
            assert counter.increment(by=4) == 5
            assert session.toolkits.diagnostics.call(counter.increment, 2) == 7
            assert session.ping() > 0


def test_a_session_without_tls_has_no_version(own_server, private):
    assert private.tls_version is None
    with own_server(transport="tcp").connect() as session:
        assert session.tls_version is None
    with own_server(transport="tcp").connect(tls=False) as session:
        assert session.tls_version is None


def test_ipv6(certificates):
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            pass
    except OSError as error:
        pytest.skip(f"no IPv6 on this machine: {error}")
    command = [SERVER, "--listen", "tcp:[::1]:0", "--log-level", "off", *certificates.server()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        address = process.stdout.readline().split()[-1]
        assert re.fullmatch(r"tcp:\[::1\]:\d+", address)
        with unity.connect(address, tls=certificates.tls()) as session:
            assert (session.address, session.tls_version) == (address, "TLSv1.3")
        process.kill()


def test_arrays_of_200_mb_cross_both_ways(server):
    array = np.arange(25_000_000, dtype=np.int64)
    with server.connect() as session:
        holder = session.types.Holder()
        held = holder.hold(array)
        assert session.toolkits.diagnostics.total(array) == int(array.sum())
        back = holder.get(held)
        assert np.array_equal(back, array) and not np.shares_memory(back, array)
        assert session.stats()["arenas"] == 0


def test_large_values_of_many_sizes_cross(server):
    with server.connect() as session:
        echo = session.toolkits.diagnostics.echo
        for size in (MIB - 1, MIB + 1, 3 * MIB, 17 * MIB + 5):
            data = np.random.default_rng(size).bytes(size)
            assert echo(data) == data
        text = "schön " * MIB
        assert echo(text) == text


def test_fifty_threads_share_a_session(server):
    payload = [np.full(50_000 + n, n, np.uint8) for n in range(50)]
    with server.connect() as session, ThreadPoolExecutor(50) as pool:
        echo = session.toolkits.diagnostics.echo

        def act(n):
            good = sum(session.toolkits.demo_addone(x=i) == {"x": i + 1} for i in range(20))
            return good + sum(np.array_equal(echo(payload[n]), payload[n]) for _ in range(3))

        assert list(pool.map(act, range(50))) == [23] * 50


def test_asyncio(server):
    async def main(session):
        calls = [session.toolkits.demo_addone.submit(x=i) for i in range(100)]
        return [result["x"] for result in await asyncio.gather(*calls)]

    with server.connect() as session:
        assert asyncio.run(main(session)) == list(range(1, 101))


def test_a_client_of_another_library_can_shake_hands(server, certificates):
    context = ssl.create_default_context(cafile=certificates.ca)
    for newest in (ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2):
        context.maximum_version = newest
        plain = socket.create_connection(("127.0.0.1", port_of(server)), DEADLINE_S)
        with context.wrap_socket(plain, server_hostname="localhost") as other:
            assert other.version() == newest.name.replace("_", ".")
            assert not other.session.has_ticket


# -- ends -----------------------------------------------------------------------------------------


def test_half_a_handshake_disturbs_nobody(server, eventually):
    with server.connect() as session, contextlib.ExitStack() as others:
        for beginning in (b"", b"\x16", b"\x16\x03\x01\x02\x00\x01", b"GET / HTTP/1.1\r\n\r\n"):
            place = ("127.0.0.1", port_of(server))
            other = others.enter_context(socket.create_connection(place, DEADLINE_S))
            other.sendall(beginning)
        assert session.toolkits.demo_addone(x=1) == {"x": 2}
        # The last one is told what it has come to, and to go.
        assert other.recv(100) == b"\x15\x03\x03\x00\x02\x02\x46"
        eventually(lambda: session.stats()["sessions"] == 4)
        others.pop_all().close()
        eventually(lambda: session.stats()["sessions"] == 1)


def test_a_peer_that_resets_the_connection(server, eventually):
    with server.connect() as session:
        other = socket.create_connection(("127.0.0.1", port_of(server)), DEADLINE_S)
        other.sendall(b"\x16\x03\x01")
        eventually(lambda: session.stats()["sessions"] == 2)
        other.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        other.close()
        eventually(lambda: session.stats()["sessions"] == 1)


def test_a_client_that_is_killed_ends_its_session_only(server, certificates, script, eventually):
    with server.connect() as observer:
        client = script(
            """
            import sys, unity
            session = unity.connect(sys.argv[1], tls=unity.TLS(ca=sys.argv[2]))
            holder = session.types.Holder()
            print("ready", flush=True)
            while True:
                holder.drop(holder.hold(bytes(64 << 20)))
            """,
            server.address,
            certificates.ca,
        )
        assert client.line() == "ready"
        before = observer.stats()["bytes_copied"]
        eventually(lambda: observer.stats()["bytes_copied"] > before)
        client.process.kill()
        eventually(lambda: observer.stats()["sessions"] == 1)
        eventually(lambda: observer.stats()["bytes_held"] == 0)
        assert observer.toolkits.demo_addone(x=1) == {"x": 2}


def test_a_server_that_is_killed_is_a_lost_connection(server):
    with server.connect() as session:
        call = session.toolkits.diagnostics.sleep.submit(60)
        assert session.ping() > 0
        server.process.kill()
        with pytest.raises(unity.ConnectionLost, match="cut off") as caught:
            call.result(DEADLINE_S)
        assert not isinstance(caught.value, unity.TlsError)
        assert session.closed


def test_the_end_of_python_is_an_end_in_order(own_server, certificates, tmp_path, run_script):
    log = tmp_path / "log"
    server = own_server("--log-file", log, transport="tls")
    program = """
        import sys, unity
        session = unity.connect(sys.argv[1], tls=unity.TLS(ca=sys.argv[2]))
        counter = session.types.Counter()
        """
    run_script(program, server.address, certificates.ca)
    with server.connect() as session:
        assert session.stats()["sessions"] == 1
    assert re.search(r"session 1 ended$", log.read_text(), re.MULTILINE)


def test_a_forked_child_leaves_the_session_alone(server, certificates, run_script):
    program = """
        import os, sys, unity
        session = unity.connect(sys.argv[1], tls=unity.TLS(ca=sys.argv[2]))
        counter = session.types.Counter()
        child = os.fork()
        if child == 0:
            try:
                counter.increment()
            except unity.ForkedSession:
                print("forked", flush=True)
            with unity.connect(sys.argv[1], tls=unity.TLS(ca=sys.argv[2])) as own:
                print(own.types.Counter(start=5).value, flush=True)
            sys.exit(0)
        os.waitpid(child, 0)
        print(counter.increment())
        """
    assert run_script(program, server.address, certificates.ca) == "forked\n5\n1\n"


def test_a_silent_server_is_a_timeout(certificates):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"tcp:127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(unity.CallTimeout, match="did not answer in TLS in time"):
            unity.connect(address, tls=certificates.tls(), timeout_s=0.1)


def test_ctrl_c_ends_a_handshake_with_a_silent_server(certificates, script):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(DEADLINE_S)
        program = """
            import sys, unity
            try:
                unity.connect(sys.argv[1], tls=unity.TLS(ca=sys.argv[2]), timeout_s=None)
            except KeyboardInterrupt:
                print("interrupted")
            """
        address = f"tcp:127.0.0.1:{listener.getsockname()[1]}"
        client = script(program, address, certificates.ca)
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(DEADLINE_S)
            assert connection.recv(1) == b"\x16"  # the handshake has begun
            client.process.send_signal(signal.SIGINT)
            assert client.finish() == (0, "interrupted\n", "")
