# SPDX-License-Identifier: Apache-2.0
"""The C data interface of Apache Arrow: what comes by it, piece by piece, and what leaves by it.

What the columns mean is said by `_arrow_columns.py`. Each structure that comes is moved out of its
capsule into an object that releases it when nothing uses its memory any more, once, on every path.
"""

import errno
import os
from collections import namedtuple

from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.stdint cimport int32_t, int64_t, uint8_t
from libc.string cimport memcpy
from libcpp.memory cimport shared_ptr
from libcpp.string cimport string
from libcpp.vector cimport vector

from unity cimport column_loops as loops
from unity cimport cppipc
from unity._runtime cimport PyObject, Runtime, runtime
from unity._vectors cimport elements_of, empty, start_of, vector_over
from unity.cppipc cimport raise_as_python


cdef extern from "arrow_stream.h" namespace "unity" nogil:
    cdef cppclass ArrowSchema:
        const char* format
        const char* name
        const char* metadata
        int64_t flags
        int64_t child_count
        ArrowSchema** children
        ArrowSchema* dictionary
        void release(ArrowSchema*)

    cdef cppclass ArrowArray:
        int64_t length
        int64_t null_count
        int64_t offset
        int64_t buffer_count
        int64_t child_count
        const void** buffers
        ArrowArray** children
        ArrowArray* dictionary
        void release(ArrowArray*)

    cdef cppclass ArrowArrayStream:
        int get_schema(ArrowArrayStream*, ArrowSchema*)
        int get_next(ArrowArrayStream*, ArrowArray*)
        const char* get_last_error(ArrowArrayStream*)
        void release(ArrowArrayStream*)

    cdef cppclass ArrowNode:
        string format
        string name
        int64_t flags
        int64_t length
        int64_t null_count
        vector[const void*] buffers
        vector[shared_ptr[const void]] owners
        vector[shared_ptr[const ArrowNode]] children
        shared_ptr[const ArrowNode] dictionary
    shared_ptr[ArrowNode] new_node "std::make_shared<unity::ArrowNode>" () except +

cdef extern from "arrow_stream.h" namespace "unity":
    object make_arrow_stream(
        const shared_ptr[const ArrowNode]&) except +raise_as_python
    object make_node_schema(const shared_ptr[const ArrowNode]&) except +raise_as_python
    object make_node_array(const shared_ptr[const ArrowNode]&) except +raise_as_python

cdef extern from *:
    """
    template <class Struct> bool is_released(const Struct& arrow) {
      return arrow.release == nullptr;
    }
    // Moves a structure out of where it is.
    template <class Struct> void take(Struct* from, Struct* to) {
      *to = *from;
      from->release = nullptr;
    }
    """
    bint is_released[Struct](const Struct&) nogil
    void take[Struct](Struct*, Struct*) nogil


cdef Runtime* process_runtime = runtime()

# What a schema says of one column. `extension` is the name of an extension type, or "".
Field = namedtuple("Field", "format name flags extension children dictionary")


cdef class Schema:
    # Owns a schema that was moved here.
    cdef ArrowSchema schema

    def __dealloc__(self):
        if not is_released(self.schema):
            self.schema.release(&self.schema)


cdef class Array:
    # Owns an array that was moved here, and so the memory of all its buffers.
    cdef ArrowArray array

    def __dealloc__(self):
        if not is_released(self.array):
            self.array.release(&self.array)


cdef class Stream:
    """Owns a stream that was moved out of its capsule."""
    cdef ArrowArrayStream stream

    def __init__(self, capsule):
        cdef void* given = PyCapsule_GetPointer(capsule, "arrow_array_stream")
        if is_released((<ArrowArrayStream*>given)[0]):
            raise ValueError("the Arrow stream was read already")
        take(<ArrowArrayStream*>given, &self.stream)

    def __dealloc__(self):
        if not is_released(self.stream):
            self.stream.release(&self.stream)

    def field(self):
        """What its chunks are."""
        cdef Schema schema = Schema.__new__(Schema)
        cdef int status
        with nogil:
            status = self.stream.get_schema(&self.stream, &schema.schema)
        self.check(status)
        return field_of(&schema.schema)

    def chunks(self, field):
        """All of them, as a list of Chunks."""
        cdef list chunks = []
        cdef Array array
        cdef int status
        while True:
            array = Array.__new__(Array)
            with nogil:
                status = self.stream.get_next(&self.stream, &array.array)
            self.check(status)
            if is_released(array.array):
                return chunks
            chunks.append(chunk_of(array, &array.array, field))

    cdef int check(self, int status) except -1:
        cdef const char* text
        if status == 0:
            return 0
        text = self.stream.get_last_error(&self.stream)
        message = (text.decode("utf-8", "replace") if text != NULL else "") or os.strerror(status)
        if status == errno.ENOMEM:
            raise MemoryError(message)
        if status == errno.EINVAL:
            raise ValueError(f"the Arrow stream failed: {message}")
        raise OSError(status, f"the Arrow stream failed: {message}")


