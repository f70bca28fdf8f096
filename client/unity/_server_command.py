# SPDX-License-Identifier: Apache-2.0
"""The command `unity_server` of an environment: becomes the server that the package carries."""

import os
import sys

from unity._launch import binary_path


def main():
    """Replace this process by the server, with the same arguments."""
    path = binary_path(None)
    try:
        os.execv(path, ["unity_server", *sys.argv[1:]])
    except OSError as error:
        raise SystemExit(f"unity_server: cannot run {path}: {error.strerror}") from error
