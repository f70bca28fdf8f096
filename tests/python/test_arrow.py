# SPDX-License-Identifier: Apache-2.0
"""The Arrow C data interface: every layout that comes by it, and who frees the memory when."""

import contextlib
import datetime as dt
import gc
import sys
import threading
import weakref

import numpy as np
import pytest

from arrow_producer import Producer, array_in
from conftest import wait_until
from unity import Column, DataFrame

with contextlib.suppress(ImportError):
    import pyarrow as pa

    pa.set_cpu_count(1)
    pa.array([1]).to_pandas()
with contextlib.suppress(ImportError):
    import polars  # noqa: F401


def needs(*modules):
    missing = [name for name in modules if name not in sys.modules]
    return pytest.mark.skipif(bool(missing), reason=f"{', '.join(missing)} is not installed")


def crossed(frame):
    return DataFrame._from_parts(frame._to_parts())


def arrow_columns():
    """(name, column of pyarrow, expected list or None for its own)."""
    if "pyarrow" not in sys.modules:
        return
    texts = ["a", None, "bcdé", "", "a text of more than twelve bytes", "f"]
    times = [dt.datetime(2024, 1, 1), None, dt.datetime(1900, 1, 1, 1)]
    for name, values in {
        "ints": pa.array([1, None, 3]),
        "no nulls": pa.array([1.5, 2.5], pa.float32()),
        "bools": pa.array([True, None, False] * 7),
        "text": pa.array(texts),
        "large text": pa.array(texts, pa.large_string()),
        "views": pa.array(texts, pa.string_view()),
        "dates": pa.array([dt.date(2024, 2, 29), None, dt.date(1, 1, 1)]),
        "date64": pa.array([dt.date(2024, 2, 29), None], pa.date64()),
        "durations": pa.array([dt.timedelta(1), None]),
        "times": pa.array(times),
        "times of a zone": pa.array(times, pa.timestamp("ms", "Europe/Paris")),
        "null": pa.nulls(3),
        "codes": pa.array(["a", None, "b", "a"]).dictionary_encode(),
        "ordered codes": pa.DictionaryArray.from_arrays(
            pa.array([1, None, 0], pa.int8()), ["x", "y"], ordered=True),
        "unsigned codes": pa.DictionaryArray.from_arrays(pa.array([200, 0, None], pa.uint8()),
                                                         [str(i) for i in range(250)]),
        "codes of ints": pa.array([5, None, 7, 5]).dictionary_encode(),
        "codes of null": pa.DictionaryArray.from_arrays([0, 1, None, 2], ["a", None, "b"]),
        "codes of the same": pa.DictionaryArray.from_arrays([0, 1, 2], ["a", "b", "a"]),
        "codes of times": pa.array(times + times[:1]).dictionary_encode(),
    }.items():  # fmt: skip
        yield pytest.param(values, id=name)


def listed(values):
    """What pyarrow calls the values, as Python's types of the standard library."""
    zone = getattr(values.type, "tz", None)
    if zone is not None:
        return [time and time.astimezone(dt.UTC) for time in values.to_pylist()]
    if "date64" in str(values.type):
        return [day and dt.datetime(day.year, day.month, day.day) for day in values.to_pylist()]
    return values.to_pylist()


@needs("pyarrow")
@pytest.mark.parametrize("values", [*arrow_columns()])
def test_columns_of_arrow_however_they_are_cut(values):
    pieces = [values, values[1:], values[:2], values[1:2], values[:0], values[2:]]
    chunked = pa.chunked_array(pieces, values.type)
    for one in (*pieces, chunked, chunked[1:], pa.chunked_array([], values.type)):
        column = Column(one)
        assert column.to_list() == listed(one)
        assert column.null_count == one.null_count or "dictionary" in str(one.type)
        assert Column._from_parts(column._to_parts()) == column
        back = pa.array(column)
        back.validate(full=True)
        assert back.to_pylist() == column.to_list()
        assert Column(back) == column
    table = pa.table({"x": chunked, "y": chunked})
    for one in (table, table[3:], table.to_reader(max_chunksize=2)):
        expected = listed(chunked)[3:] if one.__class__ is pa.Table and one is not table else None
        frame = DataFrame(one)
        assert frame["x"] is not None and frame.num_columns == 2
        assert frame.column("y").to_list() == (expected or listed(chunked))
    batch = pa.record_batch({"x": values})[1:]
    assert DataFrame(batch).column("x").to_list() == listed(values)[1:]
    structs = pa.StructArray.from_arrays([values], ["x"])[1:]  # its own offset, not that of `x`
    assert DataFrame.from_arrow(structs).column("x").to_list() == listed(values)[1:]


