# SPDX-License-Identifier: Apache-2.0
"""What one extension costs to compile, and how large it is, beside the same with nanobind."""

import resource
import statistics
import subprocess
import sysconfig
import tempfile
from pathlib import Path

import nanobind

import measure
from unity import _build

RUNS = 3
SOURCES = Path(__file__).resolve().parent / "extension"


COMMON = ["-O2", "-fPIC", "-fvisibility=hidden", "-std=c++17"]


def compile_seconds(source, output, *flags):
    """Median of the processor's seconds for compiling and linking `source`; over RUNS runs."""
    values = []
    for _ in range(RUNS):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(
            [*_build.compiler(), *COMMON, "-shared", *flags, str(source), "-o", str(output)],
            check=True,
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        used = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
        values.append(used)
    return statistics.median(values)


def compile_libnanobind(output, includes):
    """What nanobind's extensions are linked with, compiled once for all of them."""
    source = Path(nanobind.source_dir()) / "nb_combined.cpp"
    robin_map = f"-I{Path(nanobind.source_dir()).parent / 'ext' / 'robin_map' / 'include'}"
    command = [*_build.compiler(), *COMMON, "-fno-strict-aliasing", *includes, robin_map]
    subprocess.run([*command, "-c", str(source), "-o", str(output)], check=True)


def stripped_kib(library):
    """Its size without symbols, in KiB."""
    subprocess.run(["strip", str(library)], check=True)
    return library.stat().st_size / 1024


def main():
    """Run all parts."""
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs = Path(folder) / "ours.so", Path(folder) / "nanobinds.so"
        headers = [f"-I{_build.include_dir()}"]
        nanobinds = [f"-I{nanobind.include_dir()}", f"-I{sysconfig.get_path('include')}"]
        compile_libnanobind(Path(folder) / "libnanobind.o", nanobinds)
        nanobinds.append(str(Path(folder) / "libnanobind.o"))
        our_time = compile_seconds(SOURCES / "ours.cpp", ours, *headers)
        their_time = compile_seconds(SOURCES / "nanobinds.cpp", theirs, *nanobinds)
        measure.line(
            "compiling an extension",
            f"{our_time:.2f} s",
            f"nanobind {their_time:.2f} s, ratio {our_time / their_time:.2f}",
            "at most 2 times",
        )
        measure.line(
            "its library, stripped",
            f"{stripped_kib(ours):.0f} KiB",
            f"nanobind's, with libnanobind, {stripped_kib(theirs):.0f} KiB",
            "at most 300 KiB",
        )


if __name__ == "__main__":
    main()
