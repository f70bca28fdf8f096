# SPDX-License-Identifier: Apache-2.0
"""The examples of the README do what it says."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def examples(language):
    """The blocks of the README in that language."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def test_the_ten_lines_print_what_their_comments_say(capsys):
    ten_lines, _ = examples("python")
    exec(compile(ten_lines, "README.md", "exec"), {"__name__": "readme"})
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == ["15", "{'x': 6}", "{'x': 2.5}"]
    assert "by" in lines[3]
    assert len(lines) == 4


def test_calls_that_do_not_wait_print_what_their_comments_say(capsys):
    _, calls = examples("python")
    exec(compile(calls, "README.md", "exec"), {"__name__": "readme"})
    assert capsys.readouterr().out.splitlines() == re.findall(r"print.*?  # (.*)", calls)


def test_the_exposed_class_compiles(tmp_path):
    source = tmp_path / "stopwatch.cpp"
    (text,) = examples("cpp")
    source.write_text(text)
    command = ["g++", "-std=c++20", "-Wall", "-Wextra", "-Werror", "-fsyntax-only"]
    done = subprocess.run(
        [*command, f"-I{ROOT / 'cppipc' / 'include'}", source],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
