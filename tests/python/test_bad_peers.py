# SPDX-License-Identifier: Apache-2.0
"""Peers that break the rules: servers that do not answer, clients that send garbage."""

import contextlib
import random
import socket
import struct
import threading

import pytest

import unity
from conftest import DEADLINE_S, wait_until

WORD = 8


def frame(words):
    """A message of one segment that holds these bytes."""
    return struct.pack("<II", 0, len(words) // WORD) + words


def random_bytes(count):
    return random.Random(count).randbytes(count)


# -- a client that looks for a server ------------------------------------------------------------


class Listener:
    """A listener that does something else than a server would do to whoever connects."""

    def __init__(self, path, serve):
        self.address = f"unix:{path}"
        self.is_over = threading.Event()
        self.accepted = 0
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(str(path))
        self.socket.listen()
        self.thread = threading.Thread(target=self.run, args=(serve,))
        self.thread.start()

    def run(self, serve):
        while True:
            peer, _ = self.socket.accept()
            with peer:
                if self.is_over.is_set():
                    return
                self.accepted += 1
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    serve(peer, self.is_over)

    def end(self):
        self.is_over.set()
        with socket.socket(socket.AF_UNIX) as last:
            last.connect(self.address.removeprefix("unix:"))
        self.thread.join(DEADLINE_S)
        self.socket.close()
        assert not self.thread.is_alive()


@pytest.fixture
def listener(tmp_path):
    """Makes listeners, one for a test; `serve(peer, is_over)` is run for each connection."""
    made = []

    def make(serve):
        made.append(Listener(tmp_path / "listener.sock", serve))
        return made[0]

    yield make
    for one in made:
        one.end()


def until_the_client_leaves(peer, _is_over=None):
    while peer.recv(4096):
        pass


def answer(content):
    """Sends this and keeps the connection open."""

    def serve(peer, _is_over):
        peer.sendall(content)
        until_the_client_leaves(peer)

    return serve


def test_a_server_that_never_answers(listener):
    server = listener(until_the_client_leaves)
    with pytest.raises(unity.CallTimeout, match="did not answer within 0.2") as raised:
        unity.connect(server.address, timeout_s=0.2)
    assert isinstance(raised.value, TimeoutError)
    assert server.accepted == 1


def test_a_server_that_never_accepts(tmp_path):
    path = str(tmp_path / "full.sock")
    with contextlib.ExitStack() as stack:
        full = stack.enter_context(socket.socket(socket.AF_UNIX))
        full.bind(path)
        full.listen(0)
        waiting = stack.enter_context(socket.socket(socket.AF_UNIX))
        waiting.connect(path)  # fills the queue
        with pytest.raises(unity.CallTimeout):
            unity.connect(f"unix:{path}", timeout_s=0.2)


def test_a_server_that_answers_byte_by_byte(listener):
    """Bytes that come do not put the end of the wait off."""

    def serve(peer, is_over):
        for byte in frame(b"\0" * 4096):
            peer.sendall(bytes([byte]))
            if is_over.wait(0.02):
                return

    with pytest.raises(unity.CallTimeout):
        unity.connect(listener(serve).address, timeout_s=0.3)


def test_a_server_that_closes_at_once(listener):
    server = listener(lambda peer, _: None)
    with pytest.raises(unity.ConnectionLost) as raised:
        unity.connect(server.address)
    assert not isinstance(raised.value, TimeoutError)


def test_a_server_that_resets(listener):
    """Closing with bytes unread makes a reset of it."""
    server = listener(lambda peer, _: peer.recv(1))
    with pytest.raises(unity.ConnectionLost):
        unity.connect(server.address)


NONSENSE = {
    "0xFFFFFFFF": b"\xff" * 4,
    "all ones": b"\xff" * 4096,
    "a text": b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "513 segments": struct.pack("<I", 512) + b"\0" * 2056,
    "512 empty segments": struct.pack("<I", 511) + b"\0" * 2052,
    "too large": struct.pack("<II", 0, (65 << 20) // WORD),
    "huge": struct.pack("<II", 0, 0xFFFFFFFF),
    "huge in sum": struct.pack("<IIII", 1, 0x7FFFFFFF, 0x7FFFFFFF, 0),
    "an empty segment": struct.pack("<II", 0, 0),
    "pointer out of bounds": frame(struct.pack("<IHH", 0x7FFFFFFC, 8, 8)),
    "pointer to itself": frame(struct.pack("<IHH", 0xFFFFFFFC, 0, 1)),
    "far pointer to nowhere": frame(struct.pack("<II", 0xFFFFFFFA, 77)),
    "random words": frame(random_bytes(4096)),
}


@pytest.mark.parametrize("name", NONSENSE)
def test_a_server_that_answers_nonsense(listener, name):
    """Sending it is the end, without waiting for the time limit."""
    with pytest.raises(unity.ConnectionLost) as raised:
        unity.connect(listener(answer(NONSENSE[name])).address, timeout_s=DEADLINE_S)
    assert str(raised.value)


@pytest.mark.parametrize("size", [1, 4, 7, 8, 15, 100])
def test_a_server_that_closes_within_a_message(listener, size):
    content = frame(b"\0" * 128)[:size]
    with pytest.raises(unity.ConnectionLost):
        unity.connect(listener(lambda peer, _: peer.sendall(content)).address)


@pytest.mark.parametrize("size", [1, 4, 8, 100])
def test_a_server_that_stops_within_a_message(listener, size):
    content = frame(b"\0" * 128)[:size]
    with pytest.raises(unity.CallTimeout):
        unity.connect(listener(answer(content)).address, timeout_s=0.2)


# -- clients that break the rules ----------------------------------------------------------------


@pytest.fixture
def logged(own_server, tmp_path):
    """A server with a log file, and a session that must not be disturbed."""
    server = own_server(
        "--log-file", str(tmp_path / "log"), "--message-mib", "1", "--inline-kib", "64"
    )
    server.log = tmp_path / "log"
    with server.connect() as session:
        server.session = session
        server.counter = session.types.Counter()
        yield server
        assert server.counter.increment() == 1
        assert wait_until(lambda: session.stats()["sessions"] == 1)
        assert session.stats()["live_objects"] == 1
    del server.session, server.counter


def raw(server):
    """A plain socket to a server."""
    peer = socket.socket(socket.AF_UNIX)
    peer.settimeout(DEADLINE_S)
    peer.connect(server.address.removeprefix("unix:"))
    return peer


def assert_hung_up(peer):
    """The server ends the connection; what it says before does not matter."""
    with contextlib.suppress(ConnectionResetError, BrokenPipeError):
        while peer.recv(65536):
            pass


def ends(server):
    """How sessions ended, by the log: a dict of number to reason."""
    found = {}
    for line in server.log.read_text().splitlines():
        _, mark, rest = line.partition("] session ")
        number, _, what = rest.partition(" ")
        if mark and what.startswith("ended"):
            found[int(number)] = what.removeprefix("ended").removeprefix(": ")
    return found


@pytest.mark.parametrize("name", NONSENSE)
def test_a_client_that_sends_nonsense(logged, name):
    with raw(logged) as peer:
        peer.sendall(NONSENSE[name])
        assert_hung_up(peer)
    assert wait_until(lambda: ends(logged))
    [(number, reason)] = ends(logged).items()
    assert number == 2
    assert reason, logged.log.read_text()


def test_a_client_that_sends_too_much(logged):
    """The limit is the server's, and the message is refused before it is read."""
    with raw(logged) as peer:
        peer.sendall(struct.pack("<II", 0, (2 << 20) // WORD))
        assert_hung_up(peer)
    assert wait_until(lambda: ends(logged))
    assert str((2 << 20) + WORD) in ends(logged)[2] and "limit" in ends(logged)[2]


@pytest.mark.parametrize("size", [1, 4, 7, 8, 15, 100])
def test_a_client_that_leaves_within_a_message(logged, size):
    with raw(logged) as peer:
        peer.sendall(frame(b"\0" * 128)[:size])
    assert wait_until(lambda: ends(logged))
    assert ends(logged)[2]


def test_a_client_that_stops_within_a_message_disturbs_nobody(logged):
    with contextlib.ExitStack() as stack:
        for size in (0, 1, 4, 8, 100):
            stack.enter_context(raw(logged)).sendall(frame(b"\0" * 128)[:size])
        assert wait_until(lambda: logged.session.stats()["sessions"] == 6)
        for _ in range(100):
            logged.session.ping()
        assert not ends(logged)
    assert wait_until(lambda: len(ends(logged)) == 5)


def test_clients_that_come_and_go(logged):
    for _ in range(50):
        raw(logged).close()
    assert wait_until(lambda: len(ends(logged)) == 50)
    assert set(ends(logged).values()) == {""}


def test_a_client_that_sends_random_messages(logged):
    for seed in range(50):
        with raw(logged) as peer:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                peer.sendall(frame(random.Random(seed).randbytes(WORD * (1 + seed))))
                peer.shutdown(socket.SHUT_WR)
            assert_hung_up(peer)
    assert wait_until(lambda: len(ends(logged)) == 50)


# -- what breaks in the middle of a session ------------------------------------------------------


class Relay:
    """Stands between a client and a server, and passes on what they say until it is told not to.

    Attributes:
        address: where the client connects to.
    """

    def __init__(self, path, server_path):
        self.address = f"unix:{path}"
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen()
        self.server = socket.socket(socket.AF_UNIX)
        self.server.connect(server_path)
        self.client = None
        self.threads = [threading.Thread(target=self.accept)]
        self.threads[0].start()

    def accept(self):
        self.client, _ = self.listener.accept()
        for pair in ((self.client, self.server), (self.server, self.client)):
            self.threads.append(threading.Thread(target=self.pass_on, args=pair))
            self.threads[-1].start()

    def pass_on(self, source, target):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    def end(self):
        self.threads[0].join(DEADLINE_S)
        for side in (self.client, self.server):
            with contextlib.suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)
        for thread in self.threads:
            thread.join(DEADLINE_S)
            assert not thread.is_alive()
        for side in (self.client, self.server, self.listener):
            side.close()


@pytest.fixture
def relay(logged, tmp_path):
    relay = Relay(tmp_path / "relay.sock", logged.address.removeprefix("unix:"))
    yield relay
    relay.end()


BREAKS = {
    "garbage": random_bytes(256),
    "0xFFFFFFFF": b"\xff" * 4,
    "too large": struct.pack("<II", 0, (65 << 20) // WORD),
    "unknown answer": None,  # a message of the protocol, but for a question that nobody asked
}


def unasked_return():
    """A `return` message for question 4711."""
    # A struct Message {union tag @0: 3 = return}, pointing to a Return {answerId: 4711}.
    message = struct.pack("<IHH", 0, 1, 1) + struct.pack("<HHI", 3, 0, 0)
    returned = struct.pack("<IHH", 0, 2, 1) + struct.pack("<IHHQ", 4711, 1, 0, 0) + b"\0" * 8
    return frame(message + returned)


@pytest.mark.parametrize("name", BREAKS)
@pytest.mark.parametrize("side", ["server", "client"])
def test_nonsense_in_the_middle_of_a_session(logged, relay, eventually, name, side):
    with unity.connect(relay.address) as session:
        probes = session.types.Probe().many(100)
        call = session.toolkits.diagnostics.work.submit(1000)
        eventually(lambda: logged.session.stats()["calls_running"] >= 1)
        victim = relay.client if side == "client" else relay.server
        victim.sendall(BREAKS[name] or unasked_return())
        error = call.exception(DEADLINE_S)
        assert isinstance(error, unity.ConnectionLost)
        eventually(lambda: session.closed)
        for use in (session.ping, lambda: probes[0].value, session.types.Counter):
            with pytest.raises(unity.ConnectionLost):
                use()
    eventually(lambda: logged.session.stats()["live_objects"] == 1)
    eventually(lambda: logged.session.stats()["calls_running"] == 0)
    if side == "server":
        assert wait_until(lambda: ends(logged))
        assert ends(logged)[2]


def test_a_cut_in_the_middle_of_a_session(logged, relay, eventually):
    with unity.connect(relay.address) as session:
        probe = session.types.Probe()
        call = session.toolkits.diagnostics.work.submit(1000)
        eventually(lambda: logged.session.stats()["calls_running"] >= 1)
        relay.client.shutdown(socket.SHUT_RDWR)
        assert isinstance(call.exception(DEADLINE_S), unity.ConnectionLost)
        with pytest.raises(unity.ConnectionLost):
            probe.add(1)
    eventually(lambda: logged.session.stats()["live_objects"] == 1)
