# SPDX-License-Identifier: Apache-2.0
"""Memory after a million calls, and what one object costs at either end."""

import os

import measure
import unity

CALLS = 1_000_000
OBJECTS = 100_000


def private_bytes(pid):
    """Anonymous memory of a process that is in RAM, in bytes."""
    with open(f"/proc/{pid}/status") as status:
        for text in status:
            if text.startswith("RssAnon"):
                return int(text.split()[1]) * 1024
    raise RuntimeError(f"no RssAnon for process {pid}")


def main():
    """Run all parts."""
    with unity.launch() as session:
        both = (os.getpid(), session.server_pid)
        counter = session.types.Counter()
        for _ in range(20_000):
            counter.increment(1)
        before = [private_bytes(pid) for pid in both]
        for _ in range(CALLS):
            counter.increment(1)
        grown = [private_bytes(pid) - start for pid, start in zip(both, before, strict=True)]
        measure.line(
            "growth over 1,000,000 calls, client / server",
            f"{grown[0] // 1024:+} / {grown[1] // 1024:+} KiB",
            None,
            "flat",
        )
        before = [private_bytes(pid) for pid in both]
        keep = [session.types.Counter() for _ in range(OBJECTS)]
        grown = [private_bytes(pid) - start for pid, start in zip(both, before, strict=True)]
        measure.line(
            "bytes for one object, proxy / server",
            f"{grown[0] // OBJECTS} / {grown[1] // OBJECTS}",
            None,
            "300 / 400 and the object",
        )
        del keep


if __name__ == "__main__":
    main()
