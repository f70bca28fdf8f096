# SPDX-License-Identifier: Apache-2.0
"""A producer of Arrow streams by hand, which counts what is released, and can fail."""

import ctypes
import errno

VOID = ctypes.c_void_p


class Schema(ctypes.Structure):
    pass


class Array(ctypes.Structure):
    pass


class Stream(ctypes.Structure):
    pass


RELEASE_SCHEMA = ctypes.CFUNCTYPE(None, ctypes.POINTER(Schema))
RELEASE_ARRAY = ctypes.CFUNCTYPE(None, ctypes.POINTER(Array))
RELEASE_STREAM = ctypes.CFUNCTYPE(None, ctypes.POINTER(Stream))
GET_SCHEMA = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(Stream), ctypes.POINTER(Schema))
GET_NEXT = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(Stream), ctypes.POINTER(Array))
LAST_ERROR = ctypes.CFUNCTYPE(VOID, ctypes.POINTER(Stream))

Schema._fields_ = [
    ("format", ctypes.c_char_p),
    ("name", ctypes.c_char_p),
    ("metadata", VOID),
    ("flags", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("children", ctypes.POINTER(ctypes.POINTER(Schema))),
    ("dictionary", VOID),
    ("release", RELEASE_SCHEMA),
    ("private_data", VOID),
]
Array._fields_ = [
    ("length", ctypes.c_int64),
    ("null_count", ctypes.c_int64),
    ("offset", ctypes.c_int64),
    ("n_buffers", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("buffers", ctypes.POINTER(VOID)),
    ("children", ctypes.POINTER(ctypes.POINTER(Array))),
    ("dictionary", VOID),
    ("release", RELEASE_ARRAY),
    ("private_data", VOID),
]
Stream._fields_ = [
    ("get_schema", GET_SCHEMA),
    ("get_next", GET_NEXT),
    ("get_last_error", LAST_ERROR),
    ("release", RELEASE_STREAM),
    ("private_data", VOID),
]

new_capsule = ctypes.pythonapi.PyCapsule_New
new_capsule.restype = ctypes.py_object
new_capsule.argtypes = (VOID, ctypes.c_char_p, VOID)
pointer_of = ctypes.pythonapi.PyCapsule_GetPointer
pointer_of.restype = VOID
pointer_of.argtypes = (ctypes.py_object, ctypes.c_char_p)


class Producer:
    """A table with one column "x" of int64, in chunks; each has an offset of 1.

    Args:
        chunks: lists of ints.
        format: what the schema calls the column.
        fail_at: the number of the chunk instead of which there is an error; "schema" for that.
        children: how many columns the chunks say that they have.
    """

    def __init__(self, chunks=(), format=b"l", fail_at=None, children=1):
        self.chunks, self.format, self.fail_at = list(chunks), format, fail_at
        self.children = children
        self.given = 0
        self.made = {"schema": 0, "array": 0, "stream": 0}
        self.released = dict(self.made)
        self.kept = []
        self.message = ctypes.create_string_buffer(b"the disk is gone")
        self.release = {
            "schema": RELEASE_SCHEMA(lambda at: self.let_go("schema", at)),
            "array": RELEASE_ARRAY(lambda at: self.let_go("array", at)),
            "stream": RELEASE_STREAM(lambda at: self.let_go("stream", at)),
        }
        self.child_release = RELEASE_SCHEMA(self.let_child_go), RELEASE_ARRAY(self.let_child_go)

    def let_go(self, kind, at):
        self.released[kind] += 1
        at.contents.release = type(self.release[kind])()

    def let_child_go(self, at):
        at.contents.release = type(at.contents.release)()

    def __arrow_c_stream__(self, requested_schema=None):
        self.stream = Stream(
            GET_SCHEMA(self.get_schema),
            GET_NEXT(self.get_next),
            LAST_ERROR(lambda _: ctypes.addressof(self.message)),
            self.release["stream"],
        )
        self.made["stream"] += 1
        return new_capsule(ctypes.addressof(self.stream), b"arrow_array_stream", None)

    def get_schema(self, _, out):
        if self.fail_at == "schema":
            return errno.EIO
        child = Schema(self.format, b"x", None, 2, 0, None, None, self.child_release[0])
        children = (ctypes.POINTER(Schema) * 1)(ctypes.pointer(child))
        self.kept.append((child, children))
        out[0] = Schema(b"+s", b"", None, 0, 1, children, None, self.release["schema"])
        self.made["schema"] += 1
        return 0

    def get_next(self, _, out):
        if self.fail_at == self.given:
            return errno.EINVAL
        if self.given == len(self.chunks):
            out[0] = Array()
            return 0
        values = self.chunks[self.given]
        self.given += 1
        data = (ctypes.c_int64 * (len(values) + 1))(-1, *values)
        buffers = (VOID * 2)(None, ctypes.addressof(data))
        child = Array(
            len(values), 0, 1, 2, 0, buffers, None, None, self.child_release[1]
        )  # fmt: skip
        children = (ctypes.POINTER(Array) * 1)(ctypes.pointer(child))
        none = (VOID * 1)(None)
        self.kept.append((data, buffers, child, children, none))
        out[0] = Array(
            len(values), 0, 0, 1, self.children, none, children, None, self.release["array"]
        )  # fmt: skip
        self.made["array"] += 1
        return 0

    def is_all_released(self):
        return self.made == self.released


def array_in(capsule):
    """The structure in a capsule "arrow_array"."""
    return Array.from_address(pointer_of(capsule, b"arrow_array"))
