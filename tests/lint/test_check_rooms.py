# SPDX-License-Identifier: Apache-2.0
"""check_rooms.py finds planted violations and leaves what is allowed alone."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parent.parent / "check_rooms.py"


def check(root):
    """Exit status and output lines of the script for the tree at `root`."""
    done = subprocess.run(
        [sys.executable, SCRIPT, root], capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    return done.returncode, done.stdout.splitlines()


def plant(root, path, text):
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n" + text + "\n")


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("cppipc/include/cppipc/x.h", "#include <kj/async.h>"),
        ("cppipc/include/cppipc/x.h", "#include <capnp/message.h>"),
        ("cppipc/include/cppipc/x.h", "#include <cppipc/broker.capnp.h>"),
        ("cppipc/include/cppipc/x.h", '#include "wire/marshal.h"'),
        ("cppipc/include/cppipc/x.h", "#include <cppipc/interop/capnp.h>"),
        ("cppipc/src/values/x.cpp", "#include <capnp/message.h>"),
        ("cppipc/src/values/x.cpp", "#include <cppipc/broker.capnp.h>"),
        ("cppipc/src/values/x.cpp", '#include "wire/marshal.h"'),
        ("cppipc/src/wire/x.cpp", '#include "rpc/connection.h"'),
        ("cppipc/src/wire/x.cpp", '#include "../rpc/connection.h"'),
        ("cppipc/src/rpc/x.cpp", '#include "host/host.h"'),
        ("cppipc/src/host/x.cpp", '#include "client/client.h"'),
        ("cppipc/src/client/x.cpp", '#  include "host/host.h"'),
        ("cppipc/src/host/x.cpp", "#include <boost/asio.hpp>"),
        ("cppipc/src/rpc/x.cpp", "#include <spdlog/spdlog.h>"),
        ("cppipc/src/values/x.cpp", "#include <Python.h>"),
        ("cppipc/src/host/x.cpp", '#include "toolkits/all.h"'),
        ("toolkits/x.cpp", "#include <kj/common.h>"),
        ("toolkits/x.cpp", '#include "server/options.h"'),
        ("server/x.cpp", "#include <capnp/rpc.h>"),
        ("server/x.cpp", '#include "rpc/connection.h"'),
        ("cython/unity/x.pxd", 'cdef extern from "capnp/message.h":'),
        ("cython/unity/x.pyx", "import pandas"),
        ("cython/unity/x.pyx", "cimport numpy as np"),
        ("client/unity/x.py", "import numpy"),
        ("client/unity/x.py", "def f():\n    import requests"),
    ],
)
def test_a_planted_violation_is_found(tmp_path, path, text):
    plant(tmp_path, path, text)
    status, lines = check(tmp_path)
    assert status == 1
    number = 3 if "\n" in text else 2
    assert lines[0].startswith(f"{path}:{number}: ")


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("cppipc/include/cppipc/x.h", "#include <vector>\n#include <sys/socket.h>"),
        ("cppipc/include/cppipc/interop/capnp.h", "#include <capnp/capability.h>"),
        ("cppipc/src/values/x.cpp", '#include "values/y.h"\n#include <cppipc/array.h>'),
        ("cppipc/src/wire/x.cpp", "#include <cppipc/broker.capnp.h>\n#include <kj/io.h>"),
        ("cppipc/src/client/x.cpp", '#include "rpc/connection.h"\n#include <poll.h>'),
        ("toolkits/x.cpp", "#include <cppipc/registry.h>"),
        ("server/x.cpp", '#include <boost/asio.hpp>\n#include "toolkits/all.h"'),
        ("cython/unity/x.pxd", 'cdef extern from "<array>" namespace "std":'),
        ("cython/unity/x.pyx", "from unity cimport y\nfrom .y import z\nimport weakref"),
        ("client/unity/x.py", "import os\ndef f():\n    import numpy\n    from . import y"),
    ],
)
def test_what_is_allowed_passes(tmp_path, path, text):
    plant(tmp_path, path, text)
    assert check(tmp_path) == (0, ["1 files, 0 arrows the wrong way"])


def test_an_empty_tree_is_no_success(tmp_path):
    assert check(tmp_path)[0] == 1
