# SPDX-License-Identifier: Apache-2.0
"""Arrays for the tests of shared memory, and what processes have of it."""

import os
import re

import numpy as np

import unity

LARGE = 1 << 22  # elements: 32 MiB, so that the server's arrays are born in an arena of their own


def private_kib(pid="self"):
    """KiB of memory that are this process's alone."""
    with open(f"/proc/{pid}/status") as status:
        return int(re.search(r"RssAnon:\s+(\d+)", status.read())[1])


def arenas(pid="self"):
    """How many mapped files of shared memory a process has."""
    with open(f"/proc/{pid}/maps") as maps:
        return sum("/memfd:" in line for line in maps)


def memfds(pid="self"):
    """How many descriptors of shared memory a process has."""
    links = (f"/proc/{pid}/fd/{fd}" for fd in os.listdir(f"/proc/{pid}/fd"))
    return sum(os.path.islink(link) and "/memfd:" in os.readlink(link) for link in links)


def lent(n=1000, mode="ro"):
    with unity.allocator(mode=mode, min_bytes=1):
        return np.arange(n, dtype=np.int64)
