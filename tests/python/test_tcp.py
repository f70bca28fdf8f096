# SPDX-License-Identifier: Apache-2.0
"""Servers over TCP: addresses, large values, peers that vanish; and memory that is not shared."""

import contextlib
import re
import signal
import socket
import struct
import subprocess
import threading

import numpy as np
import pytest

import unity
from conftest import DEADLINE_S, SERVER

MIB = 1 << 20


@pytest.fixture
def tcp_server(own_server):
    """A server on a port of 127.0.0.1."""
    return own_server(transport="tcp")


def port_of(server):
    return int(server.address.rpartition(":")[2])


def raw(server):
    """A plain socket that is connected to the server."""
    return socket.create_connection(("127.0.0.1", port_of(server)), DEADLINE_S)


def refusal(*options):
    """What a server says that cannot start."""
    done = subprocess.run([SERVER, *options], capture_output=True, text=True, timeout=DEADLINE_S)
    assert (done.returncode != 0, done.stdout) == (True, "")
    return done.stderr


# -- addresses -----------------------------------------------------------------------------------


def test_every_spelling_of_an_address(tcp_server):
    port = port_of(tcp_server)
    assert tcp_server.address == f"tcp:127.0.0.1:{port}"
    for host in ("127.0.0.1", "localhost"):
        for prefix in ("tcp:", "tcp://"):
            with unity.connect(f"{prefix}{host}:{port}") as session:
                assert session.transport == "tcp"
                assert session.address == f"tcp:{host}:{port}"
                assert session.toolkits.demo_addone(x=1) == {"x": 2}


