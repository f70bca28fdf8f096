# SPDX-License-Identifier: Apache-2.0
"""The server as a service: readiness, sockets that are passed, the watchdog, and the unit files."""

import configparser
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest

import unity
from built_extensions import EXAMPLES, build
from conftest import BUILD, DEADLINE_S, SERVER
from http_server import UnixConnection
from manager import Managed

ROOT = Path(__file__).resolve().parents[2]
PACKAGING = ROOT / "packaging"


@pytest.fixture
def managed(tmp_path):
    """Makes servers under a manager; they are killed after the test."""
    started = []

    def start(*options, **more):
        folder = tmp_path / f"manager{len(started)}"
        folder.mkdir()
        started.append(Managed(folder, *options, **more))
        return started[-1]

    yield start
    for server in started:
        server.close()


@pytest.fixture
def listening():
    """Makes listening sockets, as a socket unit does; they are closed after the test."""
    made = []

    def make(address, family=socket.AF_UNIX, kind=socket.SOCK_STREAM):
        one = socket.socket(family, kind)
        made.append(one)
        one.bind(address)
        if kind == socket.SOCK_STREAM:
            one.listen()
        return one

    yield make
    for one in made:
        one.close()


def test_the_manager_hears_of_the_start_a_reload_and_the_end(managed, tmp_path):
    server = managed("--listen", f"unix:{tmp_path}/u", "--drain-s", "100")
    assert server.message() == {"READY": "1", "STATUS": "serving"}
    with unity.connect(f"unix:{tmp_path}/u") as session:  # who is ready accepts
        assert session.run("demo_addone", {"x": 1}) == {"x": 2}
    before_us = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    server.process.send_signal(signal.SIGHUP)
    reloading = server.message()
    assert reloading["RELOADING"] == "1"
    assert before_us <= int(reloading["MONOTONIC_USEC"])
    assert int(reloading["MONOTONIC_USEC"]) <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    assert server.message()["READY"] == "1"
    server.process.send_signal(signal.SIGTERM)
    stopping = server.message()
    assert stopping["STOPPING"] == "1" and stopping["STATUS"] == "draining"
    assert int(stopping["EXTEND_TIMEOUT_USEC"]) == 107_000_000  # the drain, the grace, and 5 s
    assert server.end()[0] == 0


def test_the_drain_tells_the_manager_first_and_lets_calls_end(managed, tmp_path, eventually):
    server = managed("--listen", f"unix:{tmp_path}/u", "--diagnostics", "--drain-s", "100")
    server.wait_for("READY")
    session = unity.connect(f"unix:{tmp_path}/u")
    call = session.toolkits.diagnostics.work.submit(0.5)
    eventually(lambda: session.stats()["calls_running"] >= 1)
    server.process.send_signal(signal.SIGTERM)
    assert server.message()["STOPPING"] == "1"
    assert call.result(DEADLINE_S) == 0.5
    assert server.end()[0] == 0
    session.close()


def test_a_private_server_does_not_speak_for_the_service_that_launched_it(tmp_path, monkeypatch):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind(f"{tmp_path}/notify")
        monkeypatch.setenv("NOTIFY_SOCKET", f"{tmp_path}/notify")
        monkeypatch.setenv("WATCHDOG_USEC", "1000")
        monkeypatch.setenv("LISTEN_PID", str(os.getpid()))
        monkeypatch.setenv("LISTEN_FDS", "1")
        with unity.launch() as session:
            assert session.run("demo_addone", {"x": 1}) == {"x": 2}
            pid = session.server_pid
        told.setblocking(False)
        with pytest.raises(BlockingIOError):
            told.recv(100)
    assert not Path(f"/proc/{pid}").exists()


def test_children_of_the_server_are_not_told_of_the_manager(managed, tmp_path, listening):
    server = managed(sockets=[listening(f"{tmp_path}/u")], variables={"WATCHDOG_USEC": "60000000"})
    server.wait_for("READY")
    # What a child would inherit is what getenv finds; the memory of the start shows that it had it.
    assert b"NOTIFY_SOCKET" in Path(f"/proc/{server.process.pid}/environ").read_bytes()
    flags = [
        int(re.search(r"^flags:\s+(\d+)", text.read_text(), re.MULTILINE)[1], 8)
        for fd in (3,)
        for text in [Path(f"/proc/{server.process.pid}/fdinfo/{fd}")]
    ]
    assert all(flag & os.O_CLOEXEC for flag in flags)


