# SPDX-License-Identifier: Apache-2.0
"""`unity_server --status`: health, metrics and figures over HTTP."""

import concurrent.futures
import contextlib
import json
import os
import re
import resource
import signal
import subprocess
import time
from pathlib import Path

import pytest

import unity
from conftest import DEADLINE_S, SERVER
from http_server import StatusServer

OPERATIONS = Path(__file__).resolve().parents[2] / "docs" / "operations.md"


@pytest.fixture
def start(tmp_path):
    """Makes servers with a status endpoint; they are killed after the test."""
    started = []

    def make(*options, **more):
        path = tmp_path / f"{len(started)}.sock"
        started.append(StatusServer(path, *options, **more))
        return started[-1]

    yield make
    for server in started:
        server.kill()


@pytest.fixture(params=["unix", "tcp"])
def server(request, start, tmp_path):
    """One over each transport."""
    status = f"unix:{tmp_path}/status" if request.param == "unix" else "tcp:127.0.0.1:0"
    return start(status=status)


def reply_to(server, request):
    """All that the server says to these bytes, up to the end of the connection."""
    with server.raw() as connection:
        # It may refuse, and close, before everything is sent.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(request)
        reply = b""
        while piece := connection.recv(65536):
            reply += piece
    return reply


def test_the_endpoint_is_announced_after_the_listeners_and_in_the_log(start, tmp_path):
    server = start("--status", f"unix:{tmp_path}/s", "--listen", f"unix:{tmp_path}/more")
    assert server.lines[1] == f"listening on unix:{tmp_path}/more"
    assert re.fullmatch(r"status on http://127\.0\.0\.1:\d+/", server.lines[2])
    assert server.process.stdout.readline().strip() == f"status on unix:{tmp_path}/s"
    status, log = server.stop()
    assert status == 0
    assert [line for line in server.lines if line not in log] == []
    assert not (tmp_path / "s").exists()


def test_health_metrics_figures_and_page_are_there(server):
    for target, type_, part in (
        ("/healthz", "text/plain; charset=utf-8", b"ok\n"),
        (
            "/metrics",
            "text/plain; version=0.0.4; charset=utf-8",
            b"# TYPE unity_calls_total counter",
        ),
        ("/status.json", "application/json", b'"state":"serving"'),
        ("/", "text/html; charset=utf-8", b"<!DOCTYPE html>"),
    ):
        status, headers, body = server.request(target)
        assert status == 200 and headers["Content-Type"] == type_, target
        assert part in body, target
        assert int(headers["Content-Length"]) == len(body)
        head_status, head, nothing = server.request(target, "HEAD")
        assert (head_status, nothing) == (200, b"")
        assert head["Content-Type"] == type_
    assert server.request("/favicon.ico")[0] == 404
    status, headers, _ = server.request("/", "DELETE")
    assert (status, headers["Allow"]) == (405, "GET, HEAD")


def test_a_connection_is_kept(server):
    connection = server.open()
    connection.connect()
    first = connection.sock
    for _ in range(5):
        connection.request("GET", "/healthz")
        assert connection.getresponse().read() == b"ok\n"
    assert connection.sock is first
    connection.close()


def test_the_page_may_load_nothing_from_elsewhere(server):
    _, headers, body = server.request("/")
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; connect-src 'self'; ")
    assert "unsafe" not in policy and "http" not in policy
    text = body.decode()
    assert not re.search(r"(?:src|href)=[\"'](?!data:|status\.json|metrics|healthz)", text)
    assert "innerHTML" not in text and "eval(" not in text


def test_metrics_are_read_by_the_parser_of_prometheus(server):
    parser = pytest.importorskip("prometheus_client.parser")
    with server.session() as session:
        for i in range(5):
            session.toolkits.demo_addone(x=i)
        with pytest.raises(unity.Error):
            session.toolkits.diagnostics.fail("runtime_error", "text")
        holder = session.types.Holder()
        families = list(
            parser.text_string_to_metric_families(server.request("/metrics")[2].decode())
        )
        del holder
    assert all(family.documentation for family in families)
    assert {family.type for family in families} == {"counter", "gauge"}
    values = {sample.name: sample.value for family in families for sample in family.samples}
    assert values["unity_calls_total"] >= 6
    assert values["unity_calls_failed_total"] == 1
    assert values["unity_sessions"] == values["unity_sessions_started_total"] == 1
    assert values["unity_live_objects"] == 1
    assert values["unity_bytes_received_total"] > 100
    assert values["unity_bytes_sent_total"] > 100
    assert values["unity_draining"] == 0
    assert abs(values["process_start_time_seconds"] - time.time()) < 600
    assert values["process_resident_memory_bytes"] > 1 << 20
    assert values["process_cpu_seconds_total"] > 0
    assert 3 < values["process_open_fds"] < values["process_max_fds"]
    info = [family for family in families if family.name == "unity_build_info"]
    assert info[0].samples[0].labels == {"version": unity.__version__}


