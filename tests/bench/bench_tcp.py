# SPDX-License-Identifier: Apache-2.0
"""A call and a large array over TCP loopback, plain and with TLS, beside a bare socket.

The bare socket receives into memory that is there already; the broker's receiver takes new memory
from the system each time, as a value needs it. With TLS the bare socket is one of Python's ssl
module, whose OpenSSL may be another build than the broker's.
"""

import os
import socket
import ssl
import statistics
import subprocess
import tempfile
from pathlib import Path

import numpy
import trustme

import measure
import unity

MIB = 1 << 20
PAYLOAD = 256 * MIB
BLOCKS = 9
CALLS = 300
ORDER = 64  # bytes of what the bare child is told
SERVER = Path(unity.__file__).parent / "bin/unity_server"


class Certificate:
    """One for 127.0.0.1, in files, and contexts of Python's ssl module that use it."""

    def __init__(self, folder):
        authority = trustme.CA()
        leaf = authority.issue_cert("127.0.0.1")
        self.ca, self.chain, self.key = (folder / name for name in ("ca.pem", "c.pem", "key.pem"))
        authority.cert_pem.write_to_path(self.ca)
        leaf.cert_chain_pems[0].write_to_path(self.chain)
        leaf.private_key_pem.write_to_path(self.key)
        self.key.chmod(0o600)

    def of_client(self, plain):
        """The client's side of a connected socket."""
        context = ssl.create_default_context(cafile=self.ca)
        return context.wrap_socket(plain, server_hostname="127.0.0.1")

    def of_server(self, plain):
        """The server's side."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.chain, self.key)
        return context.wrap_socket(plain, server_side=True)


class Bare:
    """A child that receives PAYLOAD bytes on `<`, sends as many on `>`, and 64 bytes on `x`."""

    def __init__(self, certificate=None):
        self.place = memoryview(numpy.ones(PAYLOAD, numpy.uint8))
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.socket = socket.create_connection(listener.getsockname())
            other, _ = listener.accept()
        self.pid = os.fork()
        if self.pid == 0:
            self.socket.close()
            try:
                self.serve(certificate.of_server(other) if certificate else other)
            finally:
                os._exit(0)
        other.close()
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if certificate:
            self.socket = certificate.of_client(self.socket)

    def serve(self, other):
        """What the child does."""
        payload = numpy.ones(PAYLOAD, numpy.uint8)
        other.sendall(b".")
        while order := other.recv(ORDER):
            if order[:1] == b"x":
                other.sendall(order)
            elif order[:1] == b">":
                other.sendall(payload)
            else:
                self.receive(other)
                other.sendall(b".")

    def receive(self, other):
        """As many bytes as there are to come."""
        at = 0
        while at < PAYLOAD:
            at += other.recv_into(self.place[at:])

    def ping_pong(self, count):
        """Send 64 bytes and receive as many, `count` times."""
        for _ in range(count):
            self.socket.sendall(b"x" * ORDER)
            self.socket.recv(ORDER)

    def get(self):
        """From the child."""
        self.socket.sendall(b">" * ORDER)
        self.receive(self.socket)

    def put(self, payload):
        """To the child, which says when it has all."""
        self.socket.sendall(b"<" * ORDER)
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


def call(name, session, bare):
    """Print what a call takes, beside 64 bytes to and fro on a bare socket."""
    counter = session.types.Counter()
    increment = counter.increment
    pairs = measure.alternating(
        lambda count: [increment() for _ in range(count)], bare.ping_pong, BLOCKS, CALLS
    )
    ratio = statistics.median(mine / floor for mine, floor in pairs)
    mine, floor = (statistics.median(column) for column in zip(*pairs, strict=True))
    measure.line(
        f"a call over {name} / bare socket",
        f"{ratio:.2f}",
        f"{mine * 1e6:.0f} us, bare {floor * 1e6:.0f} us",
    )


def throughput(name, broker, bare, target):
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
        f"256 MiB {name} / bare socket",
        f"{ratio:.2f}",
        f"{PAYLOAD / mine / 1e9:.2f} GB/s, bare {PAYLOAD / floor / 1e9:.2f} GB/s",
        target,
    )


def peak(name, pid, act):
    """Print how much more memory than the payload the receiver has had."""
    before = clear_peak(pid)
    act()
    extra = peak_anon(pid) - before - PAYLOAD
    measure.line(
        f"peak memory of the {name} beyond 256 MiB", f"{extra / MIB:.1f} MiB", None, "16 MiB"
    )


def rows(name, options, tls, certificate, target):
    """Print all rows of one kind of connection."""
    command = [SERVER, "--log-level", "warning", "--listen", "tcp:127.0.0.1:0", "--diagnostics"]
    command += options
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        address = server.stdout.readline().split()[-1]
        bare = Bare(certificate)
        bare.socket.recv(1)
        payload = numpy.ones(PAYLOAD, numpy.uint8)
        with unity.connect(address, tls=tls) as session:
            call(name, session, bare)
            holder = session.types.Holder()
            held = holder.hold(payload)

            def put():
                holder.drop(holder.hold(payload))

            throughput(f"to the server over {name}", put, lambda: bare.put(payload), target)
            throughput(f"to the client over {name}", lambda: holder.get(held), bare.get, target)
            if tls is None:
                peak("server", session.server_pid, put)
                peak("client", os.getpid(), lambda: holder.get(held))
        bare.close()
        server.terminate()


def main():
    """Run all rows."""
    rows("TCP", ["--insecure-tcp"], None, None, "at least 0.8")
    with tempfile.TemporaryDirectory() as folder:
        certificate = Certificate(Path(folder))
        options = ["--tls-cert", certificate.chain, "--tls-key", certificate.key]
        rows("TLS", options, unity.TLS(ca=certificate.ca), certificate, None)


if __name__ == "__main__":
    main()
