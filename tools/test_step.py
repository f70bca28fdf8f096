# SPDX-License-Identifier: Apache-2.0
"""One step of the tests: it runs commands within a time limit and counts what they tell."""

import contextlib
import os
import re
import signal
import subprocess
import time
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT / "build" / "test-logs"
INTERRUPT_GRACE_S = 10

# The two lines of a test that passed without a word; they would hide the others.
GTEST_PASSED = re.compile(r"^\[ RUN      \].*\n\[       OK \].*\n", re.MULTILINE)


@dataclass
class Step:
    """One step: its name, its time limit in seconds, and what it has counted so far."""

    name: str
    limit_s: float
    action: object
    is_slow: bool = False
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    deadline: float = 0.0
    failures: list = field(default_factory=list)

    def run(self, *command, env=None, report=None, counts=True, limit_s=None):
        """Runs a command within the step's time, or `limit_s` if that is less, and counts it.

        Args:
            env: variables beside the inherited ones.
            report: a JUnit file the command writes; without one the command counts as one test.
            counts: False for a command that only prepares; it counts only when it fails.

        Returns: True when it ended with status 0.
        """
        if report:
            report.unlink(missing_ok=True)
        log_path = LOGS / f"{self.name}.log"
        with log_path.open("ab") as log:
            start = log.tell()
            log.write(f"$ {' '.join(map(str, command))}\n".encode())
            log.flush()
            try:
                status = self.wait_for(command, env, log, limit_s or self.limit_s)
            except FileNotFoundError as missing:  # it was not built: one failure, and on
                log.write(f"{missing}\n".encode())
                status = "not built"
        passed, failed, skipped = read_report(report) if report else (0, 0, 0)
        if not report and counts and status == 0:
            passed = 1
        if status != 0 and failed == 0:
            failed = 1  # it crashed, or never got as far as a report
        self.passed, self.failed = self.passed + passed, self.failed + failed
        self.skipped += skipped
        if failed:
            with log_path.open("rb") as log:
                log.seek(start)
                text = log.read().decode(errors="replace")
            self.failures.append((status, GTEST_PASSED.sub("", text).splitlines()))
        return status == 0 and failed == 0

    def is_over(self):
        """True when the step's time is used up, which has been counted as a failure by then."""
        return time.monotonic() >= self.deadline

    def wait_for(self, command, env, log, limit_s):
        """The command's exit status. Past its time its process group is killed."""
        limit_s = max(0.1, min(limit_s, self.deadline - time.monotonic()))
        process = subprocess.Popen(
            list(map(str, command)),
            cwd=ROOT,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            return process.wait(limit_s)
        except subprocess.TimeoutExpired:
            log.write(f"\ntime limit of {limit_s:.0f} s reached\n".encode())
            log.flush()
            # pytest then says where it was, and ninja ends its compilers.
            os.killpg(process.pid, signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(INTERRUPT_GRACE_S)
            return "timeout"
        finally:
            # Also what the command left running, which is a mistake of its own.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def read_report(path):
    """(passed, failed, skipped) of a JUnit or GoogleTest XML file; zeros when there is none."""
    if not path.exists():
        return 0, 0, 0
    cases = list(ElementTree.parse(path).getroot().iter("testcase"))
    failed = sum(1 for c in cases if c.find("failure") is not None or c.find("error") is not None)
    skipped = sum(
        1
        for c in cases
        if c.find("skipped") is not None or c.get("result") in ("skipped", "suppressed")
    )
    return len(cases) - failed - skipped, failed, skipped