def test_every_metric_is_documented(start):
    text = start().request("/metrics")[2].decode()
    exposed = set(re.findall(r"^# TYPE (\S+) \w+$", text, re.MULTILINE))
    section = OPERATIONS.read_text().partition("## Metrics")[2].partition("\n## ")[0]
    documented = set(re.findall(r"^\| `(\w+)", section, re.MULTILINE))
    assert exposed == documented


def test_figures_and_sessions_change_with_what_clients_do(server):
    with server.session() as first, server.session() as second:
        before = server.figures()
        assert [one["id"] for one in before["sessions"]] == [1, 2]
        assert before["addresses"] == [server.address]
        assert before["pid"] == server.process.pid == first.server_pid
        for i in range(10):
            second.toolkits.demo_addone(x=i)
        counters = [second.types.Counter() for _ in range(3)]
        after = server.figures()
        assert after["host"]["calls"] - before["host"]["calls"] == 13
        assert after["time_s"] > before["time_s"]
        mine = after["sessions"][1]
        assert mine["peer"] == f"unix: pid {os.getpid()} uid {os.getuid()}"
        assert mine["live_objects"] == 3 and mine["calls"] == 13 and mine["queued_bytes"] == 0
        assert before["sessions"][1]["since_s"] == mine["since_s"] <= after["time_s"]
        assert after["sessions"][0]["live_objects"] == 0
        del counters


def test_requests_that_are_none_are_refused(server):
    for bad in (
        b"nonsense\r\n\r\n",
        b"\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03" + bytes(range(200)) + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nno colon\r\n\r\n",
    ):
        assert reply_to(server, bad).startswith(b"HTTP/1.1 400 Bad Request\r\n"), bad
    long = b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 1_000_000
    assert reply_to(server, long).startswith(b"HTTP/1.1 431 ")
    assert server.request("/healthz")[0] == 200


def test_a_foreign_name_that_leads_here_is_refused(start):
    server = start()
    for host in ("evil.example", f"evil.example:{server.port}", "192.0.2.1"):
        assert server.request("/status.json", headers={"Host": host})[0] == 403
    for host in ("localhost", f"localhost:{server.port}", "127.0.0.1", "[::1]"):
        assert server.request("/status.json", headers={"Host": host})[0] == 200


def test_other_addresses_than_loopback_need_a_word(start, tmp_path):
    done = subprocess.run(
        [SERVER, "--listen", f"unix:{tmp_path}/x", "--status", "tcp:0.0.0.0:0"],
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
    )
    assert done.returncode == 1
    assert "cannot listen on tcp:0.0.0.0:0" in done.stderr and "--status-anywhere" in done.stderr


def test_the_endpoint_and_its_clients_cannot_have_one_address(tmp_path):
    address = f"unix:{tmp_path}/one"
    done = subprocess.run(
        [SERVER, "--listen", address, "--status", address],
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
    )
    assert done.returncode == 1 and "already listening" in done.stderr
    assert not (tmp_path / "one").exists()


def test_a_hundred_clients_at_one_time_are_all_answered(server):
    def ask(number):
        target = ("/metrics", "/status.json", "/healthz", "/")[number % 4]
        return server.request(target)[0]

    with concurrent.futures.ThreadPoolExecutor(100) as pool:
        assert list(pool.map(ask, range(400))) == [200] * 400


def test_a_client_that_sends_slowly_is_left_after_a_while_and_disturbs_nobody(start):
    server = start()
    with server.raw() as slow, server.raw() as silent:
        slow.sendall(b"GET /healthz HTTP/1.1\r\nHost: ")
        assert server.request("/healthz")[0] == 200
        assert slow.recv(100) == b""  # five seconds
        assert silent.recv(100) == b""
    assert server.request("/healthz")[0] == 200


