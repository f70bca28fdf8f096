# SPDX-License-Identifier: Apache-2.0
"""Builds the package `unity`: CMake makes the server and the libraries, Cython the seam.

Metadata is in pyproject.toml. Environment variables:

    CPPIPC_BUILD_DIR  the CMake build directory, default build/release; one that is configured
                      already keeps its options.
    CPPIPC_SANITIZE   sanitizers for everything, as CMake's option: "address;undefined".
    CPPIPC_JOBS       how many compilers run at once, default the number of processors.
"""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, find_packages, setup
from setuptools.command.build_ext import build_ext

ROOT = Path(__file__).resolve().parent
BUILD_DIR = Path(os.environ.get("CPPIPC_BUILD_DIR", ROOT / "build" / "release")).resolve()
SANITIZE = os.environ.get("CPPIPC_SANITIZE", "")
# UndefinedBehaviorSanitizer is for our own C++; in what Cython generates it would take minutes.
MODULE_SANITIZERS = [name for name in SANITIZE.split(";") if name not in ("", "undefined")]
JOBS = int(os.environ.get("CPPIPC_JOBS", os.cpu_count() or 1))


def version():
    """The version of the project, whose one home is CMakeLists.txt."""
    text = (ROOT / "CMakeLists.txt").read_text()
    return re.search(r"project\(cppipc VERSION ([0-9.]+)", text)[1]


def remove_build_of_another_tree():
    """Removes a CMake build that came along when the tree was copied or moved: it compiles the
    sources of the place where it was made. One outside of the tree is refused."""
    cache = BUILD_DIR / "CMakeCache.txt"
    text = cache.read_text() if cache.exists() else ""
    home = re.search(r"^CMAKE_HOME_DIRECTORY:INTERNAL=(.*)$", text, re.MULTILINE)
    if not home or (os.path.exists(home[1]) and os.path.samefile(home[1], ROOT)):
        return
    if not BUILD_DIR.is_relative_to(ROOT):
        raise SystemExit(f"setup.py: {BUILD_DIR} is a build of {home[1]}, not of {ROOT}")
    shutil.rmtree(BUILD_DIR)


def compile_flags():
    flags = ["-std=c++20", "-O2", "-g1", "-Wall", "-Wextra", f"-ffile-prefix-map={ROOT}=."]
    if MODULE_SANITIZERS:
        flags += [*link_flags(), "-O1", "-fno-omit-frame-pointer"]
    return flags


def link_flags():
    return [f"-fsanitize={','.join(MODULE_SANITIZERS)}"] if MODULE_SANITIZERS else []


def extensions():
    """One module `unity.NAME` for each cython/unity/NAME.pyx."""
    headers = sorted(str(p.relative_to(ROOT)) for p in ROOT.glob("cython/unity/*.h"))
    headers += sorted(str(p.relative_to(ROOT)) for p in ROOT.glob("cppipc/include/**/*.h"))
    headers += sorted(str(p.relative_to(ROOT)) for p in ROOT.glob("toolkits/*_interface.h"))
    modules = [
        Extension(
            f"unity.{source.stem}",
            [str(source.relative_to(ROOT))],
            language="c++",
            include_dirs=["cppipc/include", "cython/unity", "."],
            depends=headers,
            libraries=["cppipc"],
            library_dirs=[str(BUILD_DIR / "cppipc")],
            runtime_library_dirs=["$ORIGIN"],
            extra_compile_args=compile_flags(),
            extra_link_args=link_flags(),
        )
        for source in sorted(ROOT.glob("cython/unity/*.pyx"))
    ]
    return cythonize(
        modules,
        include_path=["cython"],
        build_dir=str(BUILD_DIR / "cython"),
        compiler_directives={"language_level": 3, "embedsignature": True},
        nthreads=0,
        quiet=True,
    )


def run(*command):
    print(" ".join(map(str, command)), flush=True)
    subprocess.run(command, check=True)


def copy_if_newer(source, target):
    """Replaces `target`, which may be a program that runs, unless it is up to date."""
    if target.exists() and target.stat().st_mtime >= source.stat().st_mtime:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(target.name + ".new")
    shutil.copy2(source, fresh)
    fresh.replace(target)


def write_builtin_stubs(package):
    """Asks the server that was just built for the stubs of what every server has.

    Not from a sanitized build, which Python can only load with its runtime.
    """
    if MODULE_SANITIZERS:
        return
    code = "import sys, unity._stubs; unity._stubs.write_builtin_stubs(sys.argv[1])"
    environment = {**os.environ, "PYTHONPATH": str(package.parent)}
    environment.pop("UNITY_SERVER_BINARY", None)
    command = [sys.executable, "-c", code, str(package / "builtin")]
    subprocess.run(command, check=True, env=environment)


def copy_for_building(package):
    """Copies what extensions, clients in C++ and Cython modules are built with into the package."""
    source = ROOT / "cppipc" / "include"
    for header in source.rglob("*.h"):
        copy_if_newer(header, package / "include" / header.relative_to(source))
    copy_if_newer(ROOT / "cython" / "unity" / "interface.pxd", package / "interface.pxd")


class BuildWithCMake(build_ext):
    """build_ext that first has CMake build what the modules link against and launch."""

    def run(self):
        self.build_with_cmake()
        self.use_ccache()
        super().run()
        in_place = self.inplace or getattr(self, "editable_mode", False)
        package = ROOT / "client" / "unity" if in_place else Path(self.build_lib) / "unity"
        for library in ("libcppipc.so", "libcppipc_tls.so"):
            copy_if_newer(BUILD_DIR / "cppipc" / library, package / library)
        copy_if_newer(BUILD_DIR / "server" / "unity_server", package / "bin" / "unity_server")
        write_builtin_stubs(package)
        if not in_place:  # in a checkout they are taken from where they are
            copy_for_building(package)

    def build_with_cmake(self):
        if not (BUILD_DIR / "build.ninja").exists():
            options = ["-DCPPIPC_TESTS=OFF", f"-DCPPIPC_SANITIZE={SANITIZE}"]
            run("cmake", "-S", ROOT, "-B", BUILD_DIR, "-G", "Ninja", *options)
        run("ninja", "-C", BUILD_DIR, "-j", str(JOBS), "unity_server", "cppipc_shared")

    def use_ccache(self):
        """Compiles the modules through ccache where there is one, as CMake does."""
        if shutil.which("ccache") and "CC" not in os.environ and "CXX" not in os.environ:
            for variable in ("CC", "CXX"):
                os.environ[variable] = "ccache " + sysconfig.get_config_var(variable).split()[0]
            os.environ.setdefault("CCACHE_BASEDIR", str(ROOT))
            os.environ.setdefault("CCACHE_NOHASHDIR", "true")
        if self.parallel is None:
            self.parallel = JOBS


remove_build_of_another_tree()
setup(
    version=version(),
    package_dir={"": "client"},
    packages=find_packages("client"),
    package_data={"": ["py.typed", "*.pyi"]},
    ext_modules=extensions(),
    cmdclass={"build_ext": BuildWithCMake},
)
