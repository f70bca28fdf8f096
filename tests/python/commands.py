# SPDX-License-Identifier: Apache-2.0
"""`python -m unity …` in processes of its own."""

import contextlib
import subprocess
import sys

from conftest import SERVER

UNITY = (sys.executable, "-m", "unity")


def environment(**variables):
    """The least that a command needs, and these."""
    return {"UNITY_SERVER_BINARY": str(SERVER), "PATH": "/usr/bin:/bin", **variables}


def unity_command(*arguments, **variables):
    """Exit status, stdout and stderr of `python -m unity …`."""
    done = subprocess.run(
        [*UNITY, *map(str, arguments)],
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=100,
    )
    return done.returncode, done.stdout, done.stderr


@contextlib.contextmanager
def started():
    """Gives a function that starts `python -m unity …` with pipes and options of
    subprocess.Popen; what still runs at the end is killed."""
    processes = []

    def start(*arguments, **options):
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        command = [*UNITY, *map(str, arguments)]
        processes.append(subprocess.Popen(command, **{**pipes, **options}))
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.communicate()
