# SPDX-License-Identifier: Apache-2.0
"""What is wrong with a machine, or slows things down, derived from its facts and nothing else."""

LEVELS = ("broken", "slow", "note")
"""What a finding means: something does not work; it works but costs; it may matter to somebody."""

_GIB = 1 << 30
_NOFILE_MIN = 4096
_FSIZE_MIN = _GIB
_AS_MIN = 64 * _GIB
_DEV_SHM_MIN = _GIB
_MEMORY_MIN = 2 * _GIB


def findings(facts, failures=()):
    """What the facts tell.

    Args:
        facts: as `unity._doctor_facts.facts()` returns; a fact that is None says nothing.
        failures: pairs of a measurement's name and why it could not be made.

    Returns:
        A list of dicts with the texts "name", "level" (one of LEVELS), "what" it is, what it
        "cost"s and what to do about it, "remedy"; the worst come first.
    """
    found = [finding for check in _CHECKS for finding in check(facts)]
    found += [
        _finding(
            f"measurement.{name}",
            "broken",
            f"{name} could not be measured: {why}",
            "that step of a call does not work here, or not in time",
            "see the other findings; the text names what the system refused",
        )
        for name, why in failures
    ]
    return sorted(found, key=lambda finding: LEVELS.index(finding["level"]))


def _finding(name, level, what, cost, remedy):
    return {"name": name, "level": level, "what": what, "cost": cost, "remedy": remedy}


def _server(facts):
    server, versions = facts["server"], facts["versions"]
    place = "the server" if server["path"] is None else f"the server {server['path']!r}"
    if server["trouble"] is not None:
        yield _finding(
            "server",
            "broken",
            f"{place} does not run: {server['trouble']}",
            "unity.launch() raises LaunchError",
            "install the package anew, or set UNITY_SERVER_BINARY to a server that runs",
        )
    elif None not in (server["version"], versions["unity"]) and (
        server["version"] != versions["unity"]
    ):
        yield _finding(
            "server.version",
            "note",
            f"the server is {server['version']}, and the package is {versions['unity']}",
            "what only the newer one of them has raises NotSupported",
            "install both from one release; UNITY_SERVER_BINARY chooses the server",
        )


def _descriptors(facts):
    if facts["memfd"] is not None:
        yield _finding(
            "memfd",
            "broken",
            f"memfd_create fails: {facts['memfd']}",
            "no launch(), and no array can lie in shared memory",
            "let the container's seccomp profile allow memfd_create",
        )
    if facts["pidfd"] is not None:
        yield _finding(
            "pidfd",
            "broken",
            f"pidfd_open fails: {facts['pidfd']}",
            "no launch(): a private server could not tell the end of its launcher",
            "let the container's seccomp profile allow pidfd_open (Linux 5.3)",
        )


def _huge_pages(facts):
    chosen = facts["shared_huge_pages"]
    if chosen in ("always", "within_size", "advise", "force"):
        return
    setting = "/sys/kernel/mm/transparent_hugepage/shmem_enabled"
    yield _finding(
        "shared_huge_pages",
        "slow",
        "shared memory has no huge pages: "
        + (f"{setting} is {chosen}" if chosen else "this kernel does not offer them"),
        "the first touch of large arrays in shared memory takes a page fault for each 4 KiB "
        "instead of each 2 MiB; arrays in memory that is touched already do not notice",
        f"as root: echo advise > {setting}" if chosen else "a kernel with shmem huge pages",
    )


def _cores(facts):
    if facts["cores"] == 1:
        yield _finding(
            "cores",
            "slow",
            "this process may use one core only",
            "client and server take turns: each call waits for two switches between them, and "
            "methods never run beside the program",
            "give the process or its container a second core (taskset, cpuset)",
        )
    if facts["load"] > facts["cores"]:
        yield _finding(
            "load",
            "note",
            f"the machine is busy: {facts['load']:.1f} programs want to run on "
            f"{facts['cores']} cores",
            "times above are longer than on an idle machine; ratios hold",
            "run it again when the machine is idle",
        )


def _memory(facts):
    available = facts["memory_available_bytes"]
    if available is not None and available < _MEMORY_MIN:
        yield _finding(
            "memory",
            "note",
            f"{_size(available)} of memory are free",
            "the server lets its sessions hold half of what is free at its start, but at least "
            "1 GiB, together; the system may end processes before that",
            "free memory, or start the server with a smaller --bulk-total-mib",
        )
    if facts["overcommit_memory"] == 2:
        yield _finding(
            "overcommit_memory",
            "slow",
            "the system promises no more memory than it has: vm.overcommit_memory is 2",
            "private views of large results count in full though nothing is copied, so that "
            "large arrays may raise MemoryError while memory is free",
            "as root: sysctl vm.overcommit_memory=0, or a higher vm.overcommit_ratio",
        )


def _limits(facts):
    limits = facts["limits"]
    if _is_below(limits["nofile"], _NOFILE_MIN):
        yield _finding(
            "limits.nofile",
            "note",
            f"a process may open {limits['nofile'][0]} descriptors (RLIMIT_NOFILE)",
            "a server takes one for each session, and both sides one for each arena of shared "
            "memory; without any left it accepts no further session",
            f"ulimit -n {_NOFILE_MIN} or more before the server starts (LimitNOFILE= of systemd)",
        )
    if _is_below(limits["fsize"], _FSIZE_MIN):
        yield _finding(
            "limits.fsize",
            "slow",
            f"files may have {_size(limits['fsize'][0])} (RLIMIT_FSIZE), shared memory included",
            "larger arrays cross through the socket, which copies them several times",
            "ulimit -f unlimited",
        )
    if _is_below(limits["as"], _AS_MIN):
        yield _finding(
            "limits.as",
            "note",
            f"a process may map {_size(limits['as'][0])} (RLIMIT_AS)",
            "arrays of the other side are mapped whole, and count though they take no memory",
            "ulimit -v unlimited, and a limit of the container's memory instead",
        )
    if limits["core"][0] == 0:
        yield _finding(
            "limits.core",
            "note",
            "no core files are written (RLIMIT_CORE is 0)",
            "of a server that crashes there are the backtrace and the last calls in ServerCrashed, "
            "and no file for a debugger",
            "ulimit -c unlimited before the server starts, if you want one",
        )


def _dev_shm(facts):
    size = facts["dev_shm_bytes"]
    if size is not None and size < _DEV_SHM_MIN:
        yield _finding(
            "dev_shm",
            "note",
            f"/dev/shm has room for {_size(size)}",
            "nothing for unity, whose shared memory is in memfds; multiprocessing, joblib and "
            "others that put arrays there fail beyond it",
            "a larger one, such as docker run --shm-size=1g",
        )


def _packages(facts):
    costs = {
        "numpy": "results that are arrays are unity.Buffer; no unity.allocator() or share()",
        "rich": "no tables of `doctor` and no live view of `top`",
        "tqdm": "calls that report progress show no bar",
        "click": "there is no `python -m unity`",
    }
    for name, cost in costs.items():
        if facts["versions"][name] is None:
            yield _finding(
                f"packages.{name}",
                "note",
                f"the package {name} is not installed",
                cost,
                f"pip install {name}",
            )


_CHECKS = (_server, _descriptors, _huge_pages, _cores, _memory, _limits, _dev_shm, _packages)


def _is_below(limit, least):
    return limit[0] is not None and limit[0] < least


def _size(count):
    """A number of bytes for people: 1536 is "1.5 KiB"."""
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if count < 1024 or unit == "GiB":
            return f"{count:.4g} {unit}"
        count /= 1024
    return ""
