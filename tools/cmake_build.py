# SPDX-License-Identifier: Apache-2.0
"""The build directories of the tests, build/FOLDER, and building one before its step begins."""

import contextlib
import os
import re
import shlex
import shutil
import signal
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
LOGS = BUILD / "test-logs"
CORES = os.cpu_count() or 1


def is_of_another_tree(build, root=ROOT):
    """True for a CMake build directory that compiles the sources of another place: it came along
    when the tree was copied or moved."""
    cache = build / "CMakeCache.txt"
    if not cache.exists():
        return False
    home = re.search(r"^CMAKE_HOME_DIRECTORY:INTERNAL=(.*)$", cache.read_text(), re.MULTILINE)
    return home is not None and not (os.path.exists(home[1]) and os.path.samefile(home[1], root))


def is_known(folder):
    """True for a build directory that has programs of tests in it."""
    return any(p.name.endswith(("_tests", "_fuzz")) for p in (BUILD / folder).glob("tests/*"))


def commands(folder, targets, *options, jobs=CORES):
    """The commands that configure build/FOLDER, if it is new, and build the targets."""
    build = BUILD / folder
    if is_of_another_tree(build):
        shutil.rmtree(build)
    build_targets = ("ninja", "-C", build, "-k", "0", "-j", str(jobs), *targets)
    if (build / "build.ninja").exists():
        return [build_targets]
    return [("cmake", "-S", ROOT, "-B", build, "-G", "Ninja", "-Wno-dev", *options), build_targets]


class BuildAhead:
    """A build of a directory that a later step needs, on one core less than there are and behind
    everything else, while steps run that leave a core idle.

    What fails is not told here: the step builds again, and has the error then. In a `with`, whose
    end ends the build.
    """

    running = {}

    def __init__(self, folder, targets, *options):
        self.folder = folder
        todo = commands(folder, targets, *options, jobs=max(1, CORES - 1))
        line = " && ".join(shlex.join(map(str, command)) for command in todo)
        with (LOGS / f"build-{folder}.log").open("wb") as log:
            self.process = subprocess.Popen(
                ["nice", "-n", "19", "sh", "-c", line],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def __enter__(self):
        self.running[self.folder] = self.process
        return self

    def __exit__(self, *_):
        del self.running[self.folder]
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    @classmethod
    def wait_for(cls, folder, deadline):
        """Waits for the build of build/FOLDER, if one is running, or until time.monotonic() is
        `deadline`, when it is ended: nobody else may build there meanwhile."""
        process = cls.running.get(folder)
        if process is not None:
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