@needs("pyarrow")
def test_types_stay_through_arrow():
    frame = DataFrame({
        **{t: np.arange(2).astype(t) for t in ("i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2",
                                               "f4", "f8", "?", "M8[s]", "M8[ms]", "M8[us]",
                                               "M8[ns]", "M8[D]", "m8[s]", "m8[ns]")},
        "t": ["a", None],
        "z": Column(np.arange(2).astype("M8[ns]"), timezone="Asia/Tokyo"),
        "c": Column.from_codes(np.array([1, -1], "i2"), ["x", "y"], is_ordered=True),
    })  # fmt: skip
    table = pa.table(frame)
    table.validate(full=True)
    assert DataFrame(table) == frame == crossed(frame)
    assert table.schema.names == frame.names
    assert pa.schema(frame) == table.schema
    assert str(table.schema.field("z").type) == "timestamp[ns, tz=Asia/Tokyo]"
    assert table.schema.field("c").type.ordered
    assert DataFrame(table.to_batches()[0]) == frame
    assert pa.table(DataFrame({})).num_columns == 0


@needs("pyarrow")
def test_memory_of_arrow_is_used_where_it_lies():
    numbers = np.arange(1000)
    texts = pa.array([f"text {i}" for i in range(1000)], pa.large_string())
    frame = DataFrame(pa.table({"n": pa.array(numbers), "t": texts}))
    assert np.shares_memory(frame["n"], numbers) and not frame["n"].flags.writeable
    offsets, characters, _ = frame["t"]._cells.parts()
    addresses = [buffer.address for buffer in texts.buffers()[1:]]
    assert [array.__array_interface__["data"][0] for array in (offsets, characters)] == addresses
    back = pa.table(frame)
    assert back["t"].chunk(0).buffers()[2].address == addresses[1]
    assert back["n"].chunk(0).buffers()[1].address == numbers.__array_interface__["data"][0]


@needs("pyarrow")
@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: pa.array([[1], [2]]), r"column 'x': Arrow's type list \('\+l'\) is nothing that"),
        (lambda: pa.array([{"a": 1}]), "column 'x': Arrow's type struct"),
        (lambda: pa.array([b"x"]), "column 'x': Arrow's type binary"),
        (lambda: pa.array([dt.time(1)]), "column 'x': Arrow's type time of day"),
        (lambda: pa.array([1]).cast(pa.decimal128(20)), "column 'x': Arrow's type decimal"),
        (lambda: pa.array([[1]], pa.list_(pa.int8(), 1)), "Arrow's type fixed_size_list"),
        (lambda: pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int8())), "Arrow's type map"),
    ],
)
def test_types_of_arrow_that_no_column_has_are_refused(make, text):
    with pytest.raises(TypeError, match=text):
        DataFrame(pa.table({"x": make()}))
    with pytest.raises(TypeError, match="Arrow's type|is a table and not one column"):
        Column(make())


@needs("pyarrow")
def test_what_arrow_has_not_is_refused():
    for values, text in (
        (np.zeros(2, "c16"), "column 'x': Arrow has no type like complex128"),
        (np.zeros(2, "M8[h]"), r"column 'x': Arrow has no type like datetime64\[h\]"),
        (np.array([2**40], "M8[D]"), "column 'x': a date is beyond the 32 bits"),
    ):
        frame = DataFrame({"ok": np.zeros(len(values)), "x": values})
        with pytest.raises(TypeError, match=text):
            pa.table(frame)
    with pytest.raises(ValueError, match="more than one column 'a'"):
        DataFrame(pa.table([[1], [2]], names=["a", "a"]))
    with pytest.raises(TypeError, match="expected a table with __arrow_c_stream__"):
        DataFrame.from_arrow({"a": [1]})
    nulls = pa.StructArray.from_arrays([[1, 2]], ["x"], mask=pa.array([True, False]))
    with pytest.raises(TypeError, match="some rows are null as a whole"):
        DataFrame.from_arrow(nulls)


def test_a_stream_is_released_once():
    producer = Producer([[1, 2], [], [3]])
    frame = DataFrame(producer)
    assert frame["x"].tolist() == [1, 2, 3]
    del frame
    assert wait_until(producer.is_all_released)
    assert producer.made == {"schema": 1, "array": 3, "stream": 1}


