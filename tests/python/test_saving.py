# SPDX-License-Identifier: Apache-2.0
"""Session.save and Session.load: what comes back, where to, and what goes wrong on the way."""

import datetime
import gzip
import io
import os
import pathlib
import stat
import tempfile
import threading

import pytest

import unity
from conftest import TRANSPORT

try:
    import numpy as np
except ImportError:
    np = None

needs_descriptors = pytest.mark.skipif(
    TRANSPORT != "unix", reason="descriptors cross Unix sockets only"
)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "saved"


def saved(session, value):
    file = io.BytesIO()
    session.save(value, file)
    return file.getvalue()


def test_objects_come_back_as_new_ones(session, path):
    counter = session.types.Counter(start=5)
    session.save(counter, path)
    again = session.load(path)
    assert type(again) is session.types.Counter
    assert again != counter
    assert again.value == 5
    counter.increment()
    assert again.value == 5


def test_values_with_objects_in_them_come_back_whole(session, path):
    counter = session.types.Counter(start=1)
    inner = session.types.VariantMap({"counter": counter, (1, "two"): [3.0, None]})
    when = datetime.datetime(2026, 1, 2, 3, 4, 5)
    session.save({"map": inner, "twice": [counter, inner], "when": when, 7: b"x" * 100_000}, path)
    again = session.load(path)
    assert list(again) == ["map", "twice", "when", 7]
    assert again["map"] is again["twice"][1]
    assert again["map"]["counter"] is again["twice"][0]
    assert dict(again["map"]) == {"counter": again["twice"][0], (1, "two"): [3.0, None]}
    assert again["when"] == when
    assert again[7] == b"x" * 100_000


@pytest.mark.skipif(np is None, reason="NumPy is not installed")
def test_arrays_keep_their_dtype_shape_and_order(session, path):
    large = np.arange(600_000, dtype=">i4").reshape(200, 3_000)
    arrays = [large, large.T, large[::2, ::-3], np.float32(2.5), np.zeros((0, 4)), np.array("ä")]
    session.save(arrays, path)
    for before, after in zip(arrays, session.load(path), strict=True):
        np.testing.assert_array_equal(before, after)
        assert type(after) is type(before)
        assert after.dtype == before.dtype
    assert session.load(path)[1].flags.f_contiguous


def test_what_a_holder_keeps_is_saved_with_it(session, path):
    holder = session.types.Holder()
    handle = holder.hold("text")
    zeros = holder.zeros(1_000_000)
    session.save(holder, path)
    again = session.load(path)
    assert again.get(handle) == "text"
    assert again.peek(zeros, 0, 16) == bytes(16)
    assert again.hold(1) == zeros + 1


def test_any_kind_of_path_will_do(session, tmp_path):
    for name in ("a", b"b", pathlib.Path("c")):
        path = os.path.join(os.fsencode(tmp_path), os.fsencode(name))
        session.save(1, path if isinstance(name, bytes) else os.fsdecode(path))
        assert session.load(pathlib.Path(os.fsdecode(path))) == 1
    assert sorted(os.listdir(tmp_path)) == ["a", "b", "c"]


def test_files_are_written_and_read_from_their_place_on(session, path):
    with open(path, "w+b") as file:
        file.write(b"head")
        session.save([1], file)
        file.write(b"between")
        session.save([2], file)
        file.write(b"tail")
        file.seek(0)
        assert file.read(4) == b"head"
        assert session.load(file) == [1]
        assert file.read(7) == b"between"
        assert session.load(file) == [2]
        assert file.read() == b"tail"


@pytest.mark.parametrize("opened", [tempfile.TemporaryFile, tempfile.NamedTemporaryFile])
def test_temporary_files(session, opened):
    with opened() as file:
        session.save("text", file)
        file.seek(0)
        assert session.load(file) == "text"


def test_files_that_are_none_of_the_system(session, path):
    with gzip.open(path, "wb") as file:
        session.save("a" * 10_000_000, file)
    assert os.path.getsize(path) < 200_000
    with gzip.open(path) as file:
        assert session.load(file) == "a" * 10_000_000
    with tempfile.SpooledTemporaryFile(max_size=1 << 30) as spooled:
        session.save(3, spooled)
        spooled.seek(0)
        assert session.load(spooled) == 3


