# SPDX-License-Identifier: Apache-2.0
"""`python -m unity doctor`: that it measures, and what it finds in the facts of a machine."""

import contextlib
import copy
import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import unity
from conftest import DEADLINE_S, SERVER, children
from unity import _doctor_facts
from unity._doctor_bench import Peer
from unity._doctor_findings import LEVELS, findings

FLOORS = {
    *("ping_pong_two_cores", "ping_pong_one_core", "wake_up_two_cores", "wake_up_one_core"),
    *("memcpy", "memfd", "fault", "fault_huge", "process"),
}
STEPS = {
    *("marshal_int", "marshal_dict", "call_two_cores", "call_one_core", "call"),
    *("launch", "connect", "array", "born_shared"),
}
WITH_FLOOR = {"call_two_cores", "call_one_core", "connect", "array", "born_shared"}


def doctor(*arguments, before="", **variables):
    """Exit status, stdout and stderr of `python -m unity doctor …`, after some code of Python."""
    code = f"{before}\nimport sys\nfrom unity.__main__ import main\nmain()"
    done = subprocess.run(
        [sys.executable, "-c", code, "doctor", *arguments],
        env={**os.environ, "UNITY_SERVER_BINARY": str(SERVER), **variables},
        capture_output=True,
        text=True,
        timeout=110,
    )
    return done.returncode, done.stdout, done.stderr


def names(rows):
    return {row["name"] for row in rows}


def check_rows(rows):
    for row in rows:
        assert row["what"] and row["unit"] in ("s", "B/s")
        assert row["value"] > 0
        if row["name"] in WITH_FLOOR:
            assert row["floor"] and row["floor_value"] > 0 and row["ratio"] > 0
        else:
            assert (row["floor"], row["floor_value"], row["ratio"]) == (None, None, None)


def without_two_cores(known):
    return {name for name in known if not name.endswith("_two_cores")}


def test_every_floor_and_step_is_there_as_json():
    status, out, err = doctor("--json")
    assert (status, err) == (0, "")
    report = json.loads(out)
    is_single = len(os.sched_getaffinity(0)) == 1
    assert names(report["floors"]) == (without_two_cores(FLOORS) if is_single else FLOORS)
    assert names(report["steps"]) == (without_two_cores(STEPS) if is_single else STEPS)
    check_rows(report["floors"])
    check_rows(report["steps"])
    assert report["versions"]["unity"] == report["versions"]["server"] == unity.__version__
    assert report["versions"]["python"] and report["versions"]["kernel"]
    assert report["versions"]["capnp"].count(".") >= 1
    assert report["facts"]["server"]["path"] == str(SERVER)
    assert report["seconds"] > 0
    known = report["facts"] | {"versions": report["versions"]}
    assert report["findings"] == findings(known)


def test_the_tables_show_every_row():
    pytest.importorskip("rich")
    status, out, err = doctor()
    assert (status, err) == (0, "")
    for text in ("Unix socket, on one core", "memcpy", "unity.launch() to", "one way", "versions:"):
        assert text in out
    assert "µs" in out and "GB/s" in out
    assert max(map(len, out.splitlines())) <= 110


def test_on_one_core_it_measures_one_core_and_says_so():
    status, out, err = doctor(
        "--json", before="import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})"
    )
    assert (status, err) == (0, "")
    report = json.loads(out)
    assert names(report["floors"]) == without_two_cores(FLOORS)
    assert names(report["steps"]) == without_two_cores(STEPS)
    assert "cores" in names(report["findings"])


def test_it_needs_neither_numpy_nor_rich_for_json():
    status, out, err = doctor(
        "--json", before="import sys; sys.modules['numpy'] = sys.modules['rich'] = None"
    )
    assert (status, err) == (0, "")
    report = json.loads(out)
    assert "born_shared" in names(report["steps"])
    check_rows(report["steps"])


def test_without_rich_it_tells_at_once_what_to_install():
    status, out, err = doctor(before="import sys; sys.modules['rich'] = None")
    assert (status, out) == (1, "")
    assert err == (
        "Error: doctor draws its tables with the package rich: pip install rich; "
        "--json does without\n"
    )