def test_one_chunk_is_kept_as_long_as_its_column():
    producer = Producer([[1, 2]])
    values = DataFrame(producer)["x"]
    gc.collect()
    assert producer.released == {"schema": 1, "array": 0, "stream": 1}
    part = values[1:]
    del values
    assert part.tolist() == [2]
    del part
    assert wait_until(producer.is_all_released)


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"fail_at": 0}, ValueError, "the Arrow stream failed: the disk is gone"),
        ({"fail_at": 2}, ValueError, "the Arrow stream failed: the disk is gone"),
        ({"fail_at": "schema"}, OSError, "the disk is gone"),
        ({"format": b"+l"}, ValueError, "not what its schema says"),
        ({"format": b"?!"}, TypeError, "column 'x': Arrow's type"),
        ({"format": b"u"}, ValueError, "offsets of an Arrow array of texts decrease"),
        ({"format": b"n"}, None, None),
        ({"children": 0}, ValueError, "not what its schema says"),
    ],
)
def test_whatever_fails_everything_is_released_once(options, error, text):
    producer = Producer([[8, 9], [8]], **options)
    if options.get("format") == b"+l":
        producer.children = 2
    if error is None:
        assert DataFrame(producer).column("x").to_list() == [None] * 3
    else:
        with pytest.raises(error, match=text):
            DataFrame(producer)
    gc.collect()
    assert wait_until(producer.is_all_released)
    assert producer.made["stream"] == 1


def test_a_stream_is_read_once():
    class Again:
        capsule = Producer([[1]])

        def __init__(self, producer):
            self.capsule = producer.__arrow_c_stream__()

        def __arrow_c_stream__(self, requested_schema=None):
            return self.capsule

    producer = Producer([[1]])
    again = Again(producer)
    assert DataFrame(again)["x"].tolist() == [1]
    with pytest.raises(ValueError, match="was read already"):
        DataFrame(again)
    gc.collect()
    assert wait_until(producer.is_all_released)


def test_what_was_given_out_keeps_its_memory_until_it_is_released():
    values = np.arange(10.0)
    gone = weakref.ref(values)
    capsules = DataFrame({"x": values}).column("x").__arrow_c_array__()
    stream = DataFrame({"x": values}).__arrow_c_stream__()
    del values
    gc.collect()
    assert gone() is not None
    array = array_in(capsules[1])
    assert (array.length, array.null_count, array.n_buffers) == (10, 0, 2)
    # ctypes calls it without the GIL.
    thread = threading.Thread(target=array.release, args=(array,))
    thread.start()
    thread.join()
    assert not array.release
    assert gone() is not None
    del stream
    assert wait_until(lambda: gone() is None)
    del capsules


def test_capsules_that_nobody_reads_are_released():
    values = np.arange(10.0)
    gone = weakref.ref(values)
    frame = DataFrame({"x": values, "t": ["a"] * 10})
    for _ in range(3):
        frame.__arrow_c_stream__(), frame.__arrow_c_schema__()
        frame.column("x").__arrow_c_array__(), frame.column("x").__arrow_c_schema__()
    del values, frame, _
    assert wait_until(lambda: gone() is None)


@needs("pyarrow")
def test_memory_comes_back_from_both_sides():
    before = pa.total_allocated_bytes()
    table = pa.table({"x": pa.array(range(100_000)), "t": pa.array(["text"] * 100_000)})
    frame = DataFrame(table)
    again = pa.table(frame)
    del table, frame
    assert pa.compute.sum(again["x"]).as_py() == sum(range(100_000))
    del again
    assert wait_until(lambda: pa.total_allocated_bytes() <= before)


AT_EXIT = """
    import builtins
    import threading
    import numpy as np
    import pyarrow
    import polars
    import unity
    frame = unity.DataFrame({"x": np.arange(1000.0), "t": ["a", None] * 500})
    builtins.kept = [pyarrow.table(frame), polars.DataFrame(frame), frame.__arrow_c_stream__()]
    builtins.other = unity.DataFrame(pyarrow.table({"x": [1, 2], "t": ["a", "b"]}))
    pool = [threading.local()]
    pool[0].kept = pyarrow.table(frame)
    print("done")
"""


@needs("pyarrow", "polars")
def test_what_is_released_when_the_interpreter_ends_does_no_harm(run_script):
    assert run_script(AT_EXIT) == "done\n"