def test_pipes_between_two_sessions(session):
    read, write = os.pipe()
    value = [b"x" * 3_000_000, list(range(10_000))]

    def send():
        with open(write, "wb", buffering=0) as file:
            session.save(value, file)

    thread = threading.Thread(target=send)
    thread.start()
    with open(read, "rb") as file:
        assert session.load(file) == value
    thread.join()


def test_special_files_are_written_themselves(session):
    session.save(b"x" * 100_000, "/dev/null")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    with pytest.raises(OSError, match="No space left on device") as caught:
        session.save(1, "/dev/full")
    assert caught.value.errno == 28


def test_a_file_is_replaced_when_all_is_written_and_keeps_its_mode(session, path):
    session.save(1, path)
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask
    path.chmod(0o640)
    before = path.stat().st_ino
    session.save(2, path)
    assert path.stat().st_ino != before
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    link = path.with_name("link")
    link.symlink_to(path)
    session.save(3, link)
    assert link.is_symlink()
    assert session.load(path) == 3


def memory_of(pid):
    """Bytes of private memory that a process has had at most, since the last forget_peak()."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    fields = dict(line.split(":", 1) for line in status.splitlines())
    return int(fields["VmHWM"].split()[0]) << 10


def forget_peak(pid):
    pathlib.Path(f"/proc/{pid}/clear_refs").write_text("5")


@needs_descriptors
@pytest.mark.skipif(
    os.environ.get("UNITY_TEST_SANITIZED"), reason="a sanitizer keeps memory that was freed"
)
def test_saving_and_loading_take_no_memory_beside_the_object(path):
    size = 256 << 20
    with unity.launch(diagnostics=True) as session:
        server = session.server_pid
        holder = session.types.Holder()
        handle = holder.zeros(size // 8)
        holder.poke(handle, size - 8, b"the last")
        session.save(holder, path)
        peaks = []
        for step in (lambda: session.save(holder, path), lambda: session.load(path)):
            for pid in (os.getpid(), server):
                forget_peak(pid)
            before = memory_of(os.getpid()), memory_of(server)
            result = step()
            peaks.append((memory_of(os.getpid()) - before[0], memory_of(server) - before[1]))
        assert result.peek(handle, size - 8, 8) == b"the last"
        limit = size // 50
        (save_here, save_there), (load_here, load_there) = peaks
        assert save_here < limit
        assert load_here < limit
        assert save_there < limit
        assert load_there < size + limit  # the new object itself


def test_a_file_that_was_read_ahead_is_read_from_its_place_on(session, path):
    with open(path, "wb") as file:
        file.write(b"header\n")
        session.save([1], file)
        session.save([2], file)
        file.write(b"footer")
    with open(path, "rb") as file:
        assert file.readline() == b"header\n"
        file.peek(1)
        assert session.load(file) == [1]
        place = file.tell()
        assert session.load(file) == [2]
        assert file.read() == b"footer"
        file.seek(place)
        assert session.load(file) == [2]


def test_values_follow_each_other_in_any_kind_of_file(session, path):
    with gzip.open(path, "wb") as file:
        session.save("first", file)
        session.save(b"second" * 500_000, file)
        file.write(b"rest")
    with gzip.open(path) as file:
        assert session.load(file) == "first"
        assert session.load(file) == b"second" * 500_000
        assert file.read() == b"rest"


def test_a_pipe_need_not_end_for_what_has_come_to_be_loaded(session):
    read, write = os.pipe()
    with open(write, "wb", buffering=0) as out, open(read, "rb") as file:
        session.save([1, "two"], out)
        assert session.load(file) == [1, "two"]


def test_functions_of_the_server_cannot_be_saved_either(session, path):
    session.save("before", path)
    addone = session.toolkits.demo_addone
    for value in ({"f": addone}, [(addone,)], session.types.VariantMap({"f": addone})):
        with pytest.raises(unity.WrongType, match="functions cannot be saved"):
            session.save(value, path)
    assert session.load(path) == "before"


def test_an_empty_path_is_none(session):
    for act in (lambda: session.save(1, ""), lambda: session.load("")):
        with pytest.raises(FileNotFoundError):
            act()
