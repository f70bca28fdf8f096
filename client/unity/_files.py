# SPDX-License-Identifier: Apache-2.0
"""`Session.save` and `Session.load`: the files that this side opens.

A regular file goes to the server as its descriptor, and the server writes and reads it by itself.
Whatever else has `write` or `read`, and every file over TCP, is written and read here, with what
the server gives or asks for, in pieces of about 1 MiB.
"""

import contextlib
import errno
import io
import os
import stat
import tempfile

from unity import _core, errors
from unity._routine import builtin

_SAVE = builtin("$save", "Session.save", (("value",), ("file",)))
_LOAD = builtin("$load", "Session.load", (("file",),))


def save(connection, value, path_or_file):
    """See Session.save."""
    if _is_path(path_or_file):
        with _replacement_of(os.fspath(path_or_file)) as file:
            _save_to(connection, value, file)
    elif isinstance(path_or_file, io.TextIOBase):
        raise errors.WrongType("save() writes bytes: open the file with mode 'wb'")
    elif callable(getattr(path_or_file, "write", None)):
        _save_to(connection, value, path_or_file)
    else:
        raise _neither("save()", "write()", path_or_file)


def load(connection, path_or_file):
    """See Session.load."""
    if _is_path(path_or_file):
        with open(path_or_file, "rb", buffering=0) as file:
            return _load_from(connection, file)
    if isinstance(path_or_file, io.TextIOBase):
        raise errors.WrongType("load() reads bytes: open the file with mode 'rb'")
    if callable(getattr(path_or_file, "read", None)):
        return _load_from(connection, path_or_file)
    raise _neither("load()", "read()", path_or_file)


def _is_path(path_or_file):
    return isinstance(path_or_file, (str, bytes, os.PathLike))


def _neither(name, method, given):
    return errors.WrongType(
        f"{name} takes a path, or a file with {method}, not {type(given).__qualname__!r}"
    )


def _save_to(connection, value, file):
    number = _given(connection, file)
    if number is None:
        _core.bind(_SAVE, connection)(value, _writer_of(file))
        return
    try:
        _core.bind(_SAVE, connection)(value, number)
    finally:
        _catch_up(file)


def _load_from(connection, file):
    number = _given(connection, file)
    if number is None:
        return _core.bind(_LOAD, connection)(_reader_of(file))
    try:
        return _core.bind(_LOAD, connection)(number)
    finally:
        _catch_up(file)


def _given(connection, file):
    """The number of a file that the server has now too; None if it has to be used here."""
    # Others, such as gzip's, have a descriptor but other bytes.
    file = getattr(file, "file", file)  # of tempfile's wrapper
    raw = getattr(file, "raw", file)
    if connection.transport != "unix" or type(raw) is not io.FileIO:
        return None
    if type(file) not in (io.FileIO, io.BufferedReader, io.BufferedWriter, io.BufferedRandom):
        return None
    # A pipe may block for as long as nobody takes from it, which only this side can interrupt.
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        return None
    if file.writable():
        file.flush()
    _move_to(file, file.tell())
    return _core.give_file(connection, raw.fileno())


def _catch_up(file):
    """Lets a file of this side know that it was moved on by the server."""
    file = getattr(file, "file", file)
    if not file.closed:
        _move_to(file, os.lseek(file.fileno(), 0, os.SEEK_CUR))


def _move_to(file, place):
    """Moves a file and its descriptor, and forgets what was read ahead, which seek() alone keeps
    if the place is within it."""
    file.seek(0, os.SEEK_END)
    file.seek(place)


def _writer_of(file):
    def write(piece):
        view = memoryview(piece)
        while len(view) > 0:
            count = file.write(view)
            if count is None and isinstance(file, io.RawIOBase):
                raise BlockingIOError("the file would block; save() needs one that waits")
            # Files that are no RawIOBase write all, whatever they return.
            view = view[count:] if isinstance(file, io.RawIOBase) else view[len(view) :]

    return write


def _reader_of(file):
    def read(size):
        piece = file.read(size)
        if piece is None:
            raise BlockingIOError("the file has nothing to read; load() needs one that waits")
        return bytes(piece) if isinstance(piece, (bytearray, memoryview)) else piece

    return read


@contextlib.contextmanager
def _replacement_of(path):
    """A new file that takes the place of `path` at the end, if there was no exception.

    It has no name until then, where the file system can do that. What is no regular file, such
    as /dev/null, is written itself.
    """
    if not path:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
    path = os.path.realpath(path)
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        mode = None
    if mode is not None and not stat.S_ISREG(mode):
        with open(path, "wb", buffering=0) as file:
            yield file
        return
    if mode is not None and not os.access(path, os.W_OK):
        open(path, "ab").close()  # raises what the user has to see
    with _unnamed_beside(path) as (file, put_at):
        yield file
        os.fchmod(file.fileno(), stat.S_IMODE(mode) if mode is not None else 0o666 & ~_umask())
        os.fsync(file.fileno())
        put_at(path)


@contextlib.contextmanager
def _unnamed_beside(path):
    """A file in the folder of `path`, and a function that gives it the name `path`."""
    folder = os.path.dirname(path) or os.curdir
    try:
        descriptor = os.open(folder, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        if isinstance(error, (FileNotFoundError, PermissionError, NotADirectoryError)):
            error.filename = path  # what the caller has asked for
            raise
        name = None  # a file system without O_TMPFILE
    else:
        name = ""
    if name is None:
        with tempfile.NamedTemporaryFile(dir=folder, delete=False, buffering=0) as file:
            try:
                yield file, lambda end: os.replace(file.name, end)
            except BaseException:
                os.unlink(file.name)
                raise
        return
    with open(descriptor, "w+b", buffering=0) as file:
        yield file, lambda end: _link(file, end)


def _link(file, path):
    # A link takes no name that is there: by way of one that is not.
    folder = os.open(os.path.dirname(path) or os.curdir, os.O_PATH | os.O_DIRECTORY)
    try:
        while True:
            name = f".{os.path.basename(path)[:200]}.{os.urandom(6).hex()}"
            with contextlib.suppress(FileExistsError):
                # With the descriptor of a folder it follows the link that /proc has.
                os.link(f"/proc/self/fd/{file.fileno()}", name, dst_dir_fd=folder)
                break
        try:
            os.replace(name, os.path.basename(path), src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:
            os.unlink(name, dir_fd=folder)
            raise
    finally:
        os.close(folder)


def _umask():
    # The only way that changes nothing, even for a moment.
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith("Umask:"):
                return int(line.split()[1], 8)
    return 0o022
