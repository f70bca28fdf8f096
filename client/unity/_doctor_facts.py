# SPDX-License-Identifier: Apache-2.0
"""What `python -m unity doctor` looks up of this machine: limits, kernel settings, versions."""

import contextlib
import importlib.metadata
import os
import platform
import re
import resource
import subprocess

from unity import errors
from unity._launch import binary_path

_LIMITS = ("NOFILE", "MEMLOCK", "FSIZE", "CORE", "AS")
# The packages that something works without, or better with.
_PACKAGES = ("numpy", "click", "rich", "tqdm")
# A server whose --version takes longer is as good as none. Seconds.
_VERSION_PATIENCE_S = 10
# libcapnp-0.9.2.so of a system, or the copy in a wheel: libcapnp-0-1a2b3c4d.9.2.so
_CAPNP = re.compile(r"/libcapnp-(\d+)(?:-[0-9a-f]+)?((?:\.\d+)+)\.so")


def facts():
    """The facts that findings are derived from: a dict for `--json`.

    A fact that the machine does not tell is None.
    """
    return {
        "cores": len(os.sched_getaffinity(0)),
        "load": os.getloadavg()[0],
        "memory_available_bytes": memory_available(),
        "shared_huge_pages": _chosen("/sys/kernel/mm/transparent_hugepage/shmem_enabled"),
        "overcommit_memory": _number("/proc/sys/vm/overcommit_memory"),
        "limits": {name.lower(): _limit(name) for name in _LIMITS},
        "dev_shm_bytes": _size_of("/dev/shm"),
        "memfd": _trouble(lambda: os.memfd_create("unity doctor")),
        "pidfd": _trouble(lambda: os.pidfd_open(os.getpid())),
        "server": _server(),
        "versions": {
            "unity": _version_of("unity-broker"),
            "capnp": _capnp_version(),
            "python": platform.python_version(),
            **{name: _version_of(name) for name in _PACKAGES},
            "kernel": f"{platform.system()} {platform.release()} {platform.machine()}",
            "libc": " ".join(platform.libc_ver()),
        },
    }


def memory_available():
    """Bytes that programs can still get without swapping, of the machine or of its container."""
    text = _text("/proc/meminfo") or ""
    found = re.search(r"^MemAvailable:\s+(\d+) kB", text, re.MULTILINE)
    known = [int(found[1]) * 1024] if found else []
    limit, used = (_number(f"/sys/fs/cgroup/memory.{name}") for name in ("max", "current"))
    if limit is not None and used is not None:
        known.append(max(limit - used, 0))
    return min(known, default=None)


def _text(path):
    """What a file of the kernel says; None if there is none, or none for this user."""
    with contextlib.suppress(OSError), open(path) as file:
        return file.read()
    return None


def _number(path):
    text = _text(path)
    return int(text) if text is not None and text.strip().isdecimal() else None


def _chosen(path):
    """The word in brackets of a line such as "always [never] advise"."""
    found = re.search(r"\[(\w+)\]", _text(path) or "")
    return found[1] if found else None


def _limit(name):
    """The soft and the hard limit of a resource; None for no limit."""
    pair = resource.getrlimit(getattr(resource, f"RLIMIT_{name}"))
    return [None if value == resource.RLIM_INFINITY else value for value in pair]


def _size_of(folder):
    try:
        found = os.statvfs(folder)
    except OSError:
        return None
    return found.f_blocks * found.f_frsize


def _trouble(make):
    """Why a descriptor cannot be made; None if it can."""
    try:
        os.close(make())
    except OSError as error:
        return error.strerror
    return None


def _version_of(package):
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _capnp_version():
    """Of the library that this process has loaded with the package."""
    found = _CAPNP.search(_text("/proc/self/maps") or "")
    return found[1] + found[2] if found else None


def _server():
    """Where the server is, what version it says it has, and what keeps it from running."""
    result = {"path": None, "version": None, "trouble": None}
    try:
        result["path"] = binary_path(None)
        done = subprocess.run(
            [result["path"], "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="backslashreplace",
            timeout=_VERSION_PATIENCE_S,
        )
    except (OSError, errors.Error, subprocess.TimeoutExpired) as error:
        result["trouble"] = str(error)
        return result
    words = done.stdout.split()
    if done.returncode == 0 and words:
        result["version"] = words[-1]
    else:
        lines = (done.stderr or done.stdout).strip().splitlines() or ["it says nothing"]
        result["trouble"] = f"its --version ended with status {done.returncode}: {lines[-1]}"
    return result


def cores():
    """Up to two cores that this process may use, for both ends of a call."""
    return sorted(os.sched_getaffinity(0))[:2]
