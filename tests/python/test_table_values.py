# SPDX-License-Identifier: Apache-2.0
"""Dataframes on their way to C++ and back: parameters, results, nesting, memory."""

import contextlib
import gc
import re
from pathlib import Path

import numpy as np
import pytest

import unity
from conftest import TRANSPORT

IN_SHARED_MEMORY = pytest.mark.skipif(TRANSPORT == "tcp", reason="no memory is shared over TCP")


ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def tables(typed):
    return typed.toolkits.tables


@pytest.fixture
def echo(session):
    return session.toolkits.diagnostics.echo


def frame_of(rows=4):
    texts = [None if i == 1 else "ä" * (i % 3) for i in range(rows)]
    return unity.DataFrame(
        {
            "number": np.arange(rows) / 2,
            "count": np.arange(rows, dtype=np.int32),
            "flag": np.arange(rows) % 2 == 0,
            "when": np.arange(rows).astype("datetime64[us]"),
            "text": texts,
        }
    )


def edges_of(*pairs):
    sources, targets = np.array(pairs, dtype=np.int64).reshape(-1, 2).T.copy()
    return sources, targets


def nested(value):
    return [1, {"a": (value, "b")}, [value]]


# -- dataframes ----------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [0, 1, 4, 100_000])
def test_a_dataframe_comes_back_equal(tables, rows):
    frame = frame_of(rows)
    for back in (tables.same(frame), tables.maybe(frame)):
        assert type(back) is unity.DataFrame
        assert back == frame
    assert tables.maybe(None) is None


def test_dataframes_inside_containers(session, echo):
    value = nested(frame_of())
    assert echo(value) == value
    assert session.toolkits.diagnostics.copy(value) == value
    assert session.toolkits.diagnostics.describe(frame_of()) == {
        "kind": "dataframe",
        "num_rows": 4,
        "columns": {
            "number": "float64",
            "count": "int32",
            "flag": "bool",
            "when": "<M8[us]",
            "text": "text",
        },
    }


def test_typed_containers_of_dataframes(tables):
    assert tables.rows({"a": frame_of(3), "b": unity.DataFrame({})}) == {"a": 3, "b": 0}


def test_what_cpp_makes_has_every_layout(tables):
    frame = tables.made(4)
    assert list(frame) == ["number", "count", "text", "parity"]
    assert tables.types(frame) == {
        "number": "float64",
        "count": "int64",
        "text": "text",
        "parity": "category of text",
    }
    assert tables.texts(frame, "text") == ["", None, "xx", "xxx"]
    assert tables.texts(frame, "parity") == ["even", None, "even", "odd"]
    assert tables.codes(frame, "parity") == [0, -1, 0, 1]
    assert tables.same(frame) == frame
    assert tables.made(0) == tables.same(tables.made(0))
    assert tables.made(4) != tables.made(5)


def test_cpp_reads_columns(tables):
    frame = frame_of()
    assert tables.texts(frame, "text") == ["", None, "ää", ""]
    assert tables.doubles(frame, "number") == [0, 0.5, 1, 1.5]
    assert tables.doubles(frame, "flag") == [1, 0, 1, 0]
    with pytest.raises(KeyError, match=r"no column 'none'; it has 'number', 'count'"):
        tables.doubles(frame, "none")
    with pytest.raises(TypeError, match="column 'text': expected real numbers or bools, got text"):
        tables.doubles(frame, "text")
    with pytest.raises(TypeError, match="column 'count': expected int64, got int32"):
        tables.int64s(frame, "count")


def test_cpp_takes_rows_and_columns(tables):
    frame = frame_of()
    assert tables.select(frame, ["text", "flag"]) == frame[["text", "flag"]]
    taken = tables.take(frame, [3, 1, 1])
    assert tables.texts(taken, "text") == ["", None, None]
    assert tables.doubles(taken, "count") == [3, 1, 1]
    with pytest.raises(IndexError, match="there is no row 4"):
        tables.take(frame, [4])
    matrix = tables.matrix(frame, ["count", "number"])
    assert matrix.tolist() == [[0, 0], [1, 0.5], [2, 1], [3, 1.5]]