def test_ipv6():
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            pass
    except OSError as error:
        pytest.skip(f"no IPv6 on this machine: {error}")
    command = [SERVER, "--listen", "tcp:[::1]:0", "--insecure-tcp", "--log-level", "off"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        address = server.stdout.readline().split()[-1]
        assert re.fullmatch(r"tcp:\[::1\]:\d+", address)
        with unity.connect(address) as session:
            assert session.address == address
            assert session.ping() > 0
        server.kill()


def test_several_listeners(tmp_path):
    path = f"unix:{tmp_path / 'u.sock'}"
    tcp = "tcp:127.0.0.1:0"
    command = [SERVER, "--listen", tcp, "--listen", path, "--listen", tcp, "--insecure-tcp"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        addresses = [server.stdout.readline().split()[-1] for _ in range(3)]
        assert addresses[1] == path and len(set(addresses)) == 3
        with contextlib.ExitStack() as sessions:
            opened = [sessions.enter_context(unity.connect(a)) for a in addresses]
            assert [s.transport for s in opened] == ["tcp", "unix", "tcp"]
            assert {s.server_pid for s in opened} == {server.pid}
        server.kill()


def test_a_start_that_is_refused():
    assert "--insecure-tcp to allow it all the same" in refusal("--listen", "tcp:127.0.0.1:0")
    for host in ("0.0.0.0", "[::]", "192.0.2.1"):
        text = refusal("--listen", f"tcp:{host}:0", "--insecure-tcp")
        assert f"tcp:{host}:0" in text and "loopback addresses only" in text
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        text = refusal("--listen", f"tcp:127.0.0.1:{port}", "--insecure-tcp")
        assert "Address already in use" in text


def test_a_host_that_nobody_knows():
    with pytest.raises(unity.ConnectionLost, match="cannot find tcp:no.such.host.invalid:1"):
        unity.connect("tcp:no.such.host.invalid:1")


# -- values --------------------------------------------------------------------------------------


def test_large_values_cross_in_pieces(tcp_server):
    with tcp_server.connect() as session:
        echo = session.toolkits.diagnostics.echo
        for size in (MIB, MIB + 1, 3 * MIB, 17 * MIB + 5):
            array = np.arange(size, dtype=np.uint8)
            assert np.array_equal(echo(array), array)
            assert echo(array.tobytes()) == array.tobytes()
        text = "schön " * (3 * MIB)
        assert echo(text) == text
        strided = np.arange(4 * MIB).reshape(2048, -1)[::-2, ::3]
        assert np.array_equal(echo(strided), strided)
        stats = session.stats()
        assert stats["arenas"] == 0 and stats["bytes_copied"] > 40 * MIB


def test_descriptors_do_not_cross(tcp_server):
    with tcp_server.connect() as session, unity.allocator():
        x = np.ones(2 * MIB, np.uint8)
        assert session.toolkits.diagnostics.describe(x)["arena"] is None
        y = session.toolkits.diagnostics.echo(x)
        assert np.array_equal(x, y) and not np.shares_memory(x, y)
        assert session.stats()["arenas"] == 0


def test_many_threads(tcp_server):
    arrays = [np.full(2 * MIB + n, n, np.uint8) for n in range(4)]
    wrong = []
    with tcp_server.connect() as session:
        echo = session.toolkits.diagnostics.echo

        def act(array):
            for _ in range(5):
                if not np.array_equal(echo(array), array):
                    wrong.append(array[0])

        threads = [threading.Thread(target=act, args=(a,)) for a in arrays]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert wrong == []


# -- peers that vanish ---------------------------------------------------------------------------


def test_peers_that_say_nothing_or_half_a_message(tcp_server, eventually):
    with tcp_server.connect() as session, contextlib.ExitStack() as others:
        for beginning in (b"", b"\0\0", struct.pack("<II", 0, 1000), b"GET / HTTP/1.1\r\n\r\n"):
            other = others.enter_context(raw(tcp_server))
            other.sendall(beginning)
        assert session.toolkits.demo_addone(x=1) == {"x": 2}
        # The last one is told to go: what it says begins no message.
        other.settimeout(DEADLINE_S)
        with contextlib.suppress(ConnectionResetError):
            assert other.recv(1) == b""
        eventually(lambda: session.stats()["sessions"] == 4)
        others.pop_all().close()
        eventually(lambda: session.stats()["sessions"] == 1)


def test_a_peer_that_resets_the_connection(tcp_server, eventually):
    with tcp_server.connect() as session:
        other = raw(tcp_server)
        other.sendall(b"\0")
        eventually(lambda: session.stats()["sessions"] == 2)
        other.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        other.close()
        eventually(lambda: session.stats()["sessions"] == 1)


def test_a_client_that_shuts_down_its_end(tcp_server, eventually):
    """Half-open: the server sees the end, and closes its own."""
    with raw(tcp_server) as other:
        other.shutdown(socket.SHUT_WR)
        other.settimeout(DEADLINE_S)
        assert other.recv(1) == b""


@pytest.mark.parametrize("direction", ["hold", "get"])
def test_a_client_is_killed_in_the_middle_of_a_piece(tcp_server, script, eventually, direction):
    with tcp_server.connect() as observer:
        client = script(
            """
            import sys, unity
            session = unity.connect(sys.argv[1])
            holder = session.types.Holder()
            held = holder.hold(bytes(64 << 20))
            print("ready", flush=True)
            while True:
                if sys.argv[2] == "get":
                    holder.get(held)
                else:
                    holder.drop(holder.hold(bytes(64 << 20)))
            """,
            tcp_server.address,
            direction,
        )
        assert client.line() == "ready"
        before = observer.stats()["bytes_copied"]
        eventually(lambda: observer.stats()["bytes_copied"] > before)
        client.process.kill()
        eventually(lambda: observer.stats()["sessions"] == 1)
        eventually(lambda: observer.stats()["bytes_held"] == 0)
        assert observer.stats()["live_objects"] == 0
        assert observer.toolkits.demo_addone(x=1) == {"x": 2}


@pytest.mark.parametrize("direction", ["hold", "get"])
def test_the_server_is_killed_in_the_middle_of_a_piece(tcp_server, direction):
    with tcp_server.connect() as session:
        holder = session.types.Holder()
        payload = bytes(64 * MIB)
        held = holder.hold(payload)
        begun = threading.Event()

        def act():
            while True:
                if direction == "get":
                    holder.get(held)
                else:
                    holder.drop(holder.hold(payload))
                begun.set()

        def kill():
            assert begun.wait(DEADLINE_S)
            tcp_server.process.send_signal(signal.SIGKILL)

        killing = threading.Thread(target=kill)
        killing.start()
        with pytest.raises(unity.ConnectionLost):
            act()
        killing.join()


# -- memory that is not shared --------------------------------------------------------------------


def test_a_server_that_shares_no_memory(own_server):
    with own_server("--no-shared-memory", transport="unix").connect() as session:
        x = np.arange(2 * MIB, dtype=np.uint8)
        assert np.array_equal(session.toolkits.diagnostics.echo(x), x)
        assert session.toolkits.diagnostics.describe(x)["arena"] is None
        assert session.stats()["arenas"] == 0
    with unity.launch(no_shared_memory=True, diagnostics=True) as session:
        assert session.toolkits.diagnostics.total(x) == int(x.sum())
        assert session.stats()["arenas"] == 0


def test_the_arenas_of_a_session_are_limited():
    x = np.ones(2 * MIB, np.uint8)
    with unity.launch(diagnostics=True) as session:
        assert session.toolkits.diagnostics.total(x) == x.size
        assert session.stats()["arenas"] > 0
    # Whatever does not fit crosses in pieces, or is refused by name; the session goes on.
    for options in ({"arenas": 1}, {"arena_mib": 1}):
        with unity.launch(diagnostics=True, **options) as session:
            assert session.toolkits.diagnostics.total(x) == x.size
            assert session.toolkits.demo_addone(x=1) == {"x": 2}
