# SPDX-License-Identifier: Apache-2.0
"""Two machines with a cable between them, as network namespaces of this one."""

import os
import shutil
import subprocess

import pytest


def _run(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        pytest.skip(f"no network namespaces here: {' '.join(command)}: {done.stderr.strip()}")


class TwoMachines:
    """The machines "a" at 10.213.7.1 and "b" at 10.213.7.2. Nothing of them reaches others."""

    addresses = {"a": "10.213.7.1", "b": "10.213.7.2"}

    def __init__(self):
        if os.geteuid() != 0:
            pytest.skip("only root can make network namespaces")
        if shutil.which("ip") is None:
            pytest.skip("there is no iproute2 (the command ip)")
        self.names = {side: f"unity-{os.getpid()}-{side}" for side in "ab"}

    def begin(self):
        for name in self.names.values():
            _run("ip", "netns", "add", name)
        a, b = (self.names[side] for side in "ab")
        _run("ip", "-n", a, "link", "add", "cable", "type", "veth", "peer", "cable", "netns", b)
        for side, name in self.names.items():
            _run("ip", "-n", name, "addr", "add", f"{self.addresses[side]}/24", "dev", "cable")
            _run("ip", "-n", name, "link", "set", "cable", "up")
            _run("ip", "-n", name, "link", "set", "lo", "up")

    def cut(self):
        """Takes the cable out at "b": neither side hears of the other any more, nor of that."""
        _run("ip", "-n", self.names["b"], "link", "set", "cable", "down")

    def command(self, side, *words):
        """The words of a command, to be run on one of the machines."""
        return ["ip", "netns", "exec", self.names[side], *map(str, words)]

    def end(self):
        for name in self.names.values():
            subprocess.run(["ip", "netns", "delete", name], capture_output=True, timeout=60)


@pytest.fixture
def two_machines():
    machines = TwoMachines()
    try:
        machines.begin()
        yield machines
    finally:
        machines.end()
