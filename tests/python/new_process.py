# SPDX-License-Identifier: Apache-2.0
"""Code in a Python that has imported nothing."""

import subprocess
import sys
import textwrap


def in_new_process(code, data):
    """What the code prints, a str; it gets `data` on stdin, and has imported pickle and sys."""
    result = subprocess.run(
        [sys.executable, "-c", "import pickle, sys\n" + textwrap.dedent(code)],
        input=data,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (result.returncode, result.stderr) == (0, b""), result.stderr.decode()
    return result.stdout.decode()
