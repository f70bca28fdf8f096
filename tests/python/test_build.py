# SPDX-License-Identifier: Apache-2.0
"""Extensions are built with the package, by hand and with CMake (docs/extensions.md)."""

import ctypes
import os
import shlex
import subprocess
from pathlib import Path

import pytest

from unity import _build

ROOT = Path(__file__).resolve().parents[2]
SQUARE = ROOT / "examples" / "square.cpp"
TINY = """
#include <cppipc/extension.h>
CPPIPC_EXTENSION(tiny, m) { m.function("one", [] { return 1; }); }
"""


def is_extension(library):
    """Whether it is a shared library with the entry point, and needs nothing that is not there."""
    return hasattr(ctypes.CDLL(str(library), os.RTLD_NOW), "cppipc_extension_entry")


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    source = tmp_path / "tiny.cpp"
    source.write_text(TINY)
    return source


def test_the_example_is_built_beside_where_one_works(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    built = _build.main_build([SQUARE])
    assert built == Path("square.so")
    assert is_extension(tmp_path / "square.so")
    assert [path.name for path in tmp_path.iterdir()] == ["square.so"]


def test_a_library_takes_its_place_whole(tiny, tmp_path):
    output = tmp_path / "out.so"
    output.write_text("the old one")
    with output.open() as old:
        assert _build.main_build([str(tiny)], str(output)) == output
        assert old.read() == "the old one"
    assert is_extension(output)


def test_a_failed_build_says_why_and_leaves_what_was_there(tiny, tmp_path):
    output = tmp_path / "tiny.so"
    output.write_text("the old one")
    tiny.write_text(TINY.replace("return 1", "return missing"))
    with pytest.raises(_build.BuildError, match=r"(?s)ended with status 1\n\$ .*tiny.cpp.*missing"):
        _build.main_build([tiny], output)
    assert output.read_text() == "the old one"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tiny.cpp", "tiny.so"]


def test_what_is_not_there_is_named(tiny, tmp_path):
    with pytest.raises(ValueError, match="one source or more"):
        _build.main_build([])
    with pytest.raises(FileNotFoundError, match="there is no source 'other.cpp'"):
        _build.main_build(["other.cpp"])
    with pytest.raises(FileNotFoundError, match="there is no folder for 'gone/tiny.so'"):
        _build.main_build([tiny], "gone/tiny.so")


def test_the_compiler_and_its_flags_come_from_the_environment(tiny, monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler -v")
    with pytest.raises(_build.BuildError, match="no compiler 'no-such-compiler', which CXX names"):
        _build.main_build([tiny])
    monkeypatch.setenv("CXX", "g++ -DONE=1")
    monkeypatch.setenv("CXXFLAGS", "-O0 '-DTWO=2'")
    tiny.write_text(TINY.replace("return 1", "return ONE + TWO"))
    assert is_extension(_build.main_build([tiny]).resolve())


def test_the_flags_build_by_hand(tiny, tmp_path):
    output = tmp_path / "by hand.so"
    command = f"g++ {_build.flags()} -O0 {shlex.quote(str(tiny))} -o {shlex.quote(str(output))}"
    subprocess.run(command, shell=True, check=True, cwd=tmp_path)
    assert is_extension(output)


def test_cmake_finds_the_package_and_builds(tiny, tmp_path):
    headers, build, prefix = tmp_path / "headers", tmp_path / "build", tmp_path / "prefix"
    headers.mkdir()
    # The installation alone, as cmake --install runs it, without building all of the server.
    (headers / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.25)\n"
        "project(cppipc VERSION 0.1.0 LANGUAGES CXX)\n"
        f'include("{ROOT}/cmake/Install.cmake")\n'
    )
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.25)\n"
        "project(tiny LANGUAGES CXX)\n"
        "find_package(cppipc 0.1 REQUIRED)\n"
        "cppipc_add_extension(tiny tiny.cpp)\n"
    )
    for command in (
        ["cmake", "-G", "Ninja", "-S", headers, "-B", headers / "build"],
        ["cmake", "--install", headers / "build", "--prefix", prefix],
        ["cmake", "-G", "Ninja", "-S", tmp_path, "-B", build, f"-DCMAKE_PREFIX_PATH={prefix}"],
        ["cmake", "--build", build],
    ):
        ran = subprocess.run(command, capture_output=True, text=True)
        assert ran.returncode == 0, ran.stdout + ran.stderr
    assert is_extension(build / "tiny.so")
