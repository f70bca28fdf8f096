# SPDX-License-Identifier: Apache-2.0
"""Clients that connect and open no session, silent, slow or many, cost little and disturb nobody.

What a client can do that has opened a session is in test_quotas.py and test_bad_peers.py.
"""

import contextlib
import os
import re
import resource
import select
import socket
import struct
import threading
from pathlib import Path

import pytest

import unity
from conftest import DEADLINE_S

KIB = 1024
TRANSPORTS = ["unix", "tcp"]


def bootstrap(question=0):
    """A message of the protocol that asks for the broker."""
    message = struct.pack("<IHH", 0, 1, 1) + struct.pack("<HHI", 8, 0, 0)
    content = struct.pack("<IHH", 0, 1, 1) + struct.pack("<II", question, 0) + b"\0" * 8
    words = message + content
    return struct.pack("<II", 0, len(words) // 8) + words


def raw(server):
    """A plain socket that is connected to a server."""
    if server.address.startswith("unix:"):
        peer = socket.socket(socket.AF_UNIX)
        # With a timeout it would not wait for room in the queue of the listener.
        peer.connect(server.address.removeprefix("unix:"))
        peer.settimeout(DEADLINE_S)
        return peer
    host, _, port = server.address.removeprefix("tcp:").rpartition(":")
    return socket.create_connection((host, int(port)), DEADLINE_S)


def wait_for_the_end(peer):
    with contextlib.suppress(ConnectionResetError, BrokenPipeError):
        while peer.recv(65536):
            pass


def assert_works(session):
    assert session.toolkits.demo_addone(x=1) == {"x": 2}
    assert session.types.Counter(start=3).increment() == 4
    assert session.ping() > 0


def resident_kib(pid):
    """The memory of a process that is its own, in KiB."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(int(re.search(rf"Private_{kind}:\s+(\d+)", text)[1]) for kind in ("Clean", "Dirty"))


@pytest.fixture(params=TRANSPORTS)
def serve(request, own_server, tmp_path):
    """Makes a server of each transport with a log; `server.ends()` has why sessions ended."""

    def start(*options):
        log = tmp_path / "log"
        server = own_server("--log-file", log, *options, transport=request.param)
        pattern = re.compile(r"\] session (\d+) ended(?:: (.*))?$", re.MULTILINE)
        server.ends = lambda: dict(pattern.findall(log.read_text()))
        return server

    return start


# -- a deadline ----------------------------------------------------------------------------------

BEGINNINGS = {
    "nothing": b"",
    "a part of a frame": bootstrap()[:13],
    "a frame whose rest is not sent": struct.pack("<II", 0, 1000) + b"\0" * 100,
    "the question for the broker": bootstrap(),
}


@pytest.mark.parametrize("beginning", BEGINNINGS)
def test_who_opens_no_session_in_time_is_sent_away(serve, beginning, eventually):
    server = serve("--open-timeout-s", "1")
    with server.connect() as session, raw(server) as peer:
        peer.sendall(BEGINNINGS[beginning])
        eventually(lambda: session.stats()["pending"] == 1)
        wait_for_the_end(peer)
        eventually(lambda: server.ends())
        text = "its client opened no session within 1 s (--open-timeout-s)"
        assert list(server.ends().values()) == [text]
        assert_works(session)  # older than that, and open


def test_a_byte_now_and_then_puts_nothing_off(serve):
    server = serve("--open-timeout-s", "1")
    sent = 0
    with server.connect() as session, raw(server) as peer:
        with contextlib.suppress(ConnectionResetError, BrokenPipeError):
            for byte in struct.pack("<II", 0, 1000) + bytes(600):  # half a minute of them
                peer.sendall(bytes([byte]))
                sent += 1
                if select.select([peer], [], [], 0.05)[0]:
                    break
        assert sent < 608
        assert_works(session)


def test_the_launchers_own_socket_has_no_deadline(eventually):
    """And other sessions of a private server have."""
    with unity.launch(open_timeout_s=1, diagnostics=True) as session:
        with socket.socket(socket.AF_UNIX) as peer:
            peer.settimeout(DEADLINE_S)
            peer.connect("\0" + session.address.removeprefix("unix:@"))
            wait_for_the_end(peer)
        assert_works(session)
        eventually(lambda: session.stats()["sessions"] == 1)


def test_sessions_that_are_opened_all_the_time_lose_none_to_the_deadline(serve, eventually):
    server = serve("--open-timeout-s", "1")
    wrong = []
    is_over = threading.Event()

    def act():
        while not is_over.is_set():
            try:
                with server.connect() as session:
                    assert_works(session)
            except Exception as error:
                wrong.append(error)
                return

    with server.connect() as observer, raw(server) as peer:
        threads = [threading.Thread(target=act) for _ in range(3)]
        for thread in threads:
            thread.start()
        wait_for_the_end(peer)  # a deadline has come by
        is_over.set()
        for thread in threads:
            thread.join()
        assert wrong == []
        eventually(lambda: observer.stats()["sessions"] == 1)


# -- what is said before -------------------------------------------------------------------------


def test_before_the_session_messages_are_small(serve, eventually):
    server = serve()
    with server.connect() as session, raw(server) as peer:
        peer.sendall(struct.pack("<II", 0, 64 * KIB // 8))
        wait_for_the_end(peer)
        eventually(lambda: server.ends())
        [reason] = server.ends().values()
        assert "message of 65544 bytes; the limit is 65536; it has opened no session" in reason
        assert_works(session)


def test_before_the_session_messages_are_few(serve, eventually):
    server = serve()
    with server.connect() as session, raw(server) as peer:
        with contextlib.suppress(ConnectionResetError, BrokenPipeError):
            peer.sendall(b"".join(bootstrap(number) for number in range(10_000)))
        wait_for_the_end(peer)
        eventually(lambda: server.ends())
        [reason] = server.ends().values()
        assert reason.startswith("the peer sent more messages than it may by now")
        assert_works(session)


# -- many ----------------------------------------------------------------------------------------


def test_a_flood_of_silent_connections_keeps_nobody_out(serve, eventually):
    server = serve("--pending-connections", "20")
    with server.connect() as session, contextlib.ExitStack() as flood:
        fds = session.stats()["fds"]
        for _ in range(30):
            for _ in range(10):
                flood.enter_context(raw(server))
            with server.connect() as other:
                assert_works(other)
            assert session.stats()["pending"] <= 21  # one may have come and not been counted yet
        # The last one that was opened has taken the place of one of them.
        eventually(lambda: session.stats()["pending"] in (19, 20))
        assert session.stats()["sessions"] <= 21
        flood.close()
        eventually(lambda: session.stats()["sessions"] == 1)
        eventually(lambda: session.stats()["fds"] == fds)
    oldest = "connections without a session it was the oldest, and there may be 20"
    eventually(lambda: sum(oldest in reason for reason in server.ends().values()) >= 280)


@pytest.fixture
def many_descriptors():
    """Lets this process and its children have as many as the system allows."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    if before[1] < 12_000:
        pytest.skip(f"a process may have {before[1]} descriptors only")
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


HALF_OPEN = 5_000


@pytest.mark.parametrize("most", [None, HALF_OPEN])
def test_5000_half_open_connections_cost_little(many_descriptors, serve, eventually, most):
    """By default most of them are sent away; and if they are all let in, each costs little."""
    limit = [] if most is None else ["--pending-connections", most]
    server = serve("--open-timeout-s", "3600", "--log-level", "warning", *map(str, limit))
    kept = most or 1_024
    with server.connect() as session, contextlib.ExitStack() as flood:
        assert_works(session)
        pid, fds = server.process.pid, session.stats()["fds"]
        before = resident_kib(pid)
        for number in range(HALF_OPEN):
            peer = flood.enter_context(raw(server))
            # Those that were sent away may hear of it at once.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                peer.sendall(bootstrap() + struct.pack("<II", 0, 1000) + bytes(40))
            if number % 100 == 0:
                assert_works(session)
        eventually(lambda: session.stats()["pending"] == kept)
        eventually(lambda: session.stats()["sessions"] == kept + 1)
        each = (resident_kib(pid) - before) / kept
        if "UNITY_TEST_SANITIZED" not in os.environ:  # a sanitizer has memory beside each block
            assert each < 48, f"{each} KiB for each of {kept}"
        with server.connect() as other:
            assert_works(other)
        flood.close()
        eventually(lambda: session.stats()["sessions"] == 1)
        eventually(lambda: session.stats()["fds"] == fds)
        assert session.stats()["pending"] == 0
        assert_works(session)


def test_the_server_may_have_as_many_descriptors_as_the_system_allows(serve):
    server = serve()
    soft, hard = resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)
    assert soft == hard
