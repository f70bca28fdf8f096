# SPDX-License-Identifier: Apache-2.0
"""Values as the bytes of a message, without a server: for tests and benchmarks."""

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_FillInfo, PyBuffer_Release, PyObject_GetBuffer
from libc.stdint cimport UINT64_MAX, uint64_t, uintptr_t

from unity cimport cppipc
from unity._arrays cimport borrowed
from unity._buffer cimport view_of
from unity._marshaller cimport Marshaller
from unity._reading cimport value_of
from unity._writing cimport write

from unity import errors


cdef class Message:
    """What a message has for one value; its bytes are those of its buffer."""

    cdef cppipc.ValueWriter writer

    def __getbuffer__(self, Py_buffer* view, int flags):
        PyBuffer_FillInfo(view, self, <void*>self.writer.words().data(),
                          self.writer.words().size() * sizeof(uint64_t), True, flags)


def marshalled(value):
    """The message of `value`. Objects of a server cannot pass."""
    cdef Marshaller marshaller
    cdef cppipc.MarshalLimits limits
    cdef Message message = Message.__new__(Message)
    limits.message_bytes = limits.inline_bytes = UINT64_MAX  # nothing goes beside the message
    write(&message.writer, message.writer.begin(1, limits), value, &marshaller)
    message.writer.finish()
    return message


def unmarshalled(message):
    """The value in what marshalled() has made, or in any other bytes.

    Raises:
        ProtocolError: they are malformed.
    """
    cdef Py_buffer view
    PyObject_GetBuffer(message, &view, PyBUF_SIMPLE)
    try:
        if <uintptr_t>view.buf % sizeof(uint64_t) != 0:
            raise errors.InvalidArgument("a message begins at a multiple of 8 bytes")
        words = cppipc.Words(<const uint64_t*>view.buf, view.len // sizeof(uint64_t))
        return value_of(cppipc.open_message(words), None)
    finally:
        PyBuffer_Release(&view)


def as_buffer(array):
    """The `unity.Buffer` that a NumPy array is where there is no NumPy. It shares the memory, and
    is as writable as the array.
    """
    return view_of(borrowed(array))


def round_trip(value):
    """`value` as it comes out of a message: what a call that returns its argument would give."""
    return unmarshalled(marshalled(value))
