# SPDX-License-Identifier: Apache-2.0
"""The status endpoint of a server in tests, over Unix sockets and TCP."""

import http.client
import json
import signal
import socket
import subprocess

import unity
from conftest import DEADLINE_S, SERVER


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path):
        super().__init__("localhost", timeout=DEADLINE_S)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class StatusServer:
    """A `unity_server` with a status endpoint, at a port of TCP unless another address is given."""

    def __init__(self, path, *options, status="tcp:127.0.0.1:0"):
        self.process = subprocess.Popen(
            [SERVER, "--listen", f"unix:{path}", "--diagnostics", "--status", status, *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.address = f"unix:{path}"
        self.lines = [self.process.stdout.readline().strip()]
        while self.lines[-1].startswith("listening on "):
            self.lines.append(self.process.stdout.readline().strip())
        assert self.lines[0] == f"listening on {self.address}", self.lines
        assert self.lines[-1].startswith("status on "), self.lines
        self.url = self.lines[-1].removeprefix("status on ")

    @property
    def port(self):
        return int(self.url.rstrip("/").rpartition(":")[2])

    def session(self):
        return unity.connect(self.address)

    def open(self):
        """A connection to the endpoint, of http.client."""
        if self.url.startswith("unix:"):
            return UnixConnection(self.url.removeprefix("unix:"))
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_S)

    def raw(self):
        """A connection to the endpoint, as a socket."""
        if self.url.startswith("unix:"):
            made = socket.socket(socket.AF_UNIX)
            made.settimeout(DEADLINE_S)
            made.connect(self.url.removeprefix("unix:"))
            return made
        return socket.create_connection(("127.0.0.1", self.port), timeout=DEADLINE_S)

    def request(self, target, method="GET", headers=None):
        """Status, headers and body of one reply, on a connection of its own."""
        connection = self.open()
        try:
            connection.request(method, target, headers=headers or {})
            reply = connection.getresponse()
            return reply.status, reply.headers, reply.read()
        finally:
            connection.close()

    def figures(self):
        status, _, body = self.request("/status.json")
        assert status == 200
        return json.loads(body)

    def stop(self, number=signal.SIGTERM):
        """Ends the server in order; returns status and log."""
        self.process.send_signal(number)
        _, log = self.process.communicate(timeout=DEADLINE_S)
        return self.process.returncode, log

    def kill(self):
        self.process.kill()
        self.process.communicate()