def test_signs_of_life_go_out_at_half_the_interval(managed, tmp_path):
    server = managed("--listen", f"unix:{tmp_path}/u", variables={"WATCHDOG_USEC": "100000"})
    for _ in range(3):
        assert server.wait_for("WATCHDOG") == {"WATCHDOG": "1"}
    assert server.stop(signal.SIGTERM)[0] == 0


def test_a_stopped_loop_gives_no_sign_of_life(managed, tmp_path):
    server = managed("--listen", f"unix:{tmp_path}/u", variables={"WATCHDOG_USEC": "100000"})
    server.wait_for("READY")
    server.process.send_signal(signal.SIGSTOP)
    server.told.settimeout(1.0)
    with pytest.raises(TimeoutError):
        while True:  # what was sent before
            server.message()


def test_passed_sockets_are_served_and_stay(managed, tmp_path, listening):
    clients = listening(f"{tmp_path}/clients")
    status = listening(f"{tmp_path}/status")
    options = {"sockets": [clients, status], "names": ["clients", "status"]}
    server = managed(**options)
    assert server.line() == f"listening on unix:{tmp_path}/clients"
    assert server.line() == f"status on unix:{tmp_path}/status"
    with unity.connect(f"unix:{tmp_path}/clients") as session:
        assert session.server_pid == server.process.pid
    connection = UnixConnection(tmp_path / "status")
    connection.request("GET", "/healthz")
    assert connection.getresponse().read() == b"ok\n"
    connection.close()
    assert server.stop(signal.SIGTERM)[0] == 0
    assert (tmp_path / "clients").exists()  # its maker goes on listening
    waiting = socket.socket(socket.AF_UNIX)
    waiting.connect(f"{tmp_path}/clients")
    waiting.close()
    server = managed(**options)
    assert server.line() == f"listening on unix:{tmp_path}/clients"
    with unity.connect(f"unix:{tmp_path}/clients") as session:
        assert session.server_pid == server.process.pid


def test_clients_see_the_server_behind_a_passed_socket_and_not_who_made_it(managed, listening):
    """By that they know whose it is: anybody may take an abstract name."""
    name = f"\0unity-test-{os.getpid()}"
    server = managed(sockets=[listening(name)])
    server.wait_for("READY")
    with socket.socket(socket.AF_UNIX) as peer:
        peer.settimeout(DEADLINE_S)
        peer.connect(name)
        credentials = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        assert struct.unpack("3i", credentials)[0] == server.process.pid
    with unity.connect(f"unix:@{name[1:]}") as session:
        assert session.server_pid == server.process.pid


def test_passed_sockets_come_beside_those_of_the_options(managed, tmp_path, listening):
    server = managed("--listen", f"unix:{tmp_path}/own", sockets=[listening(f"{tmp_path}/given")])
    assert server.line() == f"listening on unix:{tmp_path}/own"
    assert server.line() == f"listening on unix:{tmp_path}/given"


def test_a_passed_socket_of_tcp_needs_the_same_words(managed, listening):
    tcp = listening(("127.0.0.1", 0), socket.AF_INET)
    port = tcp.getsockname()[1]
    status, log = managed(sockets=[tcp]).end()
    assert status == 1 and f"tcp:127.0.0.1:{port}" in log and "--insecure-tcp" in log
    server = managed("--insecure-tcp", sockets=[tcp])
    assert server.line() == f"listening on tcp:127.0.0.1:{port}"
    with unity.connect(f"tcp:127.0.0.1:{port}") as session:
        assert session.server_pid == server.process.pid
    status_server = managed(
        "--insecure-tcp", sockets=[tcp, listening(("127.0.0.1", 0), socket.AF_INET)],
        names=["clients", "status"],
    )  # fmt: skip
    assert status_server.line() == f"listening on tcp:127.0.0.1:{port}"
    assert status_server.line().startswith("status on http://127.0.0.1:")


