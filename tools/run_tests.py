#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the tests in steps, each with a time limit of its own, and counts them all.

Every step runs even if an earlier one failed. Each prints one line; a failed one prints the end of
its output as well, and the whole output is in build/test-logs/. The last line is
`N passed, N failed`. Exit status 1 if anything failed.

    tools/run_tests.py [--all] [STEP...]      --all: also the slow steps; STEP: only these
"""

import argparse
import contextlib
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
LOGS = BUILD / "test-logs"
CORPUS = ROOT / "tests" / "fuzz" / "corpus"
PYTHON = ROOT / ".venv" / "bin" / "python"
JOBS = str(os.cpu_count() or 1)
TAIL_LINES = 100
FUZZ_SECONDS = 60
# So that one program that hangs leaves time for the others of its step.
PROGRAM_LIMIT_S = 180
INTERRUPT_GRACE_S = 10

ASAN_OPTIONS = (
    "detect_leaks={leaks}:strict_string_checks=1:detect_stack_use_after_return=1"
    ":allocator_may_return_null=1"
)
UBSAN_OPTIONS = "print_stacktrace=1:halt_on_error=1"
TSAN_SUPPRESSIONS = ROOT / "tests" / "tsan.supp"
TSAN_OPTIONS = f"halt_on_error=1:second_deadlock_stack=1:suppressions={TSAN_SUPPRESSIONS}"
# Each has one program of C++ tests.
FOLDERS = sorted({path.parent.name for path in (ROOT / "tests" / "cpp").glob("*/*_test.cpp")})

# Their tests run over TCP too: they take servers as they come.
TCP_FILES = (
    "addresses", "arrays", "asyncio", "buffers", "callbacks", "calls", "classes", "client_death",
    "diagnostics", "enumerations", "error_context", "errors", "interrupt", "lifetimes", "names",
    "refusals", "server_death", "sharing", "tcp", "threads", "values", "variant_map",
    "variant_map_views",
)  # fmt: skip
# And these over TLS: they open sessions by their server only, which knows how.
TLS_FILES = (
    "arrays", "asyncio", "buffers", "callbacks", "calls", "diagnostics", "enumerations",
    "error_context", "errors", "names", "values", "variant_map", "variant_map_views",
)  # fmt: skip

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


def is_of_another_tree(build, root=ROOT):
    """True for a CMake build directory that compiles the sources of another place: it came along
    when the tree was copied or moved."""
    cache = build / "CMakeCache.txt"
    if not cache.exists():
        return False
    home = re.search(r"^CMAKE_HOME_DIRECTORY:INTERNAL=(.*)$", cache.read_text(), re.MULTILINE)
    return home is not None and not (os.path.exists(home[1]) and os.path.samefile(home[1], root))


def configure_and_build(step, folder, targets, *options):
    """Configures build/FOLDER if it is new, and builds the targets. False when that fails."""
    build = BUILD / folder
    if is_of_another_tree(build):
        shutil.rmtree(build)
    if not any(p.name.endswith(("_tests", "_fuzz")) for p in build.glob("tests/*")):
        print(f"build: compiling tests in build/{folder}; the first time takes minutes", flush=True)
    if not (build / "build.ninja").exists():
        command = ("cmake", "-S", ROOT, "-B", build, "-G", "Ninja", "-Wno-dev", *options)
        if not step.run(*command, counts=False):
            return False
    return step.run("ninja", "-C", build, "-k", "0", "-j", JOBS, *targets, counts=False)


def run_gtests(step, folder, env=None, prefix=()):
    """Runs the GoogleTest executables of build/FOLDER, in random order of tests."""
    for name in FOLDERS:
        program = BUILD / folder / "tests" / f"{name}_tests"
        if not program.exists() or step.is_over():
            continue
        report = LOGS / f"{step.name}-{name}.xml"
        step.run(
            *prefix, program, "--gtest_shuffle", f"--gtest_output=xml:{report}",
            env=env, report=report, limit_s=PROGRAM_LIMIT_S,
        )  # fmt: skip


def sanitizer_env(leaks):
    return {"ASAN_OPTIONS": ASAN_OPTIONS.format(leaks=leaks), "UBSAN_OPTIONS": UBSAN_OPTIONS}


def build_asan(step, *targets):
    return configure_and_build(step, "asan", targets, "-DCPPIPC_SANITIZE=address;undefined")


def lint(step):
    step.run(PYTHON, "tools/lint.py")
    pytest(step, "tests/lint")


def unit(step):
    configure_and_build(step, "release", ["cpp_tests"])
    run_gtests(step, "release")


def unit_asan(step):
    build_asan(step, "cpp_tests")
    run_gtests(step, "asan", sanitizer_env(leaks=1))


def fuzz_targets():
    return sorted(p.stem for p in (ROOT / "tests" / "fuzz").glob("*_fuzz.cpp"))


def fuzz_replay(step):
    """Every target over its corpus, tests/fuzz/corpus/NAME for NAME_fuzz."""
    build_asan(step, "fuzz_targets")
    for target in fuzz_targets():
        corpus = CORPUS / target.removesuffix("_fuzz")
        step.run(BUILD / "asan" / "tests" / target, corpus, env=sanitizer_env(leaks=1))


def pytest(step, *arguments, env=None, prefix=()):
    report = LOGS / f"{step.name}.xml"
    step.run(
        *prefix, PYTHON, "-m", "pytest", "-q", "--tb=short", f"--junitxml={report}",
        *arguments, env=env, report=report,
    )  # fmt: skip


def python(step):
    pytest(step, "-m", "not slow", "tests/python")


def python_slow(step):
    pytest(step, "-m", "slow", "tests/python")


def python_tcp(step):
    """What does not care how a client reaches its server, over TCP."""
    files = [f"tests/python/test_{name}.py" for name in TCP_FILES]
    pytest(step, "-m", "not slow", *files, env={"UNITY_TEST_TRANSPORT": "tcp"})


def python_tls(step):
    """The same, over an encrypted loopback port."""
    files = [f"tests/python/test_{name}.py" for name in TLS_FILES]
    pytest(step, "-m", "not slow", *files, env={"UNITY_TEST_TRANSPORT": "tls"})


def unit_tsan(step):
    configure_and_build(step, "tsan", ["cpp_tests"], "-DCPPIPC_SANITIZE=thread")
    # The shadow of this TSan does not fit every layout that a randomised one may have.
    no_aslr = ("setarch", platform.machine(), "-R")
    run_gtests(step, "tsan", {"TSAN_OPTIONS": TSAN_OPTIONS}, no_aslr)


def compiler_file(name):
    done = subprocess.run(
        ["g++", f"-print-file-name={name}"], capture_output=True, text=True, check=True
    )
    return os.path.realpath(done.stdout.strip())


def python_asan(step):
    """The Python tests with server, library and seam under ASan and UBSan."""
    package = BUILD / "asan" / "python"
    build_env = {"CPPIPC_BUILD_DIR": str(BUILD / "asan"), "CPPIPC_SANITIZE": "address;undefined"}
    if not build_asan(step, "unity_server", "cppipc_shared", "typed_server"):
        return
    setup = (PYTHON, "setup.py", "--quiet", "build", "--build-lib", package)
    scratch = ("--build-temp", BUILD / "asan" / "python-temp")
    if not step.run(*setup, *scratch, env=build_env, counts=False):
        return
    preload = f"{compiler_file('libasan.so')} {compiler_file('libstdc++.so.6')}"
    env = {
        **sanitizer_env(leaks=0),
        "LD_PRELOAD": preload,
        "PYTHONPATH": str(package),
        "UNITY_TYPED_SERVER": str(BUILD / "asan" / "tests" / "typed_server"),
        "UNITY_TEST_SANITIZED": "1",  # for tests that a sanitizer has no way to pass
    }
    # Of these, one makes wheels, and the other has checkers read types: neither runs this build.
    elsewhere = [f"--ignore=tests/python/test_{name}.py" for name in ("packaging", "stubs")]
    pytest(step, "-m", "not slow", *elsewhere, "tests/python", env=env)


def fuzz_search(step):
    """A minute of new inputs for every target, starting from its corpus."""
    options = ("-DCPPIPC_FUZZ=ON", "-DCPPIPC_PCH=OFF", "-DCPPIPC_SANITIZE=address;undefined")
    compiler = ("-DCMAKE_C_COMPILER=clang-14", "-DCMAKE_CXX_COMPILER=clang++-14")
    if not configure_and_build(step, "fuzz", ["fuzz_targets"], *options, *compiler):
        return
    for target in fuzz_targets():
        found = BUILD / "fuzz" / "found" / target
        found.mkdir(parents=True, exist_ok=True)
        step.run(
            BUILD / "fuzz" / "tests" / target, f"-max_total_time={FUZZ_SECONDS}", "-timeout=10",
            "-rss_limit_mb=2048", "-print_final_stats=1", f"-artifact_prefix={found}/",
            found, CORPUS / target.removesuffix("_fuzz"), env=sanitizer_env(leaks=1),
        )  # fmt: skip


STEPS = (
    ("lint", 120, lint, False),
    ("unit", 600, unit, False),
    ("python", 600, python, False),
    ("unit_asan", 1500, unit_asan, False),
    ("fuzz_replay", 120, fuzz_replay, False),
    ("python_slow", 1200, python_slow, True),
    ("python_tcp", 600, python_tcp, True),
    ("python_tls", 600, python_tls, True),
    ("python_asan", 1800, python_asan, True),
    ("unit_tsan", 1200, unit_tsan, True),
    ("fuzz_search", 1800, fuzz_search, True),
)


def run_step(step):
    """Runs one step and prints its line, and what failed."""
    started = time.monotonic()
    step.deadline = started + step.limit_s
    (LOGS / f"{step.name}.log").unlink(missing_ok=True)
    step.action(step)
    if step.passed + step.failed == 0:
        step.failed = 1  # a step that tests nothing is broken
        step.failures.append(("nothing ran", []))
    for status, text in step.failures:
        print(f"----- {step.name}: status {status}, the last {TAIL_LINES} lines:")
        print("\n".join(text[-TAIL_LINES:]))
        print("-----")
    word = "FAILED" if step.failed else "ok"
    counts = f"{step.passed} passed, {step.failed} failed"
    counts += f", {step.skipped} skipped" if step.skipped else ""
    print(f"{step.name:12} {word:7} {counts:32} {time.monotonic() - started:6.0f} s", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--all", action="store_true", help="also the slow steps")
    parser.add_argument("steps", nargs="*", metavar="STEP", help="only these")
    options = parser.parse_args()
    unknown = set(options.steps) - {name for name, *_ in STEPS}
    if unknown:
        parser.error(f"no such step: {', '.join(sorted(unknown))}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what runs is ended as well
    LOGS.mkdir(parents=True, exist_ok=True)
    passed = failed = 0
    for name, limit_s, action, is_slow in STEPS:
        if name not in options.steps if options.steps else is_slow and not options.all:
            continue
        step = Step(name, limit_s, action, is_slow)
        run_step(step)
        passed, failed = passed + step.passed, failed + step.failed
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