def test_clients_that_never_read_cost_bounded_memory(start):
    server = start()
    before = server.figures()["process"]["resident_bytes"]
    with contextlib.ExitStack() as stack:
        for _ in range(60):
            connection = stack.enter_context(server.raw())
            connection.setblocking(False)
            with contextlib.suppress(BlockingIOError, ConnectionResetError):
                for _ in range(200):
                    connection.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" * 100)
        assert server.request("/healthz")[0] == 200
        grown = server.figures()["process"]["resident_bytes"] - before
    # A sanitizer keeps what is freed for a while.
    assert grown < (512 if "UNITY_TEST_SANITIZED" in os.environ else 32) << 20


def test_more_silent_clients_than_there_is_room_for_only_wait(start):
    server = start()
    with contextlib.ExitStack() as stack:
        for _ in range(80):
            stack.enter_context(server.raw())
        assert server.request("/healthz")[0] == 200  # once some were left


def test_it_goes_on_answering_while_the_server_drains(server, eventually):
    session = server.session()
    call = session.toolkits.diagnostics.work.submit(60)
    eventually(lambda: server.figures()["host"]["calls_running"] >= 1)
    server.process.send_signal(signal.SIGTERM)
    eventually(lambda: server.request("/healthz")[0] == 503)
    status, _, body = server.request("/healthz")
    assert (status, body) == (503, b"draining\n")
    assert server.figures()["state"] == "draining"
    assert b"\nunity_draining 1\n" in server.request("/metrics")[2]
    assert server.figures()["host"]["calls_running"] == 1
    with pytest.raises(unity.ConnectionLost):  # nobody new
        server.session()
    call.cancel()
    assert server.process.wait(DEADLINE_S) == 0
    session.close()
    with pytest.raises(ConnectionError if server.url.startswith("http") else OSError):
        server.request("/healthz")


def test_figures_outlive_the_host_until_the_end_is_forced(start, eventually):
    server = start("--drain-s", "0", "--end-grace-s", "5")
    session = server.session()
    session.toolkits.diagnostics.sleep.submit(1000)
    eventually(lambda: server.figures()["host"]["calls_running"] >= 1)
    server.process.send_signal(signal.SIGTERM)
    # All sessions are closed, but the method refuses to end.
    eventually(lambda: server.figures()["sessions"] == [])
    assert server.figures()["host"]["sessions_total"] == 1
    assert server.request("/healthz")[0] == 503
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(DEADLINE_S) == 3
    session.close()


def wake_ups(pid):
    """How often the threads of a process have gone to sleep."""
    return {
        task: re.search(
            r"^voluntary_ctxt_switches:\s+(\d+)", Path(f"{task}/status").read_text(), re.MULTILINE
        )[1]
        for task in map(str, Path(f"/proc/{pid}/task").iterdir())
    }


def test_nothing_wakes_up_while_nobody_asks(start):
    server = start()
    with server.session() as session:
        session.toolkits.demo_addone(x=1)
    server.figures()
    deadline = time.monotonic() + DEADLINE_S
    while True:  # until what there was has come to rest
        before = wake_ups(server.process.pid)
        with pytest.raises(subprocess.TimeoutExpired):  # a second in which it only lives
            server.process.wait(1.0)
        if wake_ups(server.process.pid) == before:
            return
        assert time.monotonic() < deadline


def test_it_says_how_many_descriptors_there_are_as_long_as_it_can(start):
    server = start()
    figures = server.figures()["process"]
    # The connection that asked was one of them, and may be closed by now.
    now_open = len(os.listdir(f"/proc/{server.process.pid}/fd"))
    assert figures["open_fds"] in (now_open, now_open + 1)
    resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (64, 64))
    assert server.figures()["process"]["max_fds"] == 64


def test_top_and_stats_show_the_new_numbers(start):
    with start().session() as session:
        stats = session.stats()
        assert stats["sessions_total"] == 1 and stats["calls_failed"] == 0
        with pytest.raises(unity.Error):
            session.toolkits.diagnostics.fail("runtime_error", "text")
        assert session.stats()["calls_failed"] == 1
        assert session.stats()["bytes_sent"] > stats["bytes_sent"] > 0


def test_the_json_is_one_object_with_the_documented_parts(server):
    figures = server.figures()
    assert set(figures) == {
        "version", "pid", "state", "time_s", "addresses", "reloads", "reloads_failed", "host",
        "process", "sessions",
    }  # fmt: skip
    assert json.loads(json.dumps(figures)) == figures


def test_a_status_socket_is_for_its_user_only(start, tmp_path):
    server = start(status=f"unix:{tmp_path}/status")
    assert server.request("/healthz")[0] == 200
    assert (tmp_path / "status").stat().st_mode & 0o777 == 0o600
