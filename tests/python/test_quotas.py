# SPDX-License-Identifier: Apache-2.0
"""The limits of a session: a greedy client is stopped, and its neighbour on the server is not."""

import array
import contextlib
import itertools
import os
import re
import resource
import select
import socket
from pathlib import Path

import pytest

import unity

SCHEMA = Path(__file__).resolve().parents[2] / "cppipc" / "schema" / "broker.capnp"
MIB = 1 << 20
REPLY_BYTES = 50_000


@pytest.fixture
def pair(own_server, schemas):
    """Makes two sessions with a server of the given options: a greedy one and its neighbour."""
    with contextlib.ExitStack() as sessions:

        def start(*options):
            server = own_server(*options)
            return tuple(sessions.enter_context(server.connect()) for _ in range(2))

        yield start


def assert_is_served(session):
    """Every kind of call works."""
    assert session.toolkits.demo_addone(x=1) == {"x": 2}
    assert session.types.Counter(start=3).increment() == 4
    assert session.toolkits.diagnostics.echo("x" * 10_000) == "x" * 10_000
    assert session.ping() > 0


def live_objects(session):
    return session.stats()["live_objects"]


# -- objects -------------------------------------------------------------------------------------


def test_live_objects(pair, eventually):
    greedy, neighbour = pair("--live-objects", "50")
    held = [greedy.types.Counter(start=i) for i in range(50)]
    for _ in range(3):
        with pytest.raises(unity.QuotaExceeded, match="51 objects, one more than its limit"):
            greedy.types.Counter()
    others = [neighbour.types.Counter() for _ in range(50)]
    assert [counter.value for counter in held] == list(range(50))
    assert live_objects(neighbour) == 100
    del others
    assert_is_served(neighbour)
    # What it gives back, it may have again.
    held.pop()
    eventually(lambda: live_objects(neighbour) == 49)
    held.append(greedy.types.Counter(start=7))
    assert held[-1].value == 7
    with pytest.raises(unity.QuotaExceeded):
        greedy.types.Counter()


def test_an_object_counts_once_however_often_it_comes(pair):
    greedy, _ = pair("--live-objects", "2")
    probe, holder = greedy.types.Probe(), greedy.types.Holder()
    numbers = [holder.hold(probe) for _ in range(20)]
    assert all(holder.get(number) is probe for number in numbers)
    assert greedy.toolkits.diagnostics.echo([probe] * 20) == [probe] * 20


def test_a_result_with_too_many_objects_leaves_none(pair, eventually):
    greedy, neighbour = pair("--live-objects", "50")
    probe = greedy.types.Probe()
    for _ in range(3):
        with pytest.raises(unity.QuotaExceeded):
            probe.many(50)
    eventually(lambda: live_objects(neighbour) == 1)
    assert len(probe.many(49)) == 49
    assert len(neighbour.types.Probe().many(49)) == 49


def test_a_private_server_has_limits_too():
    with unity.launch(live_objects=1) as session:
        counter = session.types.Counter()
        with pytest.raises(unity.QuotaExceeded):
            session.types.Counter()
        assert counter.increment() == 1
        with unity.connect(session.address) as second:
            assert second.types.Counter().increment() == 1


# -- calls ---------------------------------------------------------------------------------------


def test_calls_in_flight(pair, eventually):
    greedy, neighbour = pair("--calls-in-flight", "4")
    work = greedy.toolkits.diagnostics.work
    calls = [work.submit(1000) for _ in range(4)]
    for call in (work.submit(0), greedy.toolkits.demo_addone.submit(x=1)):
        with pytest.raises(unity.QuotaExceeded, match="4 calls in flight, which is its limit"):
            call.result(30)
    with pytest.raises(unity.QuotaExceeded):
        greedy.types.Counter()
    assert greedy.ping() > 0  # to look is free
    assert neighbour.stats()["calls_running"] == 4
    assert_is_served(neighbour)
    assert [neighbour.toolkits.demo_addone.submit(x=i).result(30) for i in range(9)]
    assert calls.pop().cancel()
    eventually(lambda: neighbour.stats()["calls_running"] == 3)
    assert_is_served(greedy)
    assert not any(call.done() for call in calls)


def test_calls_that_wait_are_in_flight(pair):
    greedy, neighbour = pair("--calls-in-flight", "4", "--session-threads", "1")
    probe = greedy.types.Probe()
    held = greedy.toolkits.diagnostics.work.submit(1000)
    calls = [probe.add.submit(1) for _ in range(20)]
    for call in calls[3:]:
        with pytest.raises(unity.QuotaExceeded):
            call.result(30)
    assert not any(call.done() for call in calls[:3])
    assert_is_served(neighbour)
    assert held.cancel()
    assert [call.result(30) for call in calls[:3]] == [1, 2, 3]
    assert probe.value == 3