def read_array(schema_capsule, array_capsule):
    """The field and the one chunk of what `__arrow_c_array__` gave."""
    cdef ArrowSchema* schema = <ArrowSchema*>PyCapsule_GetPointer(schema_capsule, "arrow_schema")
    cdef void* given = PyCapsule_GetPointer(array_capsule, "arrow_array")
    cdef Array array = Array.__new__(Array)
    if is_released(schema[0]) or is_released((<ArrowArray*>given)[0]):
        raise ValueError("the Arrow array was read already")
    take(<ArrowArray*>given, &array.array)
    field = field_of(schema)
    return field, chunk_of(array, &array.array, field)


cdef object field_of(const ArrowSchema* schema):
    children = [field_of(schema.children[i]) for i in range(schema.child_count)]
    dictionary = None if schema.dictionary == NULL else field_of(schema.dictionary)
    name = "" if schema.name == NULL else schema.name.decode()
    return Field(schema.format.decode(), name, schema.flags, extension_of(schema.metadata),
                 children, dictionary)


cdef str extension_of(const char* metadata):
    # The name of an extension type: pairs of key and value, each with its length before it.
    cdef int32_t count = 0, size = 0
    cdef int i
    cdef const char* at = metadata
    cdef list texts = []
    if at == NULL:
        return ""
    memcpy(&count, at, 4)
    at += 4
    for i in range(2 * count):
        memcpy(&size, at, 4)
        texts.append(at[4:4 + size])
        at += 4 + size
    pairs = dict(zip(texts[::2], texts[1::2], strict=True))
    return pairs.get(b"ARROW:extension:name", b"").decode("utf-8", "replace")


cdef class Chunk:
    """Elements that came by Arrow: `length` of them. Vectors over them share their memory."""
    cdef Array owner
    cdef ArrowArray* array
    cdef int64_t first  # how many elements there are before these in the buffers
    cdef readonly int64_t length
    cdef readonly list children
    cdef readonly Chunk dictionary

    def valid(self):
        """Where there are values, as bools; None if there are everywhere."""
        if self.array.null_count == 0 or self.array.buffer_count == 0 or (
                self.array.buffers[0] == NULL):
            return None
        valid = empty("|b1", self.length)
        nulls = loops.bits_to_bytes(<const uint8_t*>self.array.buffers[0], self.first,
                                    self.length, <uint8_t*>start_of(valid))
        return valid if nulls else None

    def values(self, str text, int64_t size):
        """The elements where they lie; `text` is their type and `size` their bytes."""
        return vector_over(text, <const char*>self.buffer(1) + self.first * size, self.length,
                           process_runtime.keep(<PyObject*>self.owner), True)

    def bools(self):
        """The elements that are bits, as bools."""
        bools = empty("|b1", self.length)
        if self.length > 0:
            loops.bits_to_bytes(<const uint8_t*>self.buffer(1), self.first, self.length,
                                <uint8_t*>start_of(bools))
        return bools

    def texts(self, str int64_type, bint is_large):
        """Offsets that begin at 0, and the characters where they lie."""
        cdef const void* given = NULL
        cdef int64_t begin = 0, end = 0
        cdef bint is_rising = True
        cdef int64_t* out
        cdef const char* data = NULL
        if self.length > 0:
            given = self.buffer(1)
            begin = offset_at(given, is_large, self.first)
            end = offset_at(given, is_large, self.first + self.length)
        owner = process_runtime.keep(<PyObject*>self.owner)
        if is_large and given != NULL and begin == 0:
            offsets = vector_over(int64_type, <const int64_t*>given + self.first, self.length + 1,
                                  owner, True)
        else:
            offsets = empty(int64_type, self.length + 1)
            out = <int64_t*>start_of(offsets)
            out[0] = 0
            if given != NULL and is_large:
                is_rising = loops.rebase64(
                    <const int64_t*>given + self.first, self.length, 0, out)
            elif given != NULL:
                is_rising = loops.rebase32(
                    <const int32_t*>given + self.first, self.length, 0, out)
        if not is_rising or begin < 0 or end < begin:
            raise ValueError("the offsets of an Arrow array of texts decrease")
        if end > begin:
            data = <const char*>self.buffer(2) + begin
        return offsets, vector_over("|u1", data, end - begin, owner, True)

    def viewed_texts(self, str int64_type):
        """The same of string views; both are copied."""
        cdef const loops.StringView* views = NULL
        cdef const uint8_t* bits = NULL
        offsets = empty(int64_type, self.length + 1)
        cdef int64_t* out = <int64_t*>start_of(offsets)
        if self.length > 0:
            views = <const loops.StringView*>self.buffer(1) + self.first
        if self.array.null_count != 0:
            bits = <const uint8_t*>self.array.buffers[0]
        # The last buffer has the sizes of those with the characters.
        if not loops.measure_views(views, self.length, self.array.buffer_count - 3, bits,
                                   self.first, out):
            raise ValueError("a string view of an Arrow array points nowhere")
        characters = empty("|u1", out[self.length])
        loops.gather_views(views, self.length, self.array.buffers + 2, out,
                           <char*>start_of(characters))
        return offsets, characters

    cdef const void* buffer(self, int64_t which) except? NULL:
        if which >= self.array.buffer_count or (
                self.array.buffers[which] == NULL and self.length > 0):
            raise ValueError(f"an Arrow array of {self.length} elements has no buffer {which}")
        return self.array.buffers[which]