def test_other_values_are_refused_by_name(tables):
    for value, given in (
        ({"x": [1]}, "dict"),
        (None, "None"),
        (np.zeros(2), r"ndarray\[float64\]"),
    ):
        with pytest.raises(TypeError, match=f"'frame': expected unity.DataFrame, got {given}"):
            tables.same(value)
    with pytest.raises(TypeError, match=r"'frame': expected unity.DataFrame, got unity.Graph"):
        tables.same(unity.Graph(edges=edges_of((1, 2))))
    with pytest.raises(TypeError, match=r"'graph': expected unity.Graph, got unity.DataFrame"):
        tables.same_graph(frame_of())


def test_signatures_name_the_classes(tables):
    assert "unity.DataFrame" in str(tables.same.__signature__)
    assert "unity.Graph" in str(tables.same_graph.__signature__)


def test_tables_are_no_keys(echo):
    for table in (frame_of(), unity.Graph(edges=edges_of((1, 2)))):

        class Hashable(type(table)):
            __slots__ = ()
            __hash__ = object.__hash__

        key = Hashable._from_parts(table._to_parts())
        with pytest.raises(TypeError, match="as a key or in a set"):
            echo({key: 1})


def test_results_may_be_written_and_belong_to_nobody_else(typed):
    keeper = typed.types.tables.Keeper()
    frame = unity.DataFrame({"x": np.arange(100_000.0)})
    back = keeper.keep(frame)
    back["x"][0] = 7
    assert frame["x"][0] == 0 and keeper.first("x") == 0
    again = keeper.frame
    assert again["x"][0] == 0
    made = typed.toolkits.tables.made(100_000)
    made["number"][0] = 7
    assert made["number"][0] == 7


@IN_SHARED_MEMORY
def test_columns_in_shared_memory_cross_without_a_copy(session, echo):
    with unity.allocator():
        values = np.arange(1_000_000.0)
    frame = unity.DataFrame({"x": values})
    copied = session.stats()["bytes_copied"]
    back = echo(frame)
    assert np.shares_memory(back["x"], values)
    assert session.stats()["bytes_copied"] == copied


@IN_SHARED_MEMORY
def test_memory_goes_with_the_last_of_it(typed):
    held = typed.stats()["bytes_held"]
    keeper = typed.types.tables.Keeper()
    keeper.keep(frame_of(1_000_000))
    assert typed.stats()["bytes_held"] > held
    keeper.keep(unity.DataFrame({}))
    gc.collect()
    assert typed.stats()["bytes_held"] == held


def test_a_dataframe_larger_than_a_message_crosses(typed):
    columns = {f"c{i}": np.full(2_000_000, float(i)) for i in range(6)}
    frame = unity.DataFrame(columns)  # 96 MB, of which the message has none
    back = typed.toolkits.tables.same(frame)
    assert all(back[name][-1] == column[-1] for name, column in columns.items())


def test_saved_and_loaded(typed, tmp_path):
    keeper = typed.types.tables.Keeper()
    keeper.keep(frame_of(10_000))
    graph = unity.Graph(edges=edges_of((1, 2), (2, 3)))
    typed.save({"keeper": keeper, "graph": graph}, tmp_path / "saved")
    loaded = typed.load(tmp_path / "saved")
    assert loaded["keeper"].frame == frame_of(10_000)
    assert loaded["graph"] == graph


def test_tables_are_defaults_of_callbacks_and_results(session):
    call = session.toolkits.diagnostics.call
    frame, graph = frame_of(), unity.Graph(edges=edges_of((1, 2)))
    assert call(lambda *tables: list(tables), frame, graph) == [frame, graph]


def test_a_shared_map_keeps_tables(session):
    here = session.types.VariantMap()
    here["frame"], here["graph"] = frame_of(), unity.Graph(edges=edges_of((1, 2)))
    assert here["frame"] == frame_of()
    assert here["graph"] == unity.Graph(edges=edges_of((1, 2)))


def test_submitted_calls_copy_what_may_change(tables):
    values = np.zeros(100_000)
    call = tables.same.submit(unity.DataFrame({"x": values}))
    values[:] = 1
    assert not call.result()["x"].any()


