# SPDX-License-Identifier: Apache-2.0
"""unity.DataFrame and unity.Column: what they are made of, hold, and show."""

import array
import copy
import datetime as dt
import math
import pickle
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unity import Column, DataFrame

PARIS = ZoneInfo("Europe/Paris")
UTC = dt.UTC
MINUTES = dt.timedelta(minutes=1)
NOON = dt.datetime(2024, 10, 27, 12, 0, 0, 5)


def test_a_frame_is_a_mapping_of_its_columns():
    numbers = np.arange(3.0)
    frame = DataFrame({"n": numbers, "t": ["a", None, "c"]})
    assert frame["n"] is numbers or np.shares_memory(frame["n"], numbers)
    assert type(frame["n"]) is np.ndarray
    assert type(frame["t"]) is Column and frame["t"].name == "t"
    assert type(frame.column("n")) is Column
    assert (list(frame), frame.names, list(frame.keys())) == (["n", "t"],) * 3
    assert (len(frame), frame.num_columns, frame.num_rows, frame.shape) == (2, 2, 3, (3, 2))
    assert "n" in frame and "x" not in frame and 1 not in frame
    assert frame.types == {"n": "float64", "t": "text"}
    assert frame.to_dict() == {"n": [0.0, 1.0, 2.0], "t": ["a", None, "c"]}
    assert frame.row(1) == frame.row(-2) == {"n": 1.0, "t": None}
    assert frame[["t"]] == frame.select(["t"]) == DataFrame({"t": ["a", None, "c"]})
    assert frame.rows(1) == frame.rows(-2) == DataFrame({"n": [1.0, 2.0], "t": [None, "c"]})
    assert frame.head(1).to_dict() == {"n": [0.0], "t": ["a"]}
    assert dict(**frame).keys() == {"n", "t"}
    with pytest.raises(KeyError, match=r"no column 'x'; there are \['n', 't'\]"):
        frame["x"]
    with pytest.raises(IndexError, match="row 3 is out of range: there are 3"):
        frame.row(3)
    with pytest.raises(ValueError, match="more than one column 'n'"):
        frame[["n", "n"]]


@pytest.mark.parametrize("dtype", "?bBhHiIlLqQefdgFD")
def test_arrays_are_not_copied(dtype):
    given = np.zeros(5, dtype)
    column = DataFrame({"x": given})["x"]
    assert column.dtype == given.dtype and np.shares_memory(column, given)
    words = array.array("q", [1, 2])
    assert np.shares_memory(DataFrame({"x": words})["x"], np.asarray(words))


def test_frames_of_other_lengths_names_and_kinds_are_refused():
    with pytest.raises(ValueError, match="one length; 'a' has 3, 'bc' has 2"):
        DataFrame({"a": [1, 2, 3], "bc": [1, 2]})
    with pytest.raises(TypeError, match="is a str, not a int: 5"):
        DataFrame({5: [1]})
    for nothing in (5, [1, 2], np.zeros(2), "x", (1,)):
        with pytest.raises(TypeError, match="expected a mapping of names to columns"):
            DataFrame(nothing)
    assert DataFrame({}).shape == DataFrame().shape == (0, 0)
    assert DataFrame(DataFrame({"a": [1]})).to_dict() == {"a": [1]}


def test_equality_looks_at_types_values_and_places_of_nulls():
    frame = DataFrame({"a": [1, None], "b": ["x", "y"]})
    assert frame == DataFrame({"a": [1, None], "b": ["x", "y"]})
    for other in (
        {"a": [1, 0], "b": ["x", "y"]},
        {"a": [None, 1], "b": ["x", "y"]},
        {"a": [1.0, None], "b": ["x", "y"]},
        {"a": [1, None], "b": ["x", None]},
        {"a": [1, None], "b": ["x", "z"]},
        {"a": [1, None], "b": ["xy", ""]},
        {"b": ["x", "y"], "a": [1, None]},
        {"a": [1, None], "c": ["x", "y"]},
        {"a": [1, None]},
        {"a": [1, None, 1], "b": ["x", "y", "z"]},
    ):
        assert frame != DataFrame(other)
    assert frame != {"a": [1, None], "b": ["x", "y"]}
    assert Column([math.nan]) == Column([math.nan])
    assert Column([0.0]) != Column([-0.0])
    assert Column([1.0], name="a") == Column([1.0], name="b")
    # What lies under a null does not count, nor whether a NaT is marked as one.
    valid = np.array([True, False])
    assert Column(np.ma.array([1, 2], mask=~valid)) == Column(np.ma.array([1, 3], mask=~valid))
    marked = np.ma.array(np.array([1, 2], "M8[s]"), mask=~valid)
    assert Column(marked) == Column(np.array([1, "NaT"], "M8[s]"))
    zoned = [Column(np.zeros(1, "M8[s]"), timezone=zone) for zone in ("UTC", "Europe/Paris", None)]
    assert [[a == b for b in zoned] for a in zoned] == np.eye(3, dtype=bool).tolist()


