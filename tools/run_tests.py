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
import signal
import subprocess
import sys
import time

import cmake_build
from cmake_build import BUILD, LOGS, ROOT, BuildAhead
from test_step import Step

CORPUS = ROOT / "tests" / "fuzz" / "corpus"
PYTHON = ROOT / ".venv" / "bin" / "python"
TAIL_LINES = 100
FUZZ_SECONDS = 60
# So that one program that hangs leaves time for the others of its step.
PROGRAM_LIMIT_S = 180

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


def configure_and_build(step, folder, targets, *options):
    """Configures build/FOLDER if it is new, and builds the targets. False when that fails."""
    BuildAhead.wait_for(folder, step.deadline)
    if not cmake_build.is_known(folder):
        print(f"build: compiling tests in build/{folder}; the first time takes minutes", flush=True)
    commands = cmake_build.commands(folder, targets, *options)
    return all(step.run(*command, counts=False) for command in commands)


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


# Nobody changes one file and builds these again, so what takes least for all of them will do.
MANY_AT_ONCE = "-DCPPIPC_UNITY=40"
ASAN_BUILD = ("-DCPPIPC_SANITIZE=address;undefined", MANY_AT_ONCE)


def build_asan(step, *targets):
    return configure_and_build(step, "asan", targets, *ASAN_BUILD)


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
    configure_and_build(step, "tsan", ["cpp_tests"], "-DCPPIPC_SANITIZE=thread", MANY_AT_ONCE)
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
    """A minute of new inputs for every target, starting from its corpus.

    Each source is compiled by itself here, and by another compiler: what one forgets to include
    shows.
    """
    alone = ("-DCPPIPC_PCH=OFF", "-DCPPIPC_UNITY=0")
    options = ("-DCPPIPC_FUZZ=ON", "-DCPPIPC_SANITIZE=address;undefined", *alone)
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
    steps = [
        Step(name, limit_s, action, is_slow)
        for name, limit_s, action, is_slow in STEPS
        if (name in options.steps if options.steps else options.all or not is_slow)
    ]
    names = [step.name for step in steps]
    with contextlib.ExitStack() as ahead:
        for step in steps:
            # One program after the other is tested there, and most wait for servers.
            if step.name == "python" and "unit_asan" in names[names.index("python") :]:
                targets = ("cpp_tests", "fuzz_targets")
                ahead.enter_context(BuildAhead("asan", targets, *ASAN_BUILD))
            run_step(step)
            passed, failed = passed + step.passed, failed + step.failed
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
