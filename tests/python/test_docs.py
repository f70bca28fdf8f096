# SPDX-License-Identifier: Apache-2.0
"""The examples in docs/values.md and docs/errors.md do what they show."""

import doctest
from pathlib import Path

import numpy  # noqa: F401  (an example imports it, and its threads stay)
import pytest

import unity

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.mark.parametrize("name", ["values.md", "errors.md"])
def test_examples(name, private, capsys):
    names = {
        "unity": unity,
        "session": private,
        "echo": private.toolkits.diagnostics.echo,
    }
    result = doctest.testfile(
        str(DOCS / name), module_relative=False, globs=names, optionflags=doctest.ELLIPSIS
    )
    assert result.attempted > 0
    assert result.failed == 0, capsys.readouterr().out