@pytest.mark.parametrize(
    "value",
    [
        DataFrame({"a": [1, None], "t": ["x", None], "c": Column.from_codes([0, -1], ["u"])}),
        DataFrame(),
        Column([NOON.replace(tzinfo=PARIS)], name="when"),
        Column(np.arange(4.0)[:2]),
    ],
)
def test_pickles_and_copies_are_equal(value):
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(value, protocol)) == value
    assert copy.copy(value) == copy.deepcopy(value) == value
    with pytest.raises(TypeError, match="unhashable"):
        hash(value)


def test_large_columns_are_pickled_out_of_band():
    frame = DataFrame({"x": np.arange(1000)})
    buffers = []
    data = pickle.dumps(frame, 5, buffer_callback=buffers.append)
    assert len(buffers) == 1 and len(data) < 1000
    assert pickle.loads(data, buffers=buffers) == frame


def test_shown_texts_are_short_and_escaped():
    frame = DataFrame({"<b>": ["<i>", None, "x" * 99], "n": [1, 2, 3]})
    assert repr(frame).splitlines() == [
        "<unity.DataFrame of 3 rows, 2 columns>",
        "<b>                             n",
        "text                            int64",
        "<i>                             1",
        "                                2",
        "x" * 29 + "…  3",
    ]
    html = frame._repr_html_()
    assert "&lt;b&gt;" in html and "&lt;i&gt;" in html
    assert "<b>" not in html and "<i>" not in html
    long = DataFrame({f"c{i}": np.arange(1000) for i in range(50)})
    assert "… 990 more rows" in repr(long) and "more columns" in repr(long)
    assert max(map(len, repr(long).splitlines())) <= 100
    assert len(long._repr_html_()) < 10_000
    assert repr(Column([1, None, 3], name="x")) == (
        "<unity.Column 'x' of int64, 3 rows, 1 null: [1, None, 3]>"
    )
    assert repr(DataFrame()) == "<unity.DataFrame of 0 rows, 0 columns>"


I8 = np.array([0, 1, 2])
GOOD = ("x", "values", I8[:2], None, None)


@pytest.mark.parametrize(
    "parts",
    [
        [3, GOOD],
        [2, GOOD, GOOD],
        [2, ("x", "values", I8[:2], np.ones(3, bool), None)],
        [2, ("x", "values", I8[:2], I8[:2], None)],
        [2, ("x", "values", I8[:2], None, "UTC")],
        [2, ("x", "values", np.zeros(2, "S1"), None, None)],
        [2, ("x", "values", np.zeros((2, 1)), None, None)],
        [2, ("x", "text", np.array([0, 2, 1]), np.zeros(1, "u1"), None)],
        [2, ("x", "text", np.array([1, 1, 1]), np.zeros(1, "u1"), None)],
        [2, ("x", "text", np.array([0, 1, 9]), np.zeros(1, "u1"), None)],
        [2, ("x", "text", np.array([0, -1, 1]), np.zeros(1, "u1"), None)],
        [2, ("x", "text", I8, np.zeros(2, "i1"), None)],
        [0, ("x", "text", I8[:0], np.zeros(0, "u1"), None)],
        [2, ("x", "category", I8[:2], ("", "values", I8[:1], None, None), False)],
        [2, ("x", "category", I8[:2] - 2, ("", "values", I8, None, None), False)],
        [1, ("x", "category", I8[:1], ("", "values", I8, np.zeros(3, bool), None), False)],
        [1, (5, "values", I8[:1], None, None)],
    ],
)
def test_parts_that_are_no_frame_are_refused(parts):
    with pytest.raises((ValueError, TypeError)):
        DataFrame._from_parts(parts)


MOMENTS = st.datetimes(dt.datetime(1, 1, 2), dt.datetime(9999, 12, 30))
VALUES = st.sampled_from([
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.booleans(),
    st.text(st.characters(exclude_categories=["Cs"])),
    MOMENTS,
    MOMENTS.map(lambda t: t.replace(tzinfo=UTC)),
    st.dates(),
    st.timedeltas(dt.timedelta(-100_000_000), dt.timedelta(100_000_000)),
    st.complex_numbers(),
])  # fmt: skip


