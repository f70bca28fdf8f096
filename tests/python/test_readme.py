# SPDX-License-Identifier: Apache-2.0
"""The examples of the README do what it says."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def example(language):
    """The one block of the README in that language."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (block,) = re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    return block


def test_the_ten_lines_print_what_their_comments_say(capsys):
    exec(compile(example("python"), "README.md", "exec"), {"__name__": "readme"})
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == ["15", "{'x': 6}", "{'x': 2.5}"]
    assert "by" in lines[3]
    assert len(lines) == 4


def test_the_exposed_class_compiles(tmp_path):
    source = tmp_path / "stopwatch.cpp"
    source.write_text(example("cpp"))
    command = ["g++", "-std=c++20", "-Wall", "-Wextra", "-Werror", "-fsyntax-only"]
    done = subprocess.run(
        [*command, f"-I{ROOT / 'cppipc' / 'include'}", source],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