cdef int64_t offset_at(const void* offsets, bint is_large, int64_t i) noexcept:
    return (<const int64_t*>offsets)[i] if is_large else (<const int32_t*>offsets)[i]


cdef Chunk chunk_of(Array owner, ArrowArray* array, field):
    cdef Chunk chunk = Chunk.__new__(Chunk)
    cdef Chunk part
    chunk.owner, chunk.array = owner, array
    chunk.first, chunk.length = array.offset, array.length
    if array.child_count != len(field.children) or (
            (array.dictionary == NULL) != (field.dictionary is None)):
        raise ValueError("an Arrow array is not what its schema says")
    chunk.children = [
        chunk_of(owner, array.children[i], child) for i, child in enumerate(field.children)]
    if field.dictionary is not None:
        chunk.dictionary = chunk_of(owner, array.dictionary, field.dictionary)
    if field.format == "+s":
        for part in chunk.children:
            # A table that is a part of another one may say so, and not its columns.
            part.first += chunk.first
            if part.length - chunk.first < chunk.length:
                raise ValueError("a column of an Arrow array is shorter than the array")
            part.length = chunk.length
    return chunk


cdef class Node:
    """A column, or a table of columns, that leaves by Arrow; `schema()`, `array()` and `stream()`
    give it out, each as often as it is asked for.

    Args:
        format, name, flags: those of the schema.
        length, null_count: of the array.
        buffers: vectors or None.
        children: Nodes.
        dictionary: a Node or None.
    """
    cdef shared_ptr[const ArrowNode] node

    def __init__(self, str format, str name, flags, length, null_count, buffers, children=(),
                 Node dictionary=None):
        cdef shared_ptr[ArrowNode] node = new_node()
        cdef cppipc.AnyArray elements
        cdef Node child
        node.get().format = format.encode()
        node.get().name = name.encode()
        node.get().flags = flags
        node.get().length = length
        node.get().null_count = null_count
        for buffer in buffers:
            elements = elements_of(buffer) if buffer is not None else cppipc.AnyArray()
            node.get().buffers.push_back(<const void*>elements.data)
            node.get().owners.push_back(elements.owner)
        for child in children:
            node.get().children.push_back(child.node)
        if dictionary is not None:
            node.get().dictionary = dictionary.node
        self.node = <shared_ptr[const ArrowNode]>node

    def schema(self):
        return make_node_schema(self.node)

    def array(self):
        return make_node_array(self.node)

    def stream(self):
        return make_arrow_stream(self.node)