# -- tables of other libraries -------------------------------------------------------------------


@pytest.fixture(scope="module")
def libraries():
    """Whatever there is of pandas, polars and pyarrow, with their threads started."""
    loaded = {}
    with contextlib.suppress(ImportError):
        import pyarrow

        pyarrow.set_cpu_count(1)
        pyarrow.table({"a": [1, 2], "b": ["x", None]}).to_pandas()
        loaded["pyarrow"] = pyarrow.table
    with contextlib.suppress(ImportError):
        import pandas

        loaded["pandas"] = pandas.DataFrame
    with contextlib.suppress(ImportError):
        import polars

        polars.DataFrame({"a": [1]}).select(polars.col("a").sum())
        loaded["polars"] = polars.DataFrame
    return loaded


@pytest.fixture
def pandas(libraries):
    return pytest.importorskip("pandas")


@pytest.mark.parametrize("name", ["pandas", "polars", "pyarrow"])
def test_tables_of_other_libraries_are_dataframes(tables, libraries, name):
    if name not in libraries:
        pytest.skip(f"{name} is not installed")
    columns = {"n": [1.5, 2.5, None], "s": ["a", None, "c"]}
    table = libraries[name](columns)
    assert tables.texts(table, "s") == ["a", None, "c"]
    assert tables.doubles(table, "n")[:2] == [1.5, 2.5]
    back = tables.same(table)
    assert type(back) is unity.DataFrame
    assert list(back["s"]) == ["a", None, "c"]


def test_categories_and_zones_cross(tables, pandas):
    table = pandas.DataFrame(
        {
            "c": pandas.Categorical(["b", None, "a"], categories=["a", "b", "z"], ordered=True),
            "t": pandas.to_datetime(["2024-07-01", None, "2025-01-01"]).tz_localize(
                "Europe/Berlin"
            ),
        }
    )
    assert tables.types(table)["c"] == "category of text"
    assert tables.types(table)["t"].endswith("] in Europe/Berlin")
    assert tables.codes(table, "c") == [1, -1, 0]
    assert tables.texts(table, "c") == ["b", None, "a"]
    pandas.testing.assert_frame_equal(tables.same(table).to_pandas(), table)


def test_a_table_that_cannot_be_one_is_refused_where_it_is(echo, pandas):
    indexed = pandas.DataFrame({"x": [1, 2]}, index=["a", "b"])
    with pytest.raises(ValueError, match=r"cannot send a 'DataFrame': .*\(in argument .*\[1\]\)"):
        echo([0, indexed])
    objects = pandas.DataFrame({"x": [object(), object()]})
    with pytest.raises(TypeError, match=r"cannot send a 'DataFrame': .*\['key'\]"):
        echo({"key": objects})


def test_what_is_no_table_is_refused_as_before(echo):
    class Thing:
        pass

    with pytest.raises(TypeError, match=r"cannot send a '.*Thing' \(in argument"):
        echo([Thing()])


def test_without_numpy_columns_are_buffers(script):
    done = script("""
        import sys
        sys.modules["numpy"] = None
        import array, os, unity
        with unity.launch(server_binary=os.environ["UNITY_SERVER_BINARY"], diagnostics=True) as s:
            echo = s.toolkits.diagnostics.echo
            frame = unity.DataFrame({"x": array.array("d", [1, 2]), "s": ["a", None]})
            assert echo(frame) == frame and list(echo(frame)["s"]) == ["a", None]
            edges = array.array("q", [3, 1]), array.array("q", [1, 1])
            graph = unity.Graph(edges=edges)
            assert echo(graph) == graph and list(echo(graph).sources) == [3, 1]
        print("fine")
    """)
    assert done.finish() == (0, "fine\n", "")


def test_the_cpp_of_the_documentation_is_compiled():
    source = (ROOT / "tests" / "typed_server" / "tables.cpp").read_text()
    shown = re.findall(
        r"```cpp\n(.*?)```", (ROOT / "docs" / "tables_in_cpp.md").read_text(), re.DOTALL
    )
    assert len(shown) == 3
    assert all(block in source for block in shown)