def test_methods_that_never_end_leave_threads_to_the_neighbour(pair, eventually):
    greedy, neighbour = pair("--worker-threads", "8")
    calls = [greedy.toolkits.diagnostics.work.submit(1000) for _ in range(64)]
    eventually(lambda: neighbour.stats()["calls_running"] == 7)
    assert_is_served(neighbour)
    slow = neighbour.toolkits.diagnostics.work.submit(0.01)
    assert slow.result(30) == 0.01
    assert not any(call.done() for call in calls)
    for call in calls:
        call.cancel()
    eventually(lambda: neighbour.stats()["calls_running"] == 0)
    assert_is_served(greedy)


def test_several_that_never_end_leave_each_other_a_thread(own_server, eventually):
    server = own_server("--worker-threads", "8")
    with contextlib.ExitStack() as stack:
        greedy = [stack.enter_context(server.connect()) for _ in range(4)]
        neighbour = stack.enter_context(server.connect())
        calls = [s.toolkits.diagnostics.work.submit(1000) for s in greedy for _ in range(20)]
        # They have the 8 threads, or more if others had taken all when one of them came.
        eventually(lambda: neighbour.stats()["calls_running"] >= 8)
        for _ in range(5):
            assert_is_served(neighbour)
        burst = [neighbour.toolkits.demo_addone.submit(x=n) for n in range(50)]
        assert [call.result(30)["x"] for call in burst] == list(range(1, 51))
        assert not any(call.done() for call in calls)
        for call in calls:
            call.cancel()
        eventually(lambda: neighbour.stats()["calls_running"] == 0)
        for session in greedy:
            assert_is_served(session)


# -- messages ------------------------------------------------------------------------------------


