# SPDX-License-Identifier: Apache-2.0
"""What idle sessions cost: threads, and wake-ups of client and server."""

import os
import subprocess
import sys
import time

import measure
import unity

IDLE_S = 5.0

CLIENT = """
import sys, unity
session = unity.launch()
counters = [session.types.Counter() for _ in range(int(sys.argv[1]))]
print(session.server_pid, flush=True)
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


def threads(pid):
    """How many threads a process has."""
    return len(os.listdir(f"/proc/{pid}/task"))


def main():
    """Run all parts."""
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
