# SPDX-License-Identifier: Apache-2.0
"""Names that a server has not: the error says what may have been meant."""

import subprocess
import sys

import pytest

import unity


@pytest.mark.parametrize(
    ("look", "text"),
    [
        (lambda s: s.types.Countr, "no type 'Countr'; did you mean 'Counter'?"),
        (lambda s: s.types.counter, "no type 'counter'; did you mean 'Counter'?"),
        (lambda s: s.types["VariantMp"], "no type 'VariantMp'; did you mean 'VariantMap'?"),
        (lambda s: s.toolkits.page_rank, "no toolkit 'page_rank'; did you mean 'pagerank'?"),
        (
            lambda s: s.toolkits.diagnostics.ecko,
            "no toolkit 'diagnostics.ecko'; did you mean 'diagnostics.echo'?",
        ),
        (lambda s: s.toolkits.diagnostic, "'diagnostic'; did you mean 'diagnostics'?"),
        (
            lambda s: s.run("demo_addon", {"x": 1}),
            "no toolkit or function 'demo_addon'; did you mean 'demo_addone'?",
        ),
        (lambda s: s.run("", {}), "no toolkit or function ''; it has array_stats, connected_"),
    ],
)
def test_what_is_close_is_named(session, look, text):
    with pytest.raises(unity.UnknownName) as raised:
        look(session)
    assert text in str(raised.value)


def test_what_there_is_is_listed_if_nothing_is_close():
    with unity.launch() as session:
        types = (
            "ConnectedComponentsModel, Counter, LinearRegressionModel, LogisticRegressionModel, "
            "Model, PagerankModel, VariantMap"
        )
        with pytest.raises(unity.UnknownName, match=f"'Zebra'; it has {types}$"):
            _ = session.types.Zebra
        toolkits = (
            "array_stats, connected_components, demo_addone, linear_regression, "
            "logistic_regression, pagerank"
        )
        with pytest.raises(unity.UnknownName, match=f"'x'; it has {toolkits}$"):
            _ = session.toolkits.x


def test_long_lists_are_cut_and_empty_ones_said():
    names = {f"name{n}": n for n in range(9)}
    error = unity._namespace.unknown_name("type", "x", names)
    assert str(error).endswith(f"; it has {', '.join(sorted(names)[:8])}, …")
    error = unity._namespace.unknown_name("type", "x", {})
    assert str(error) == "the server has no type 'x'; it has none"


@pytest.mark.parametrize("name", [5, None, b"demo_addone", ["demo_addone"]])
def test_the_name_of_a_toolkit_is_a_str(session, name):
    with pytest.raises(unity.WrongType, match=r"run\(\) takes the name"):
        session.run(name)


def test_the_import_does_not_pay_for_suggestions():
    code = "import sys, unity; print('difflib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