def many_strings(size):
    """A value whose message has about that many bytes, none of which can go beside it."""
    return ["x" * 100] * (size // 130)


def test_messages(pair):
    greedy, neighbour = pair("--message-mib", "1", "--inline-kib", "512")
    echo = greedy.toolkits.diagnostics.echo
    before = neighbour.stats()["calls"]
    for value in (many_strings(2 * MIB), {"a": [many_strings(2 * MIB)]}):
        for call in (echo, echo.submit):
            with pytest.raises(unity.TooLarge, match=r"2,\d+,\d+ bytes.*limit of 1 MiB") as raised:
                call(value)
            assert isinstance(raised.value, ValueError)
    assert neighbour.stats()["calls"] <= before + 1  # nothing was sent
    half = many_strings(MIB * 3 // 4)
    assert echo(half) == half
    # A result that does not fit is an error of that call only.
    with pytest.raises(unity.TooLarge):
        greedy.toolkits.diagnostics.pair(half, half)
    assert_is_served(greedy)
    assert_is_served(neighbour)


def test_larger_messages_where_the_server_takes_them(pair):
    session, _ = pair("--message-mib", "100")
    value = [1.5] * (9 * MIB)
    assert session.toolkits.diagnostics.echo(value) == value
    with pytest.raises(unity.TooLarge, match="limit of 100 MiB|room for 104,857,600"):
        session.toolkits.diagnostics.echo([1.5] * (14 * MIB))


def test_large_values_go_beside_small_messages(pair):
    greedy, _ = pair("--message-mib", "1", "--inline-kib", "512")
    text = "é" * (3 * MIB)
    assert greedy.toolkits.diagnostics.echo([text, text.encode()]) == [text, text.encode()]


# -- replies that nobody reads -------------------------------------------------------------------


@pytest.fixture(scope="module")
def schemas():
    """The schemas of the protocol and of the broker; pycapnp keeps them open."""
    capnp = pytest.importorskip("capnp", reason="pycapnp is not installed")
    imports = [os.path.dirname(path) for path in capnp.__path__]
    rpc = os.path.join(capnp.__path__[0], "rpc.capnp")
    return capnp.load(rpc, imports=imports), capnp.load(str(SCHEMA), imports=imports)


class DeafClient:
    """Speaks the protocol by hand: it calls, and never reads a reply."""

    def __init__(self, server, schemas):
        self.rpc, self.broker = schemas
        if server.address.startswith("unix:"):
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.connect(server.address.removeprefix("unix:"))
        else:
            host, _, port = server.address.removeprefix("tcp:").rpartition(":")
            self.socket = socket.create_connection((host, int(port)))
        self.socket.setblocking(False)
        self.numbers = itertools.count(2)
        self.calls = 0
        message = self.rpc.Message.new_message()
        message.init("bootstrap").questionId = 0
        self.unsent = message.to_bytes()
        opened = {"protocol": 1, "messageBytes": 64 * MIB, "inlineBytes": MIB}
        self.unsent += self.call(1, 0, (), self.broker.Broker, "open", opened)

    def call(self, number, answer, fields, interface, method, parameters):
        """The bytes of a call of what the answer to another question will hold."""
        message = self.rpc.Message.new_message()
        call = message.init("call")
        call.questionId = number
        call.interfaceId = interface.schema.node.id
        call.methodId = interface.schema.method_names.index(method)
        target = call.target.init("promisedAnswer")
        target.questionId = answer
        for step, field in zip(target.init("transform", len(fields)), fields, strict=True):
            step.getPointerField = field
        schema = interface.schema.methods[method].param_type
        content = call.init("params").content.as_struct(schema)
        for name, value in parameters.items():
            setattr(content, name, value)
        return message.to_bytes()

    def echo(self, text):
        """The bytes of a call that has `text` for its reply."""
        number = next(self.numbers)
        parameters = {
            "call": {"id": number},
            "function": "diagnostics.echo",
            "arguments": {"values": [{"str": text}], "names": []},
        }
        return self.call(number, 1, (0,), self.broker.Session, "run", parameters)

    def send(self, most_calls):
        """Sends calls while the socket takes them; returns how many there were so far."""
        with contextlib.suppress(BlockingIOError):
            while self.unsent or self.calls < most_calls:
                if not self.unsent:
                    self.unsent = self.echo("x" * REPLY_BYTES)
                    self.calls += 1
                self.unsent = self.unsent[self.socket.send(self.unsent) :]
        return self.calls


def resident_mib(pid):
    """The memory of a process, in MiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) / 1024


@pytest.mark.parametrize("transport", ["unix", "tcp"])
def test_a_client_that_reads_no_replies_costs_little(own_server, schemas, transport):
    offered = 5000
    server = own_server("--queued-reply-mib", "1", transport=transport)
    with server.connect() as neighbour:
        assert_is_served(neighbour)
        before = resident_mib(server.process.pid)
        deaf = DeafClient(server, schemas)
        with deaf.socket:
            sent, looks = 0, 0
            # It stands still once the server has not read on for many turns of the neighbour.
            while looks < 200 and sent < offered:
                now = deaf.send(offered)
                looks = looks + 1 if now == sent else 0
                sent = now
                neighbour.ping()
            assert MIB < sent * REPLY_BYTES < 32 * MIB
            assert resident_mib(server.process.pid) - before < 64
            assert_is_served(neighbour)
        assert_is_served(neighbour)


# More than the sockets' own buffers hold.
@pytest.mark.parametrize(("transport", "wanted"), [("unix", 200), ("tcp", 1000)])
def test_a_client_that_reads_late_gets_everything(own_server, schemas, transport, wanted):
    server = own_server("--queued-reply-mib", "1", transport=transport)
    deaf = DeafClient(server, schemas)
    received = 0
    with deaf.socket:
        assert deaf.send(wanted) < wanted
        # Every reply has its text, and a little around it.
        while received < wanted * REPLY_BYTES:
            is_sending = [deaf.socket] if deaf.unsent or deaf.calls < wanted else []
            readable, writable, _ = select.select([deaf.socket], is_sending, [], 30)
            assert readable or writable
            if writable:
                deaf.send(wanted)
            if readable:
                received += len(deaf.socket.recv(MIB))
    with server.connect() as session:
        assert_is_served(session)


@pytest.mark.parametrize("transport", ["unix", "tcp"])
def test_deaf_clients_that_leave_are_forgotten(own_server, schemas, eventually, transport):
    server = own_server("--queued-reply-mib", "1", transport=transport)
    with server.connect() as session:
        for _ in range(3):
            deaf = DeafClient(server, schemas)
            with deaf.socket:
                deaf.send(100)
        eventually(lambda: session.stats()["sessions"] == 1)
        eventually(lambda: session.stats()["calls_running"] == 0)
        assert_is_served(session)


def test_descriptors_that_a_client_sends_are_not_taken(own_server, eventually):
    server = own_server()
    reader, writer = os.pipe()
    with server.connect() as neighbour, socket.socket(socket.AF_UNIX) as greedy:
        greedy.connect(server.address.removeprefix("unix:"))
        eventually(lambda: neighbour.stats()["sessions"] >= 2)
        before = neighbour.stats()["fds"]
        passed = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [reader] * 50))]
        for _ in range(7):  # bytes of a message that is not whole: the connection stays
            greedy.sendmsg([b"\0"], passed)
        # The latest few may belong to the message, and go with it.
        assert neighbour.stats()["fds"] <= before + 4
    os.close(reader)
    os.close(writer)


def test_connections_that_take_every_descriptor_leave_sessions_alone(own_server, eventually):
    server = own_server()
    with server.connect() as neighbour, contextlib.ExitStack() as greedy:
        limit = neighbour.stats()["fds"] + 10
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (limit, limit))
        for _ in range(50):
            connection = greedy.enter_context(socket.socket(socket.AF_UNIX))
            connection.setblocking(False)
            connection.connect(server.address.removeprefix("unix:"))
        eventually(lambda: neighbour.stats()["fds"] is None)  # there is none left to count with
        assert neighbour.toolkits.demo_addone(x=1) == {"x": 2}
        probes = neighbour.types.Probe().many(100)
        assert neighbour.toolkits.diagnostics.echo(probes)[99] is probes[99]
        greedy.close()
        eventually(lambda: neighbour.stats()["sessions"] == 1)
        with server.connect() as other:
            assert other.toolkits.demo_addone(x=1) == {"x": 2}