@st.composite
def frames(draw):
    """DataFrames with nulls, and a dict of the lists they are made of."""
    rows = draw(st.integers(0, 8))
    columns = {}
    for name in draw(st.lists(st.text(st.characters(exclude_categories=["Cs"])), unique=True,
                              max_size=4)):  # fmt: skip
        cell = draw(VALUES) | st.none()
        columns[name] = draw(st.lists(cell, min_size=rows, max_size=rows))
    return DataFrame(columns), columns


def same_values(a, b):
    return a == b or (a != a and b != b)


@pytest.fixture(scope="module", params=["parts", "echo", "copy"])
def crossed(request):
    """Sends a value as its parts alone; to a server and back; and so that it is new there."""
    if request.param == "parts":
        return lambda value: type(value)._from_parts(value._to_parts())
    session = request.getfixturevalue("private")
    return getattr(session.toolkits.diagnostics, request.param)


@given(pair=frames())
@settings(deadline=None)
def test_any_frame_crosses(crossed, pair):
    frame, columns = pair
    back = crossed(frame)
    assert back == frame
    for name, values in columns.items():
        found = back.column(name).to_list()
        assert all(map(same_values, found, values)) and len(found) == len(values)
    assert pickle.loads(pickle.dumps(frame)) == frame
    assert frame.rows(1, 3) == DataFrame({name: frame.column(name)[1:3] for name in frame})


WITHOUT_NUMPY = """
    import array
    import copy
    import datetime as dt
    import pickle
    import sys
    sys.modules["numpy"] = None
    import unity
    from unity import Column, DataFrame

    noon = dt.datetime(2024, 1, 1, 12)
    frame = DataFrame({
        "i": [1, None, 3], "f": array.array("d", [1, 2, 3]), "b": [True, False, None],
        "t": ["a", None, "é"], "d": [noon, None, noon], "c": [1j, 2, None], "u": [2**64 - 1, 0, 1],
        "z": [noon.replace(tzinfo=dt.UTC)] * 3, "day": [noon.date()] * 3,
        "k": Column.from_codes([0, -1, 1], ["x", "y"]), "m": memoryview(b"abcdef")[::2],
        "g": [dt.timedelta(1), None, None],
    })
    lists = frame.to_dict()
    assert lists["i"] == [1, None, 3] and lists["t"] == ["a", None, "é"], lists
    assert lists["d"] == [noon, None, noon] and lists["c"] == [1j, 2, None], lists
    assert lists["z"][0] == noon.replace(tzinfo=dt.UTC) and lists["day"] == [noon.date()] * 3
    assert lists["k"] == ["x", None, "y"] and lists["m"] == [97, 99, 101], lists
    assert lists["g"] == [dt.timedelta(1), None, None] and lists["u"] == [2**64 - 1, 0, 1], lists
    assert type(frame["f"]) is unity.Buffer and frame["f"].tolist() == [1, 2, 3]
    for other in (DataFrame._from_parts(frame._to_parts()), copy.copy(frame),
                  pickle.loads(pickle.dumps(frame)), frame.rows(0, 3)):
        assert other == frame
    assert frame.rows(1).to_dict() == {name: values[1:] for name, values in lists.items()}
    assert [column[::-2].to_list() for column in map(frame.column, frame)] == [
        values[::-2] for values in lists.values()]
    assert "more columns" in repr(frame)
    arrays = Column([1, 2]).__arrow_c_array__(), frame[["i", "t", "k"]].__arrow_c_stream__()
    class Arrow:
        def __arrow_c_stream__(self):
            return frame[["i", "t", "k", "b", "d", "f"]].__arrow_c_stream__()
    assert DataFrame(Arrow()) == frame[["i", "t", "k", "b", "d", "f"]]
    print("done")
"""


def test_frames_work_without_numpy(run_script):
    assert run_script(WITHOUT_NUMPY) == "done\n"


def test_a_frame_of_lists_imports_no_other_library(run_script):
    code = """
        import sys
        import unity
        frame = unity.DataFrame({"a": [1, None], "b": ["x", "y"]})
        repr(frame), frame._repr_html_(), frame == frame, frame.__arrow_c_stream__()
        unity._tables.as_value([1]), unity._tables.as_value(object())
        names = ("pandas", "polars", "pyarrow", "networkx", "scipy")
        print([name for name in names if name in sys.modules])
    """
    assert run_script(code) == "[]\n"
