# SPDX-License-Identifier: Apache-2.0
"""Memory made by C++, for Python."""

from cpython.buffer cimport (
    PyBUF_ANY_CONTIGUOUS, PyBUF_C_CONTIGUOUS, PyBUF_F_CONTIGUOUS, PyBUF_FORMAT, PyBUF_ND,
    PyBUF_STRIDES)
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.object cimport Py_EQ, Py_NE
from unity cimport cppipc
from unity.type_slots cimport TypeObject, rename_type, seal

import operator

from unity import _dtypes, _elements

# The formats that memoryviews read.
cdef frozenset PLAIN_FORMATS = frozenset(b"? b B h H i I l L q Q f d".split())


cdef class Buffer:
    """An array that exports the buffer protocol: `memoryview(x)`, `bytes(x)`, `numpy.asarray(x)`.

    It stands for exporters that are no arrays of NumPy or of the standard library, and for
    every array where NumPy is not installed. Always writable.
    """

    @property
    def dtype(self):
        """The elements' type as NumPy writes it, e.g. "<f8"."""
        return self.array.dtype.text.decode()

    @property
    def format(self):
        """The elements' type as the buffer protocol writes it, e.g. "d"."""
        return self.buffer_format().decode()

    @property
    def itemsize(self):
        return self.array.dtype.itemsize

    @property
    def shape(self):
        return tuple([self.array.shape[i] for i in range(self.array.shape.size())])

    @property
    def strides(self):
        return tuple([self.array.strides[i] for i in range(self.array.strides.size())])

    @property
    def ndim(self):
        return self.array.shape.size()

    @property
    def nbytes(self):
        return self.array.nbytes()

    @property
    def is_fortran(self):
        """Whether the elements lie in Fortran order and not in C order."""
        return not self.array.is_c_contiguous()

    def tobytes(self):
        """The elements in C order."""
        return memoryview(self).tobytes()

    def tolist(self):
        """The elements as nested lists, of what NumPy's `tolist()` gives for their type.

        Raises:
            NotSupported: elements of C's `long double`.
        """
        if self.is_plain():
            return memoryview(self).tolist()
        count = self.array.size()
        return _elements.nested(_elements.elements(self.dtype, self.tobytes(), count), self.shape)

    def __len__(self):
        if self.array.shape.empty():
            raise TypeError("len() of a 0-dimensional buffer")
        return self.array.shape[0]

    def __getitem__(self, key):
        """An element, for one index per dimension; else a memoryview of some."""
        if self.is_plain():
            return memoryview(self)[key]
        indices = key if isinstance(key, tuple) else (key,)
        if len(indices) != self.ndim or not all(hasattr(i, "__index__") for i in indices):
            return memoryview(self)[key]
        return _elements.elements(self.dtype, self.element(indices), 1)[0]

    cdef bytes element(self, tuple indices):
        # The bytes of one element.
        cdef Py_ssize_t offset = 0
        cdef Py_ssize_t index
        cdef size_t axis
        for axis in range(self.array.shape.size()):
            index = operator.index(indices[axis])
            if index < 0:
                index += self.array.shape[axis]
            if index < 0 or index >= self.array.shape[axis]:
                raise IndexError(f"index {indices[axis]} is out of range in dimension {axis}")
            offset += index * self.array.strides[axis]
        return PyBytes_FromStringAndSize(<const char*>self.array.data + offset, self.itemsize)

    cdef bint is_plain(self) except -1:
        # Whether a memoryview can read the elements, and reads them as NumPy would.
        return self.buffer_format() in PLAIN_FORMATS

    def __setitem__(self, key, value):
        memoryview(self)[key] = value

    def __richcmp__(self, other, int operation):
        if operation != Py_EQ and operation != Py_NE:
            return NotImplemented
        if isinstance(other, Buffer) and (<Buffer>other).dtype == self.dtype and (
                not self.is_plain()):
            # Memoryviews of what they cannot read are never equal.
            is_equal = self.shape == (<Buffer>other).shape and self.tolist() == other.tolist()
            return is_equal == (operation == Py_EQ)
        try:
            theirs = memoryview(other)
        except TypeError:
            return NotImplemented
        return (memoryview(self) == theirs) == (operation == Py_EQ)

    __hash__ = None

    def __repr__(self):
        return f"<unity.Buffer of {self.dtype}, shape {self.shape}>"

    cdef int check_order(self, int flags) except -1:
        cdef bint is_c = self.array.is_c_contiguous()
        cdef bint is_f = self.array.is_f_contiguous()
        if (flags & PyBUF_C_CONTIGUOUS) == PyBUF_C_CONTIGUOUS and not is_c:
            raise BufferError("the memory is not in C order")
        if (flags & PyBUF_F_CONTIGUOUS) == PyBUF_F_CONTIGUOUS and not is_f:
            raise BufferError("the memory is not in Fortran order")
        if (flags & PyBUF_ANY_CONTIGUOUS) == PyBUF_ANY_CONTIGUOUS and not is_c and not is_f:
            raise BufferError("the memory has gaps or is in another order")
        return 0

    cdef bytes buffer_format(self):
        if self.format_ is None:
            self.format_ = _dtypes.format_of(
                self.dtype, chr(self.array.dtype.code), self.itemsize).encode()
        return self.format_

    def __getbuffer__(self, Py_buffer* view, int flags):
        if (flags & PyBUF_STRIDES) != PyBUF_STRIDES and not self.array.is_c_contiguous():
            # One dimension of bytes is what a reader without strides gets, in any order.
            if (flags & PyBUF_ND) == PyBUF_ND or not self.array.is_f_contiguous():
                raise BufferError("the memory is not in C order; ask for strides")
        self.check_order(flags)
        view.buf = <void*>self.array.data if self.array.data != NULL else <void*>&self.array
        view.obj = self
        view.len = self.array.nbytes()
        view.readonly = 0
        view.itemsize = self.array.dtype.itemsize
        view.format = PyBytes_AS_STRING(self.buffer_format()) if flags & PyBUF_FORMAT else NULL
        view.ndim = <int>self.array.shape.size()
        view.shape = <Py_ssize_t*>self.array.shape.data() if flags & PyBUF_ND else NULL
        view.strides = (<Py_ssize_t*>self.array.strides.data()
                        if (flags & PyBUF_STRIDES) == PyBUF_STRIDES else NULL)
        view.suboffsets = NULL
        view.internal = NULL


cdef Buffer buffer_of(const cppipc.AnyArray& array):
    cdef Buffer buffer = Buffer.__new__(Buffer)
    if array.is_readonly:
        flavor = array.flavor
        buffer.array = array.copy()
        buffer.array.flavor = flavor
    else:
        buffer.array = array
    return buffer


seal(<TypeObject*>Buffer)
rename_type(<TypeObject*>Buffer, "unity.Buffer")
