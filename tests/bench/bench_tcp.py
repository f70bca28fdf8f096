# SPDX-License-Identifier: Apache-2.0
"""A large array over TCP loopback, beside a bare socket that copies the same bytes.

The bare socket receives into memory that is there already; the broker's receiver takes new memory
from the system each time, as a value needs it.
"""

import os
import socket
import statistics
import subprocess
from pathlib import Path

import numpy

import measure
import unity

MIB = 1 << 20
PAYLOAD = 256 * MIB
BLOCKS = 9
SERVER = Path(unity.__file__).parent / "bin/unity_server"


class Bare:
    """A child that receives PAYLOAD bytes on `<` and sends as many on `>`."""

    def __init__(self):
        self.place = memoryview(numpy.ones(PAYLOAD, numpy.uint8))
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.socket = socket.create_connection(listener.getsockname())
            other, _ = listener.accept()
        self.pid = os.fork()
        if self.pid == 0:
            self.socket.close()
            try:
                self.serve(other)
            finally:
                os._exit(0)
        other.close()

    def serve(self, other):
        """What the child does."""
        payload = numpy.ones(PAYLOAD, numpy.uint8)
        other.sendall(b".")
        while order := other.recv(1):
            if order == b">":
                other.sendall(payload)
            else:
                self.receive(other)
                other.sendall(b".")

    def receive(self, other):
        """As many bytes as there are to come."""
        at = 0
        while at < PAYLOAD:
            at += other.recv_into(self.place[at:])

    def get(self):
        """From the child."""
        self.socket.sendall(b">")
        self.receive(self.socket)

    def put(self, payload):
        """To the child, which says when it has all."""
        self.socket.sendall(b"<")
        self.socket.sendall(payload)
        self.socket.recv(1)

    def close(self):
        """End the child."""
        self.socket.close()
        os.waitpid(self.pid, 0)


def peak_anon(pid):
    """The most private memory that a process has had since clear_peak(), in bytes."""
    with open(f"/proc/{pid}/status") as status:
        for text in status:
            if text.startswith("VmHWM"):
                return int(text.split()[1]) * 1024
    raise RuntimeError(f"no VmHWM for process {pid}")


def clear_peak(pid):
    """Let peak_anon() begin at what the process has now, and return that."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    return peak_anon(pid)


def throughput(name, broker, bare):
    """Print how fast the bytes go, beside the bare socket."""
    pairs = measure.alternating(
        lambda count: [broker() for _ in range(count)],
        lambda count: [bare() for _ in range(count)],
        BLOCKS,
        1,
    )
    ratio = statistics.median(floor / mine for mine, floor in pairs)
    mine, floor = (statistics.median(column) for column in zip(*pairs, strict=True))
    measure.line(
        f"256 MiB {name} over TCP / bare socket",
        f"{ratio:.2f}",
        f"{PAYLOAD / mine / 1e9:.2f} GB/s, bare {PAYLOAD / floor / 1e9:.2f} GB/s",
        "at least 0.8",
    )


def peak(name, pid, act):
    """Print how much more memory than the payload the receiver has had."""
    before = clear_peak(pid)
    act()
    extra = peak_anon(pid) - before - PAYLOAD
    measure.line(
        f"peak memory of the {name} beyond 256 MiB", f"{extra / MIB:.1f} MiB", None, "16 MiB"
    )


def main():
    """Run all rows."""
    command = [
        SERVER,
        "--log-level",
        "warning",
        "--listen",
        "tcp:127.0.0.1:0",
        "--insecure-tcp",
        "--diagnostics",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        address = server.stdout.readline().split()[-1]
        bare = Bare()
        bare.socket.recv(1)
        payload = numpy.ones(PAYLOAD, numpy.uint8)
        with unity.connect(address) as session:
            holder = session.types.Holder()
            held = holder.hold(payload)

            def put():
                holder.drop(holder.hold(payload))

            throughput("to the server", put, lambda: bare.put(payload))
            throughput("to the client", lambda: holder.get(held), bare.get)
            peak("server", session.server_pid, put)
            peak("client", os.getpid(), lambda: holder.get(held))
        bare.close()
        server.terminate()


if __name__ == "__main__":
    main()
