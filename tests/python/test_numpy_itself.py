# SPDX-License-Identifier: Apache-2.0
"""NumPy's own tests, with every array in shared memory: no failure that is not there without."""

import importlib.util
import os
import re
import subprocess
import sys
import xml.etree.ElementTree
from pathlib import Path

import numpy as np
import pytest

CORE = "numpy.core" if np.__version__.startswith("1.") else "numpy._core"
CORE_TESTS = ["multiarray", "mem_policy", "nditer", "indexing", "ufunc"]
MODULES = [*(f"{CORE}.tests.test_{name}" for name in CORE_TESTS), "numpy.lib", "numpy.ma"]


def failures(report, modules, *options):
    """The tests that fail, how many there are, and what pytest prints."""
    root = Path(np.__file__).parents[1]
    command = [sys.executable, "-m", "pytest", "-c", os.devnull, "--rootdir", root, "-q"]
    command += ["--tb=short", "-p", "no:cacheprovider", "-m", "not slow", "-W", "ignore"]
    command += [f"--junitxml={report}", *options, "--pyargs", *modules]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(
            [str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]
        ),
        # Some tests compile a module, with tools that lie beside the interpreter.
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
    }
    done = subprocess.run(
        command, cwd=report.parent, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode in (0, 1), done.stdout[-4000:] + done.stderr[-4000:]
    cases = list(xml.etree.ElementTree.parse(report).iter("testcase"))
    failed = {
        f"{case.get('classname')}::{case.get('name')}"
        for case in cases
        if case.find("failure") is not None or case.find("error") is not None
    }
    return failed, len(cases), done.stdout


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_numpy_passes_its_own_tests_in_shared_memory(tmp_path):
    if not importlib.util.find_spec(MODULES[0]):
        pytest.skip("NumPy came without its tests")
    report = tmp_path / "report.xml"
    shared, count, printed = failures(report, MODULES, "-p", "numpy_under_allocator")
    made = re.search(r"shared arrays made: (\d+)", printed)
    assert count > 10_000 and made and int(made[1]) > 100_000, printed[-4000:]
    if shared:  # only then it matters what fails anyway, e.g. for want of a build tool
        modules = sorted({re.match(r"numpy\..*?tests\.test_\w+", name)[0] for name in shared})
        default, _, _ = failures(report, modules)
        assert shared - default == set(), printed[-8000:]