def test_a_server_that_does_not_run_is_a_finding_beside_the_floors():
    status, out, err = doctor("--json", UNITY_SERVER_BINARY="/bin/false")
    assert (status, err) == (1, "")
    report = json.loads(out)
    assert report["steps"] == [] and "memcpy" in names(report["floors"])
    found = {one["name"]: one for one in report["findings"]}
    assert found["server"]["level"] == "broken"
    assert "'/bin/false' does not run: its --version ended with status 1" in found["server"]["what"]
    assert found["measurement.launch"]["level"] == "broken"


def is_alive(pid):
    """Whether a process still runs; one that has ended and waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("kind", ["socket", "eventfd"])
def test_the_other_end_of_a_floor_ends_with_its_measurement_however_that_ends(
    kind, script, eventually
):
    code = """
        import sys
        from unity._doctor_bench import Peer
        with Peer(sys.argv[1]) as peer:
            (peer.ping_pong if sys.argv[1] == "socket" else peer.wake)(3)
            print(peer._process.pid, flush=True)
            sys.stdin.read()
    """
    measuring = script(code, kind)
    other = int(measuring.line())
    assert is_alive(other)
    measuring.process.send_signal(signal.SIGKILL)
    eventually(lambda: not is_alive(other))


def is_measuring(pid):
    """Whether a process has the other end of a floor as its child, with both of its threads."""
    with contextlib.suppress(FileNotFoundError):  # a child has ended meanwhile
        return any(
            b"socket.socket(fileno" in Path(f"/proc/{child}/cmdline").read_bytes()
            and len(os.listdir(f"/proc/{child}/task")) == 2
            for child in children(pid)
        )
    return False


def test_ctrl_c_ends_it_with_all_that_it_has_started(eventually):
    process = subprocess.Popen(
        [sys.executable, "-m", "unity", "doctor", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        eventually(lambda: is_measuring(process.pid))
        started = children(process.pid)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        out, err = process.communicate(timeout=DEADLINE_S)
        assert (process.returncode, out, err.strip()) == (1, "", "Aborted!")
        eventually(lambda: not any(map(is_alive, started)))
    finally:
        process.kill()
        process.communicate()


def test_a_peer_is_not_in_the_group_that_a_terminal_interrupts():
    with Peer("socket") as peer:
        peer.ping_pong(3)
        assert os.getpgid(peer._process.pid) != os.getpgrp()


@pytest.mark.parametrize("kind", ["socket", "eventfd"])
def test_a_peer_that_is_killed_ends_the_measurement(kind):
    with Peer(kind) as peer:
        exchange = peer.ping_pong if kind == "socket" else peer.wake
        exchange(3)
        os.kill(peer._process.pid, signal.SIGKILL)
        with pytest.raises(OSError):
            exchange(1000)
            exchange(1000)


@pytest.mark.parametrize(
    ("path", "version"),
    [
        ("/usr/lib/x86_64-linux-gnu/libcapnp-0.9.2.so", "0.9.2"),
        ("/usr/lib/libcapnp-1.0.1.so", "1.0.1"),
        ("/env/unity_broker.libs/libcapnp-0-1a2b3c4d.9.2.so", "0.9.2"),
        ("/usr/lib/x86_64-linux-gnu/libcapnp-rpc-0.9.2.so", None),
    ],
)
def test_the_version_of_capnp_is_read_off_its_library(path, version, monkeypatch):
    monkeypatch.setattr(_doctor_facts, "_text", lambda _: f"7f00-7f01 r-xp 0 08:01 5 {path}\n")
    assert _doctor_facts._capnp_version() == version


@pytest.mark.parametrize(
    ("limit", "used", "available"),
    [("max\n", "5\n", 2048), ("3000\n", "1000\n", 2000), (None, None, 2048), ("5\n", "9\n", 0)],
)
def test_free_memory_is_that_of_the_container_if_it_has_less(limit, used, available, monkeypatch):
    texts = {
        "/proc/meminfo": "MemTotal:  9 kB\nMemAvailable:  2 kB\n",
        "/sys/fs/cgroup/memory.max": limit,
        "/sys/fs/cgroup/memory.current": used,
    }
    monkeypatch.setattr(_doctor_facts, "_text", texts.get)
    assert _doctor_facts.memory_available() == available


def test_what_the_system_refuses_is_told_in_its_words():
    def refuse():
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    assert _doctor_facts._trouble(refuse) == "Function not implemented"
    assert _doctor_facts._trouble(lambda: os.open(os.devnull, os.O_RDONLY)) is None


HEALTHY = {
    "cores": 8,
    "load": 0.5,
    "memory_available_bytes": 16 << 30,
    "shared_huge_pages": "advise",
    "overcommit_memory": 0,
    "limits": {
        "nofile": [65536, 65536],
        "memlock": [65536, 65536],
        "fsize": [None, None],
        "core": [None, None],
        "as": [None, None],
    },
    "dev_shm_bytes": 8 << 30,
    "memfd": None,
    "pidfd": None,
    "server": {"path": "/usr/bin/unity_server", "version": "1.0", "trouble": None},
    "versions": {
        "unity": "1.0",
        "capnp": "0.9.2",
        "python": "3.11.2",
        "numpy": "2.0",
        "click": "8.1",
        "rich": "13.0",
        "tqdm": "4.64",
        "kernel": "Linux 6.1",
        "libc": "glibc 2.36",
    },
}


def with_fact(path, value):
    """The facts of a healthy machine, but for one at a dotted path."""
    facts = copy.deepcopy(HEALTHY)
    *outer, last = path.split(".")
    inner = facts
    for name in outer:
        inner = inner[name]
    assert last in inner
    inner[last] = value
    return facts


def test_a_healthy_machine_has_no_findings():
    assert findings(HEALTHY) == []


@pytest.mark.parametrize(
    ("fact", "value", "name", "level", "text"),
    [
        ("server.trouble", "no such file", "server", "broken", "no such file"),
        ("server.version", "0.9", "server.version", "note", "the server is 0.9"),
        ("memfd", "Function not implemented", "memfd", "broken", "Function not implemented"),
        ("pidfd", "Operation not permitted", "pidfd", "broken", "Operation not permitted"),
        ("shared_huge_pages", "never", "shared_huge_pages", "slow", "shmem_enabled is never"),
        ("shared_huge_pages", None, "shared_huge_pages", "slow", "does not offer them"),
        ("cores", 1, "cores", "slow", "one core only"),
        ("load", 9.5, "load", "note", "9.5 programs want to run on 8 cores"),
        ("memory_available_bytes", 512 << 20, "memory", "note", "512 MiB of memory are free"),
        ("overcommit_memory", 2, "overcommit_memory", "slow", "vm.overcommit_memory is 2"),
        ("limits.nofile", [1024, 4096], "limits.nofile", "note", "may open 1024 descriptors"),
        ("limits.fsize", [1536, None], "limits.fsize", "slow", "files may have 1.5 KiB"),
        ("limits.as", [8 << 30, None], "limits.as", "note", "may map 8 GiB"),
        ("limits.core", [0, None], "limits.core", "note", "no core files"),
        ("dev_shm_bytes", 64 << 20, "dev_shm", "note", "has room for 64 MiB"),
        ("versions.numpy", None, "packages.numpy", "note", "numpy is not installed"),
        ("versions.rich", None, "packages.rich", "note", "rich is not installed"),
        ("versions.tqdm", None, "packages.tqdm", "note", "tqdm is not installed"),
        ("versions.click", None, "packages.click", "note", "click is not installed"),
    ],
)
def test_a_fact_that_is_wrong_is_one_finding_that_says_what_to_do(fact, value, name, level, text):
    (found,) = findings(with_fact(fact, value))
    assert (found["name"], found["level"]) == (name, level)
    assert text in found["what"]
    assert found["cost"] and found["remedy"]


@pytest.mark.parametrize(
    ("fact", "value"),
    [
        ("memory_available_bytes", None),
        ("overcommit_memory", None),
        ("overcommit_memory", 1),
        ("dev_shm_bytes", None),
        ("shared_huge_pages", "within_size"),
        ("limits.memlock", [0, 0]),  # nothing locks memory
        ("versions.unity", None),
        ("versions.capnp", None),
        ("server.version", None),
    ],
)
def test_a_fact_that_is_unknown_or_does_not_matter_is_none(fact, value):
    assert findings(with_fact(fact, value)) == []


def test_what_could_not_be_measured_is_a_finding_and_the_worst_come_first():
    facts = with_fact("cores", 1) | {"overcommit_memory": 2, "dev_shm_bytes": 0}
    found = findings(facts, [("memfd", "OSError: no space")])
    levels = [LEVELS.index(one["level"]) for one in found]
    assert levels == sorted(levels) and len(found) == 4
    assert found[0]["name"] == "measurement.memfd" and "no space" in found[0]["what"]
