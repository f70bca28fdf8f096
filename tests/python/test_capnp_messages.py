# SPDX-License-Identifier: Apache-2.0
"""Messages of Cap'n Proto as values: unity.Message, pycapnp's builders and readers."""

import array
import gc
import os
import random
import struct
from pathlib import Path

import numpy as np
import pytest

import unity
from conftest import TRANSPORT

SCHEMA = Path(__file__).resolve().parents[1] / "typed_server" / "shapes.capnp"
WITHOUT_PYCAPNP = "pycapnp is not installed"
MIB = 1 << 20


def load_schema(capnp):
    return capnp.load(str(SCHEMA), imports=[os.path.dirname(p) for p in capnp.__path__])


@pytest.fixture(scope="module")
def schema():
    return load_schema(pytest.importorskip("capnp", reason=WITHOUT_PYCAPNP))


@pytest.fixture
def messages(typed):
    return typed.toolkits.messages


def drawing_of(schema, pixels=1000):
    drawing = schema.Drawing.new_message(name="d", pixels=bytes(i % 251 for i in range(pixels)))
    for i, point in enumerate(drawing.init("points", 3)):
        point.x, point.y = i, -i
    drawing.init("inner").name = "inside"
    return drawing


# -- unity.Message -------------------------------------------------------------------------------


