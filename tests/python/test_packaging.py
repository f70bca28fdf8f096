# SPDX-License-Identifier: Apache-2.0
"""The wheel carries all it needs: it is built, installed into an empty environment and used."""

import ast
import os
import re
import shlex
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# Libraries that the wheel may expect of the system: libc, its parts, libstdc++ and its helper.
SYSTEM_LIBRARIES = re.compile(
    r"^(linux-vdso|ld-linux[\w.-]*|/lib\S*/ld-linux\S*|lib(c|m|dl|rt|pthread|gcc_s|stdc\+\+))\.so"
)

TOUR = """
import sys
import unity
assert unity.__file__.startswith(sys.prefix), unity.__file__
with unity.launch() as session:
    counter = session.types.Counter()
    counter.increment(3)
    counter.increment(by=4)
    print("value", counter.value)
    print("demo_addone", session.run("demo_addone", {"x": 5}))
"""


def run(*command, timeout_s=30, **options):
    """Output of a command that must succeed within its time."""
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=timeout_s, check=False, **options
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """An environment that holds nothing but the wheel; the path of its folder."""
    folder = tmp_path_factory.mktemp("packaging")
    run(ROOT / "tools" / "wheel.sh", folder / "dist", timeout_s=400)
    (wheel,) = (folder / "dist").glob("*.whl")
    environment = folder / "environment"
    venv.create(environment, symlinks=True)
    python = environment / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", python)
    run(*pip, "install", "-q", "--no-index", "--no-deps", wheel, timeout_s=100)
    return environment


def elf_files(environment):
    """The programs and libraries that the wheel brought along."""
    found = []
    for path in (environment / "lib").rglob("*"):
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as file:
                if file.read(4) == b"\x7fELF":
                    found.append(path)
    return found


def test_the_command_is_the_server(installed):
    output = run(installed / "bin" / "unity_server", "--version", cwd="/")
    assert output.startswith("unity_server ")


# Building the wheel takes most of this time where nothing is built yet.
pytestmark = pytest.mark.timeout(500)


def test_wheel_runs_a_counter_from_the_root_folder(installed):
    clean = {"PATH": "/usr/bin:/bin", "HOME": str(installed)}
    output = run(installed / "bin" / "python", "-I", "-c", TOUR, cwd="/", env=clean)
    assert output == "value 7\ndemo_addone {'x': 6}\n"


def test_wheel_brings_every_library_but_libc_and_libstdcxx(installed):
    files = elf_files(installed)
    assert any(path.name == "unity_server" and os.access(path, os.X_OK) for path in files)
    for path in files:
        for line in run("ldd", path, env={"PATH": "/usr/bin:/bin"}).splitlines():
            name, _, target = line.strip().partition(" => ")
            assert SYSTEM_LIBRARIES.match(name) or target.startswith(str(installed)), (path, line)


def test_wheel_brings_what_clients_in_cpp_and_cython_are_built_with(installed, tmp_path):
    def ask(expression):
        code = f"import unity.build; from unity import _build; print({expression})"
        return run(installed / "bin" / "python", "-I", "-c", code, cwd="/").strip()

    options = ast.literal_eval(ask("unity.build.extension_options()"))
    assert Path(options["include_dirs"][0], "cppipc", "proxy.h").exists()
    assert Path(options["library_dirs"][0], "libcppipc.so").exists()
    assert Path(ask("unity.build.cython_path()"), "unity", "interface.pxd").exists()
    client, source = tmp_path / "client", ROOT / "examples" / "interface" / "client.cpp"
    run("g++", source, "-o", client, *shlex.split(ask("_build.client_flags()")), timeout_s=200)
    done = subprocess.run([client, "unix:/none"], capture_output=True, text=True, timeout=30)
    assert done.returncode == 1 and "/none" in done.stderr


def test_wheel_names_no_path_of_the_checkout(installed):
    for path in elf_files(installed):
        assert str(ROOT).encode() not in path.read_bytes(), path
