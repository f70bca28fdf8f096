# SPDX-License-Identifier: Apache-2.0
"""The examples in docs/ do what they show, and lists are whole."""

import doctest
import re
import traceback
import types
from pathlib import Path

import numpy  # noqa: F401  (an example imports it, and its threads stay)
import pytest

import unity

DOCS = Path(__file__).resolve().parents[2] / "docs"


PAGES = {
    "values.md": "private",
    "errors.md": "private",
    "shared_memory.md": "private",
    "messages.md": "private",
    "saving.md": "private",
    "models.md": "private",
    "interfaces.md": "private",
    "security.md": "private",
    "exposing.md": "typed",
    "toolkits.md": "typed",
}


@pytest.mark.parametrize("name", PAGES)
def test_examples(name, private, typed, capsys, monkeypatch):
    check_examples(name, {"private": private, "typed": typed}[PAGES[name]], capsys, monkeypatch)


@pytest.fixture(scope="module")
def libraries():
    """What the page on tables shows, with the threads that stay started."""
    for name in ("pandas", "pyarrow", "networkx", "scipy.sparse"):
        pytest.importorskip(name)
    polars = pytest.importorskip("polars")
    polars.DataFrame({"a": [1]}).select(polars.col("a").sum())


def test_examples_of_tables(libraries, private, capsys, monkeypatch):
    check_examples("tables.md", private, capsys, monkeypatch)


def test_examples_of_settings(capsys, monkeypatch):
    with unity.launch(diagnostics=True) as session:  # its own: they are changed
        check_examples("settings.md", session, capsys, monkeypatch)


def test_the_page_on_old_toolkits_shows_the_code_that_is_compiled():
    source = (DOCS.parent / "examples" / "old_toolkits" / "demo_addone.cpp").read_text()
    blocks = re.findall(r"```cpp\n(.*?)```", (DOCS / "toolkits.md").read_text(), re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        assert block in source


def check_examples(name, session, capsys, monkeypatch):
    # Before Python 3.13 doctest looks at the last line of an error only, which may be a note.
    whole = types.SimpleNamespace(
        **{
            **vars(traceback),
            "format_exception_only": lambda *error: [
                "".join(traceback.format_exception_only(*error))
            ],
        }
    )
    monkeypatch.setattr(doctest, "traceback", whole)
    names = {
        "unity": unity,
        "session": session,
        "echo": session.toolkits.diagnostics.echo,
    }
    result = doctest.testfile(
        str(DOCS / name), module_relative=False, globs=names, optionflags=doctest.ELLIPSIS
    )
    assert result.attempted > 0
    assert result.failed == 0, capsys.readouterr().out


def test_the_cpp_that_is_shown_is_compiled():
    source = (DOCS.parent / "tests" / "typed_server" / "exposing.cpp").read_text().splitlines()
    shown = re.findall(r"```cpp\n(.*?)```", (DOCS / "exposing.md").read_text(), re.DOTALL)
    assert len(shown) > 5
    for line in "".join(shown).splitlines():
        assert line in source, line


def test_every_number_of_stats_is_documented(private):
    text = (DOCS / "server.md").read_text()
    section = text[text.index("## What it counts") : text.index("## Exit codes")]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    named = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
    assert sorted(named) == sorted(private.stats())