@pytest.mark.parametrize("sizes", [[8], [0], [16, 0, 8], [MIB], [8, 3 * MIB, 16], [8] * 512])
def test_any_segments_come_back(messages, sizes):
    message = unity.Message([random.Random(n).randbytes(size) for n, size in enumerate(sizes)])
    assert [view.nbytes for view in message.segments] == sizes
    assert messages.segments(message) == [size // 8 for size in sizes]
    for back in (messages.same(message), messages.maybe(message)):
        assert type(back) is unity.Message
        assert back == message and len(back) == len(sizes) and back.nbytes == sum(sizes)
        assert all(view.readonly and view.format == "B" for view in back.segments)
    assert messages.none() is None and messages.maybe(None) is None


def test_messages_inside_containers(typed):
    message = unity.Message([b"12345678"])
    value = {"a": [message, 1], "b": (message, unity.Message([bytes(2 * MIB)]))}
    assert typed.toolkits.diagnostics.echo(value) == value
    assert typed.toolkits.diagnostics.describe(message)["kind"] == "message"
    with pytest.raises(TypeError, match="unhashable"):
        hash(message)


@pytest.mark.parametrize("size", [64, 2 * MIB])
def test_every_buffer_is_a_segment(messages, size):
    data = random.Random(1).randbytes(size)
    odd = memoryview(b"x" + data)[1:]  # at no word's address
    with unity.allocator():
        shared = np.frombuffer(data, np.uint8).copy()
    every_second = np.repeat(np.frombuffer(data, np.uint8), 2)[::2]
    segments = [
        data,
        bytearray(data),
        memoryview(data),
        odd,
        shared,
        every_second,
        np.frombuffer(data, "<f8").reshape(-1, 2),
        array.array("d", data),
    ]
    back = messages.same(unity.Message(segments))
    assert all(bytes(view) == data for view in back.segments)


def test_what_is_no_message(messages):
    for wrong, text in (
        ([], "1 to 512 segments, not 0"),
        ([b"12345678"] * 513, "1 to 512 segments, not 513"),
        ([b"12345678", b"1234567"], "segment 1 has 7 bytes"),
    ):
        with pytest.raises(ValueError, match=text):
            unity.Message(wrong)
    for wrong in ([1], 1, None, ["12345678"]):
        with pytest.raises(TypeError):
            unity.Message(wrong)
    for wrong in (b"12345678", [b"12345678"], 1, None):
        with pytest.raises(unity.WrongType, match="'message'"):
            messages.same(wrong)


def test_something_with_the_methods_of_a_builder(messages):
    class Segments:
        def __init__(self, segments):
            self.segments = segments

        def to_segments(self):
            return self.segments

    assert messages.same(Segments([b"12345678"])) == unity.Message([b"12345678"])
    for wrong in ([], [b"1"]):
        with pytest.raises(ValueError):
            messages.same(Segments(wrong))


@pytest.mark.parametrize("count", [1, 2, 3, 512])
def test_framing(count):
    message = unity.Message([bytes([n % 256]) * 8 * (n % 3) for n in range(count)])
    framed = message.to_bytes()
    assert struct.unpack_from("<I", framed)[0] == count - 1 and len(framed) % 8 == 0
    assert unity.Message.from_bytes(framed) == message
    for wrong in (framed[:-1], framed + bytes(8), framed[:4], b"", b"\xff" * 8):
        with pytest.raises(ValueError):
            unity.Message.from_bytes(wrong)


def test_equality_and_repr():
    message = unity.Message([b"12345678"])
    assert message == unity.Message([bytearray(b"12345678")]) != unity.Message([b"1234567 "])
    assert message != b"12345678"
    assert repr(message) == "<unity.Message of 1 segments, 8 bytes>"


def test_nothing_is_left_of_large_ones(messages):
    for _ in range(3):
        back = messages.same(unity.Message([bytes(4 * MIB)]))
        view = back.segments[0]
        del back
        gc.collect()
        assert view[4 * MIB - 1] == 0


# -- pycapnp -------------------------------------------------------------------------------------


@pytest.mark.parametrize("pixels", [0, 1000, 3 * MIB])
def test_a_builder_a_reader_and_a_part(messages, schema, pixels):
    drawing = drawing_of(schema, pixels)
    whole = unity.Message(drawing.to_segments())
    drawing.clear_write_flag()
    for _ in range(2):
        assert messages.same(drawing) == whole
    read = schema.Drawing.from_segments(messages.same(drawing.as_reader()).segments)
    assert read.to_dict() == drawing.to_dict()
    part = messages.same(drawing.inner)
    assert schema.Drawing.from_segments(part.segments).name == "inside"
    assert messages.same(drawing.as_reader().inner) == part
    assert messages.inner(drawing) == part
    assert messages.inner(part) is None


def test_a_toolkit_reads_a_message_and_returns_a_changed_one(messages, schema):
    drawing = drawing_of(schema, 3 * MIB)
    moved = messages.moved(drawing, x=10.0, y=0.5)
    read = schema.Drawing.from_segments(moved.segments)
    del moved
    gc.collect()
    assert (read.name, read.revision) == ("d, moved", 1)
    assert [(p.x, p.y) for p in read.points] == [(10, 0.5), (11, -0.5), (12, -1.5)]
    assert read.pixels == drawing.pixels and read.inner.name == "inside"
    assert messages.pixel_sum(drawing) == sum(drawing.pixels)


def test_what_is_framed_is_read_by_pycapnp(messages, schema):
    moved = messages.moved(drawing_of(schema))
    (read,) = schema.Drawing.read_multiple_bytes(moved.to_bytes())
    assert read.name == "d, moved"
    with schema.Drawing.from_bytes(moved.to_bytes()) as read:
        assert read.name == "d, moved"


def test_many_segments(messages, schema):
    message = messages.in_segments("many", 4 * MIB, 8)
    assert len(message) >= 8
    part = schema.Drawing.from_segments(message.segments)
    assert part.name == "many"
    for number in range(1, 8):
        assert part.pixels[:1] == bytes([number])
        part = part.inner
        assert part.revision == number
    assert messages.walked(message) == 8


def test_a_branch_that_nobody_knows_stays_as_it_is(messages, schema):
    inside = drawing_of(schema)
    drawing = schema.Drawing.new_message(name="outer", extra=inside)
    moved = schema.Drawing.from_segments(messages.moved(drawing).segments)
    branch = moved.extra.as_struct(schema.Drawing)
    assert branch.to_dict() == inside.to_dict()
    # Byte for byte: the same words in the canonical order that a copy has.
    assert branch.as_builder().to_bytes() == inside.as_reader().as_builder().to_bytes()


def test_hostile_segments_raise_and_the_session_goes_on(messages, schema):
    words = random.Random(7)
    for _ in range(200):
        segments = [words.randbytes(8 * words.randrange(1, 9)) for _ in range(3)]
        try:
            assert messages.walked(unity.Message(segments)) > 0
        except unity.ProtocolError as error:
            assert "malformed" in str(error)
    # A drawing of five pointers, the last of which, `inner`, is that drawing again.
    root, again = 5 << 48, 5 << 48 | (-5 & 0x3FFFFFFF) << 2
    itself = struct.pack("<6Q", root, 0, 0, 0, 0, again)
    with pytest.raises(unity.ProtocolError, match="too deeply-nested or contains cycles"):
        messages.walked(unity.Message([itself]))
    assert messages.walked(drawing_of(schema)) == 2


SCRIPT = """
    import sys
    for name in sys.argv[3:]:
        __import__(name)
    import capnp, os, unity
    schema = capnp.load(sys.argv[2], imports=[os.path.dirname(p) for p in capnp.__path__])
    drawing = schema.Drawing.new_message(name="d", pixels=bytes(3 << 20))
    with unity.launch(server_binary=sys.argv[1]) as session:
        moved = session.toolkits.messages.moved(drawing)
    print(schema.Drawing.from_segments(moved.segments).name)
"""


@pytest.mark.parametrize("names", [("capnp", "unity"), ("unity", "capnp")])
def test_pycapnp_is_imported_first_and_second(run_script, typed_server, names):
    pytest.importorskip("capnp", reason=WITHOUT_PYCAPNP)
    assert run_script(SCRIPT, typed_server, SCHEMA, *names) == "d, moved\n"


def test_pycapnp_is_not_imported_by_us(run_script, typed_server):
    out = run_script(
        """
        import sys, unity
        with unity.launch(server_binary=sys.argv[1]) as session:
            print(session.toolkits.messages.same(unity.Message([bytes(8)])))
        print([name for name in sys.modules if "capnp" in name])
        """,
        typed_server,
    )
    assert out == "<unity.Message of 1 segments, 8 bytes>\n[]\n"


# -- Memory ----------------------------------------------------------------------------------------


def private_bytes(pid):
    """The memory of a process that it shares with nobody."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("RssAnon")).split()[1]) << 10


@pytest.mark.skipif(
    bool(os.environ.get("UNITY_TEST_SANITIZED")) or TRANSPORT != "unix",
    reason="a sanitizer keeps memory that was freed; over TCP nothing is shared",
)
def test_a_large_message_is_copied_once_and_read_where_it_lies(typed):
    holder = typed.types.Holder()
    segment = bytes(64 * MIB)
    message = unity.Message([b"12345678", segment])
    holder.drop(holder.hold(message))
    before = private_bytes(typed.server_pid)
    kept = holder.hold(message)
    assert private_bytes(typed.server_pid) - before < 4 * MIB
    here = private_bytes(os.getpid())
    back = holder.get(kept)
    assert private_bytes(os.getpid()) - here < 4 * MIB
    assert back == message
    assert holder.get(kept) == back
    again = unity.Message(back.segments)  # what came is sent again
    other = holder.hold(again)
    assert holder.get(other) == message
    holder.drop(kept)
    holder.drop(other)


def test_a_message_that_was_sent_does_not_change_any_more(typed):
    holder = typed.types.Holder()
    segment = bytearray(4 * MIB)
    kept = holder.hold(unity.Message([segment]))
    segment[0] = 1
    assert bytes(holder.get(kept).segments[0][:1]) == b"\0"
    holder.drop(kept)
