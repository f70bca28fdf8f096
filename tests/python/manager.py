# SPDX-License-Identifier: Apache-2.0
"""What a service manager does for a server, in tests: sockets that it passes, and what it hears."""

import contextlib
import os
import socket
import subprocess
import sys

from conftest import DEADLINE_S, SERVER

# Becomes the server, with its own process id in LISTEN_PID and the sockets from 3 on.
_BECOME = """
import os, sys
count = int(sys.argv[1])
given = [os.dup(int(fd)) for fd in sys.argv[2 : 2 + count]]
given = [os.dup2(fd, 100 + i) for i, fd in enumerate(given)]
for i, fd in enumerate(given):
    os.dup2(fd, 3 + i)
    os.close(fd)
if count:
    os.environ["LISTEN_PID"] = str(os.getpid())
    os.environ["LISTEN_FDS"] = str(count)
os.execv(sys.argv[2 + count], sys.argv[2 + count :])
"""


class Managed:
    """A server as a service: with sockets, names for them, and a socket for what it tells."""

    def __init__(self, folder, *options, sockets=(), names=None, variables=None):
        self.told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.told.settimeout(DEADLINE_S)
        self.told.bind(str(folder / "notify"))
        environment = {
            **os.environ,
            "NOTIFY_SOCKET": str(folder / "notify"),
            **({"LISTEN_FDNAMES": ":".join(names)} if names else {}),
            **(variables or {}),
        }
        numbers = [one.fileno() for one in sockets]
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-c",
                _BECOME,
                str(len(numbers)),
                *map(str, numbers),
                SERVER,
                *options,
            ],
            pass_fds=numbers,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # without a terminal, as a service is
        )

    def line(self):
        return self.process.stdout.readline().strip()

    def message(self):
        """The next message of the server, as a dict."""
        return dict(line.split("=", 1) for line in self.told.recv(4096).decode().split("\n"))

    def wait_for(self, name):
        """The next message that says something of `name`; others are skipped."""
        while name not in (message := self.message()):
            pass
        return message

    def stop(self, number):
        self.process.send_signal(number)
        return self.end()

    def end(self):
        """Waits for the end; returns status and log."""
        _, log = self.process.communicate(timeout=DEADLINE_S)
        return self.process.returncode, log

    def close(self):
        self.process.kill()
        with contextlib.suppress(ValueError):  # it was read to its end
            self.process.communicate()
        self.told.close()