def test_what_is_no_listening_socket_ends_the_start(managed, tmp_path, listening):
    datagrams = listening(f"{tmp_path}/d", kind=socket.SOCK_DGRAM)
    status, log = managed(sockets=[datagrams], names=["wrong"]).end()
    assert status == 1
    assert "descriptor 3 ('wrong')" in log and "ListenStream=" in log


def test_systemd_s_own_tool_passes_sockets_that_are_served(tmp_path, eventually):
    tool = shutil.which("systemd-socket-activate")
    if tool is None:
        pytest.skip("there is no systemd-socket-activate here")
    path = tmp_path / "u"
    process = subprocess.Popen(
        [tool, f"--listen={path}", "--fdname=clients", SERVER],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        eventually(path.exists)
        with unity.connect(f"unix:{path}") as session:
            assert session.server_pid == process.pid
        assert process.stdout.readline() == f"listening on unix:{path}\n"
    finally:
        process.kill()
        process.communicate()


def unit(name):
    """A unit file by section; of a key that comes more than once the last value."""
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str
    parser.read(PACKAGING / name)
    return parser


def test_the_units_are_what_systemd_understands(tmp_path):
    tool = shutil.which("systemd-analyze")
    if tool is None:
        pytest.skip("there is no systemd-analyze here")
    for name in ("unity.service", "unity.socket"):
        # With a program that there is.
        text = (PACKAGING / name).read_text().replace("/usr/local/bin/unity_server", str(SERVER))
        (tmp_path / name).write_text(text)
    done = subprocess.run(
        [tool, "verify", "--man=no", "--recursive-errors=no", *sorted(tmp_path.glob("unity.*"))],
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
    )
    complaints = [line for line in done.stderr.splitlines() if "unity." in line]
    assert complaints == [], done.stderr


def test_the_options_of_the_unit_start_a_server(managed, tmp_path, listening):
    service, sockets = unit("unity.service"), unit("unity.socket")
    assert service["Service"]["Type"] == "notify"
    assert service["Service"]["ExecReload"].endswith("-HUP $MAINPID")
    program, *options = service["Service"]["ExecStart"].split()
    assert program == "/usr/local/bin/unity_server"
    config = options[options.index("--config") + 1]
    assert config == "/etc/unity/unity.toml"
    options[options.index("--config") + 1] = str(PACKAGING / "unity.toml")
    assert sockets["Socket"]["FileDescriptorName"] == "clients"
    given = [listening(f"{tmp_path}/u")]
    server = managed(*options, "--status", f"unix:{tmp_path}/s", sockets=given, names=["clients"])
    assert server.line() == f"listening on unix:{tmp_path}/u"
    assert server.line() == f"status on unix:{tmp_path}/s"
    assert server.wait_for("READY")["STATUS"] == "serving"
    assert server.stop(signal.SIGTERM)[0] == 0


# As MemoryDenyWriteExecute= does, for this process and what it becomes. Since Linux 6.3.
_WITHOUT_NEW_CODE = """
import ctypes, os, sys
if ctypes.CDLL(None).prctl(65, 1, 0, 0, 0) != 0:
    sys.exit(77)
os.execv(sys.argv[1], sys.argv[1:])
"""


def test_server_and_extensions_run_where_memory_may_not_become_code(tmp_path):
    """So MemoryDenyWriteExecute= may stand in the unit."""
    assert unit("unity.service")["Service"]["MemoryDenyWriteExecute"] == "yes"
    address = f"unix:{tmp_path}/u"
    extension = build(tmp_path / "square.so", source=EXAMPLES / "square.cpp")
    process = subprocess.Popen(
        [sys.executable, "-c", _WITHOUT_NEW_CODE, SERVER, "--listen", address]
        + ["--extension", extension, "--diagnostics"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        if not (line := process.stdout.readline()):
            assert process.wait(DEADLINE_S) == 77
            pytest.skip("this kernel cannot refuse memory that becomes code")
        assert line == f"listening on {address}\n"
        with unity.connect(address) as session:
            echo = session.toolkits.diagnostics.echo
            assert echo(b"x" * 1_000_000) == b"x" * 1_000_000  # in shared memory
            assert session.toolkits.square.square_root(x=9) == 3
    finally:
        process.kill()
        process.communicate()


def test_what_is_installed_is_where_the_unit_wants_it_and_speaks_tls(certificates, tmp_path):
    prefix = tmp_path / "prefix"
    install = ("cmake", "--install", BUILD, "--prefix", prefix)
    done = subprocess.run(install, capture_output=True, text=True, timeout=DEADLINE_S)
    assert done.returncode == 0, done.stderr
    unit = (PACKAGING / "unity.service").read_text()
    program = prefix / re.search(r"^ExecStart=/usr/local/(\S+)", unit, re.MULTILINE)[1]
    options = ("--listen", "tcp:127.0.0.1:0", *certificates.server())
    with subprocess.Popen([program, *options], stdout=subprocess.PIPE, text=True) as server:
        address = server.stdout.readline().removeprefix("listening on ").strip()
        with unity.connect(address, tls=certificates.tls()) as session:
            assert session.run("demo_addone", {"x": 1}) == {"x": 2}
        server.kill()


CONTAINERFILE = (PACKAGING / "Containerfile").read_text() if PACKAGING.exists() else ""


def instructions():
    """(name, arguments) of each instruction of the container file."""
    joined = re.sub(r"\\\n", " ", re.sub(r"^#.*\n", "", CONTAINERFILE, flags=re.MULTILINE))
    return [line.split(None, 1) for line in joined.splitlines() if line.strip()]


def test_what_the_container_file_copies_and_installs_exists():
    known = instructions()
    for name, text in known:
        if name == "COPY" and "--from=" not in text:
            *sources, _ = text.split()
            for source in sources:
                assert (ROOT / source).exists(), source
    listed = (ROOT / "tools" / "debian-packages.txt").read_text().split()
    installs = [text for name, text in known if name == "RUN" and "apt-get install" in text]
    assert len(installs) == 2  # to build, and to run
    words = [
        re.sub(r"\$\(.*?\)", "", text.partition("apt-get install")[2]).partition("&&")[0].split()
        for text in installs
    ]
    packages = [word for one in words for word in one if not word.startswith("-")]
    assert "curl" in packages
    if shutil.which("apt-cache") and packages:
        done = subprocess.run(
            ["apt-cache", "show", "--no-all-versions", *packages], capture_output=True, text=True
        )
        found = set(re.findall(r"^Package: (\S+)$", done.stdout, re.MULTILINE))
        if found:  # there are lists of packages here
            assert set(packages) - found == set()
    assert "debian-packages.txt" in installs[0] and "libboost-dev" in listed


def test_the_container_runs_a_server_that_its_health_check_reaches(managed, tmp_path):
    known = dict(instructions())
    assert known["STOPSIGNAL"] == "SIGTERM"
    assert known["USER"] not in ("root", "0")
    entry = [word.strip('",[]') for word in known["ENTRYPOINT"].split()]
    command = [word.strip('",[]') for word in known["CMD"].split()]
    place = re.search(r"--unix-socket (\S+)", known["HEALTHCHECK"])[1]
    assert entry == ["unity_server"]
    assert f"unix:{place}" in command
    options = [
        word.replace("/run/unity", str(tmp_path)) if word.startswith("unix:") else word
        for word in command
    ]
    server = managed(*options)
    assert server.line().startswith("listening on unix:")
    assert server.line().startswith("status on unix:")
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("there is no curl here")
    check = known["HEALTHCHECK"].partition("CMD ")[2].replace("/run/unity", str(tmp_path)).split()
    # curl never ends with a sanitizer's library in it.
    plain = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
    asked = subprocess.run(check, timeout=DEADLINE_S, env=plain, stdout=subprocess.DEVNULL)
    assert asked.returncode == 0
    server.stop(signal.SIGTERM)
    asked = subprocess.run(check, timeout=DEADLINE_S, env=plain, capture_output=True)
    assert asked.returncode != 0
