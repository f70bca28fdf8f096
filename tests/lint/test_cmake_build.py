# SPDX-License-Identifier: Apache-2.0
"""tools/cmake_build.py does not use the build of another tree."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import cmake_build  # noqa: E402  (the path comes first)


def configured(build, home):
    """A build directory that CMake made for the sources at `home`."""
    build.mkdir(exist_ok=True)
    cache = f"CMAKE_CXX_FLAGS:STRING=\nCMAKE_HOME_DIRECTORY:INTERNAL={home}\nA:BOOL=ON\n"
    (build / "CMakeCache.txt").write_text(cache)
    return build


def test_the_build_of_a_copied_or_moved_tree_is_found(tmp_path):
    here, original = tmp_path / "here", tmp_path / "original"
    here.mkdir()
    original.mkdir()
    build = here / "build"
    for home in (original, tmp_path / "gone"):
        assert cmake_build.is_of_another_tree(configured(build, home), here)


def test_the_build_of_this_tree_is_kept_by_whatever_path_it_was_made(tmp_path):
    here, link = tmp_path / "here", tmp_path / "link"
    here.mkdir()
    link.symlink_to(here)
    build = here / "build"
    assert not cmake_build.is_of_another_tree(build, here)  # there is none yet
    for home in (here, link):
        assert not cmake_build.is_of_another_tree(configured(build, home), here)
