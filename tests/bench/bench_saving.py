# SPDX-License-Identifier: Apache-2.0
"""Saving and loading an object of 1 GiB, beside plain writing and reading of as many bytes; and the
memory that both sides take for it."""

import os
import statistics
import tempfile
from pathlib import Path

import measure
import unity

MIB = 1 << 20
SIZE = 1024 * MIB
ROUNDS = 5
# More than that is not free.
LIMIT_PERCENT = 2.0


def peak(pid):
    """The most memory that a process has had since forget_peak(), in bytes."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) << 10


def forget_peak(pid):
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def write_plainly(path, block):
    with open(path, "wb", buffering=0) as file:
        for _ in range(SIZE // len(block)):
            file.write(block)
        os.fsync(file.fileno())


def read_plainly(path):
    place = bytearray(SIZE)
    with open(path, "rb", buffering=0) as file:
        view = memoryview(place)
        while view:
            view = view[file.readinto(view[: 8 * MIB]) :]


def main():
    block = os.urandom(MIB)
    with tempfile.TemporaryDirectory() as folder, unity.launch(diagnostics=True) as session:
        path, other = os.path.join(folder, "saved"), os.path.join(folder, "plain")
        holder = session.types.Holder()
        holder.zeros(SIZE // 8)
        session.save(holder, path)
        times = {"save": [], "write": [], "load": [], "read": []}
        extra = {"save": [], "load": []}
        for _ in range(ROUNDS):
            times["write"].append(measure.seconds(lambda: write_plainly(other, block)))
            times["read"].append(measure.seconds(lambda: read_plainly(other)))
            for name, step in (
                ("save", lambda: session.save(holder, path)),
                ("load", lambda: session.load(path)),
            ):
                pids = (os.getpid(), session.server_pid)
                for pid in pids:
                    forget_peak(pid)
                before = [peak(pid) for pid in pids]
                times[name].append(measure.seconds(step))
                grown = [peak(pid) - start for pid, start in zip(pids, before, strict=True)]
                if name == "load":
                    grown[1] -= SIZE
                extra[name].append(max(grown))
    for name, plain in (("save", "write"), ("load", "read")):
        ratio = statistics.median(times[name]) / statistics.median(times[plain])
        print(f"{name} 1 GiB / plain {plain}: {ratio:.2f} ({statistics.median(times[name]):.2f} s)")
        percent = 100 * max(extra[name]) / SIZE
        verdict = "ok" if percent <= LIMIT_PERCENT else "MISSED"
        print(
            f"{name}: memory beside the object: {percent:.2f} % (limit {LIMIT_PERCENT}) {verdict}"
        )


if __name__ == "__main__":
    main()
