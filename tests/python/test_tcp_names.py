# SPDX-License-Identifier: Apache-2.0
"""TCP by name and by number, IPv4 and IPv6; and peers that vanish without a word."""

import contextlib
import socket
import subprocess
import sys

import pytest

import unity
from conftest import DEADLINE_S, SERVER
from networks import two_machines  # noqa: F401  (a fixture)

TOKEN = "a-token-that-is-long-enough-for-it"


def families_of_localhost():
    """The numbers that localhost has, of those that this machine can listen on."""
    found = []
    for family, *_, place in socket.getaddrinfo("localhost", 0, type=socket.SOCK_STREAM):
        with contextlib.suppress(OSError), socket.socket(family) as probe:
            probe.bind(place)
            found.append(place[0])
    return sorted(set(found))


@contextlib.contextmanager
def serving(*words, command=()):
    """A server process; gives its address."""
    with subprocess.Popen(
        [*command, SERVER, "--diagnostics", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        try:
            line = server.stdout.readline()
            assert line.startswith("listening on "), server.stderr.read()
            yield server, line.split()[-1]
        finally:
            server.kill()


def test_localhost_is_every_address_that_it_has():
    numbers = families_of_localhost()
    with serving("--listen", "tcp:localhost:0", "--insecure-tcp") as (server, address):
        port = address.rpartition(":")[2]
        hosts = [f"[{number}]" if ":" in number else number for number in numbers]
        assert address.rpartition(":")[0] == f"tcp:{'localhost' if len(hosts) > 1 else hosts[0]}"
        for host in ("localhost", *hosts):
            with unity.connect(f"tcp:{host}:{port}") as session:
                assert session.server_pid == server.pid
                assert session.address == f"tcp:{host}:{port}"
                assert session.server.settings["server.addresses"] == [address]


@pytest.mark.parametrize("number", ["127.0.0.1", "::1"])
def test_a_name_connects_to_what_there_is(number):
    """Of the addresses of a name the client tries each."""
    if number not in families_of_localhost():
        pytest.skip(f"localhost is not {number} here")
    host = f"[{number}]" if ":" in number else number
    with serving("--listen", f"tcp:{host}:0", "--insecure-tcp") as (server, address):
        with unity.connect(f"tcp:localhost:{address.rpartition(':')[2]}") as session:
            assert session.server_pid == server.pid


def test_a_port_that_is_free_on_one_address_only_is_not_taken():
    if len(families_of_localhost()) < 2:
        pytest.skip("localhost has one address here")
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as other:
        port = other.getsockname()[1]
        done = subprocess.run(
            [SERVER, "--listen", f"tcp:localhost:{port}", "--insecure-tcp"],
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
        )
    assert done.returncode == 1
    assert f"cannot listen on tcp:localhost:{port}: Address already in use" in done.stderr


@pytest.mark.parametrize("keep_alive_s", [0, 0.5, 3601, float("nan"), float("inf"), -5])
def test_a_wrong_keep_alive(keep_alive_s):
    with pytest.raises(unity.InvalidArgument, match="keep_alive_s must be between 1 and 3600"):
        unity.connect("tcp:127.0.0.1:1", keep_alive_s=keep_alive_s)


@pytest.mark.parametrize("keep_alive_s", [None, "5", True, []])
def test_a_keep_alive_is_a_number(keep_alive_s):
    with pytest.raises(unity.WrongType, match="keep_alive_s must be a number of seconds"):
        unity.connect("tcp:127.0.0.1:1", keep_alive_s=keep_alive_s)


# -- two machines --------------------------------------------------------------------------------

CLIENT = """
import sys, time
import unity
session = unity.connect(sys.argv[1], token=sys.argv[2], keep_alive_s=2)
print("connected", flush=True)
echo = session.toolkits.diagnostics.echo
sys.stdin.readline()
try:
    if sys.argv[3] == "sending":
        while True:
            echo(b"x" * 100_000)
    session.toolkits.diagnostics.work(1000)
except unity.ConnectionLost as error:
    print("lost:", error, flush=True)
sys.stdin.readline()
"""


@contextlib.contextmanager
def client_of(machines, address, how):
    with subprocess.Popen(
        machines.command("b", sys.executable, "-c", CLIENT, address, TOKEN, how),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as client:
        try:
            assert client.stdout.readline() == "connected\n"
            yield client
        finally:
            client.kill()


@pytest.fixture
def remote(two_machines, tmp_path):  # noqa: F811
    """A server on machine "a", with a session by its Unix socket to look at it."""
    tokens = tmp_path / "tokens"
    tokens.write_text(TOKEN)
    tokens.chmod(0o600)
    unix = f"unix:{tmp_path / 'u.sock'}"
    words = ["--listen", "tcp:*:0", "--listen", unix, "--token-file", tokens, "--keep-alive-s", "2"]
    with serving(*words, "--log-file", tmp_path / "log", command=two_machines.command("a")) as (
        server,
        address,
    ):
        assert server.stdout.readline().split()[-1] == unix
        server.machines = two_machines
        server.address = f"tcp:10.213.7.1:{address.rpartition(':')[2]}"
        server.log = tmp_path / "log"
        with unity.connect(unix) as observer:
            server.observer = observer
            yield server
            del server.observer


@pytest.mark.parametrize("how", ["silent", "sending"])
def test_a_machine_that_is_gone_is_noticed_on_both_sides(remote, eventually, how):
    """The bound is 2 s here; without one the system takes a quarter of an hour, or two hours."""
    with client_of(remote.machines, remote.address, how) as client:
        assert remote.observer.stats()["sessions"] == 2
        calls = remote.observer.stats()["calls"]
        client.stdin.write("go\n")
        client.stdin.flush()
        if how == "sending":
            eventually(lambda: remote.observer.stats()["calls"] > calls + 10)
        else:
            eventually(lambda: remote.observer.stats()["calls_running"] == 1)
        remote.machines.cut()
        eventually(lambda: remote.observer.stats()["sessions"] == 1)
        assert client.stdout.readline().startswith("lost: the connection failed: ")
    eventually(lambda: remote.observer.stats()["calls_running"] == 0)
    assert "ended: the connection failed: " in remote.log.read_text()


def test_clear_text_beyond_this_machine_is_warned_of(remote, eventually):
    with client_of(remote.machines, remote.address, "silent"):
        log = remote.log.read_text()
        assert "warning" in log and "access tokens too: there is no TLS" in log
        assert "began: tcp: 10.213.7.2:" in log
