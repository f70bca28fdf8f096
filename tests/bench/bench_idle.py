# SPDX-License-Identifier: Apache-2.0
"""What idle sessions cost: memory, threads, and wake-ups of client and server."""

import contextlib
import os
import re
import resource
import subprocess
import sys
import tempfile
import time

import measure
import unity

IDLE_S = 5.0
# Of one server, by so many processes.
SESSIONS = 2_000
CLIENTS = 8
LOOK_S = 2.0
REST_S = 10.0

CLIENT = """
import sys, unity
session = unity.launch()
counters = [session.types.Counter() for _ in range(int(sys.argv[1]))]
print(session.server_pid, flush=True)
sys.stdin.read()
"""


SESSIONS_OF_ONE = """
import sys, unity
sessions = [unity.connect(sys.argv[1]) for _ in range(int(sys.argv[2]))]
print("connected", flush=True)
sys.stdin.read()
"""


def switches(pid):
    """Voluntary context switches of all threads of a process so far: one for each sleep."""
    total = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/status") as status:
            for text in status:
                if text.startswith("voluntary_ctxt_switches"):
                    total += int(text.split()[1])
    return total


def let_live(server, seconds):
    """Look on for so long while a server runs; it must not end."""
    try:
        server.wait(seconds)
    except subprocess.TimeoutExpired:
        return
    raise SystemExit(f"the server has ended with status {server.returncode}")


def switches_at_rest(server):
    """switches() once what follows the opening of sessions is done, or after REST_S at the most."""
    deadline = time.monotonic() + REST_S
    seen = None
    while seen != (seen := switches(server.pid)) and time.monotonic() < deadline:
        let_live(server, 0.5)
    return seen


def threads(pid):
    """How many threads a process has."""
    return len(os.listdir(f"/proc/{pid}/task"))


def private_kib(pid):
    """The memory that is a process's own, in KiB."""
    with open(f"/proc/{pid}/smaps_rollup") as file:
        text = file.read()
    kinds = ("Private_Clean", "Private_Dirty")
    return sum(int(re.search(rf"{kind}:\s+(\d+)", text)[1]) for kind in kinds)


@contextlib.contextmanager
def many_sessions(address):
    """Client processes with SESSIONS open sessions of a server."""
    with contextlib.ExitStack() as clients:
        started = [
            clients.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", SESSIONS_OF_ONE, address, str(SESSIONS // CLIENTS)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            for _ in range(CLIENTS)
        ]
        for client in started:
            client.stdout.readline()
        yield
        for client in started:
            client.communicate()


def idle_sessions(listen, *options):
    """What each of many idle sessions costs a server that listens there."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # a session takes some here, too
    binary = os.path.join(os.path.dirname(unity.__file__), "bin", "unity_server")
    with subprocess.Popen(
        [binary, "--listen", listen, "--log-level", "warning", *options],
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        address = server.stdout.readline().split()[-1]
        with unity.connect(address) as first:
            first.ping()
            before = private_kib(server.pid)
            with many_sessions(address):
                each = (private_kib(server.pid) - before) / SESSIONS
                count = first.stats()["sessions"] - 1
                slept = switches_at_rest(server)
                let_live(server, LOOK_S)
                slept = switches(server.pid) - slept
        server.terminate()
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    kind = listen.partition(":")[0]
    measure.line(
        f"memory of the server for each of {count:,} idle sessions, {kind}",
        f"{each:.1f} KiB",
        None,
        "at most 48",
    )
    measure.line(f"wake-ups of that server in {LOOK_S:.0f} s, {kind}", slept, None, "0")


def main():
    """Run all parts."""
    with tempfile.TemporaryDirectory() as folder:
        idle_sessions(f"unix:{folder}/u.sock")
    idle_sessions("tcp:127.0.0.1:0", "--insecure-tcp")
    client = subprocess.Popen(
        [sys.executable, "-c", CLIENT, "1"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    server_pid = int(client.stdout.readline())
    time.sleep(1.0)
    before = switches(client.pid), switches(server_pid)
    time.sleep(IDLE_S)
    after = switches(client.pid), switches(server_pid)
    client.communicate()
    measure.line(
        f"wake-ups in {IDLE_S:.0f} s, idle client / idle server",
        f"{after[0] - before[0]} / {after[1] - before[1]}",
        None,
        "0 / 0",
    )
    with unity.launch() as session:
        # The server's threads grow with slow moments, not with objects: let it have some first.
        for _ in range(10_000):
            session.types.Counter()
        before = threads(os.getpid()), threads(session.server_pid)
        keep = [session.types.Counter() for _ in range(10_000)]
        after = threads(os.getpid()), threads(session.server_pid)
        measure.line(
            "threads added by 10,000 proxies, client / server",
            f"{after[0] - before[0]} / {after[1] - before[1]}",
            None,
            "0 / 0",
        )
        del keep


if __name__ == "__main__":
    main()
