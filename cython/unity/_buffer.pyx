# SPDX-License-Identifier: Apache-2.0
"""Memory made by C++, for Python."""

from cpython.buffer cimport (
    PyBUF_ANY_CONTIGUOUS, PyBUF_C_CONTIGUOUS, PyBUF_F_CONTIGUOUS, PyBUF_FORMAT, PyBUF_ND,
    PyBUF_STRIDES, PyBUF_WRITABLE)
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.object cimport Py_EQ, Py_NE
from unity cimport cppipc, exchange
from unity.type_slots cimport TypeObject, rename_type, seal

import operator

from unity import _dtypes, _elements

# The formats that memoryviews read.
cdef frozenset PLAIN_FORMATS = frozenset(b"? b B h H i I l L q Q f d".split())


cdef class Buffer:
    """An array that exports the buffer protocol: `memoryview(x)`, `bytes(x)`, `numpy.asarray(x)`.

    It stands for exporters that are no arrays of NumPy or of the standard library, and for
    every array where NumPy is not installed. Those that come from a server are writable.

    `release()`, or the end of a `with` statement, gives the memory back before the object itself
    goes; then nothing can be done with it any more.
    """

    @property
    def dtype(self):
        """The elements' type as NumPy writes it, e.g. "<f8"."""
        self.check_open()
        return self.array.dtype.text.decode()

    @property
    def format(self):
        """The elements' type as the buffer protocol writes it, e.g. "d"."""
        return self.buffer_format().decode()

    @property
    def itemsize(self):
        self.check_open()
        return self.array.dtype.itemsize

    @property
    def shape(self):
        self.check_open()
        return tuple([self.array.shape[i] for i in range(self.array.shape.size())])

    @property
    def strides(self):
        self.check_open()
        return tuple([self.array.strides[i] for i in range(self.array.strides.size())])

    @property
    def ndim(self):
        self.check_open()
        return self.array.shape.size()

    @property
    def nbytes(self):
        self.check_open()
        return self.array.nbytes()

    @property
    def readonly(self):
        self.check_open()
        return self.array.is_readonly

    @property
    def is_fortran(self):
        """Whether the elements lie in Fortran order and not in C order."""
        self.check_open()
        return self.array.is_f_contiguous() and not self.array.is_c_contiguous()

    def release(self):
        """Gives the memory back. A second time it does nothing.

        Raises:
            BufferError: memoryviews or others use the memory still.
        """
        if self.is_released:
            return
        if self.exports > 0:
            raise BufferError(f"the buffer has {self.exports} exports, which use its memory")
        self.is_released = True
        if not self.is_held:
            self.array = cppipc.AnyArray()

    def __enter__(self):
        self.check_open()
        return self

    def __exit__(self, *exception):
        self.release()

    cdef int check_open(self) except -1:
        if self.is_released:
            raise ValueError("the buffer was released")
        return 0

    def tobytes(self):
        """The elements in C order."""
        return memoryview(self).tobytes()

    def tolist(self):
        """The elements as nested lists, of what NumPy's `tolist()` gives for their type.

        Raises:
            NotSupported: elements of C's `long double`.
        """
        cdef object view
        if self.is_plain():
            view = memoryview(self)  # Cython would have the list of one that has no dimensions
            return view.tolist()
        count = self.array.size()
        return _elements.nested(_elements.elements(self.dtype, self.tobytes(), count), self.shape)

    def __len__(self):
        self.check_open()
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
        cdef list numbers = [operator.index(index) for index in indices]
        self.check_open()  # only now: an index may have released it
        for axis in range(self.array.shape.size()):
            index = numbers[axis]
            if index < 0:
                index += self.array.shape[axis]
            if index < 0 or index >= self.array.shape[axis]:
                raise IndexError(f"index {numbers[axis]} is out of range in dimension {axis}")
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
        if self.is_released:
            return "<unity.Buffer, released>"
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
        if (flags & PyBUF_STRIDES) != PyBUF_STRIDES and not is_c:
            raise BufferError("the memory is not in C order; ask for strides")
        return 0

    cdef bytes buffer_format(self):
        self.check_open()
        if self.format_ is None:
            self.format_ = _dtypes.format_of(
                self.dtype, chr(self.array.dtype.code), self.itemsize).encode()
        return self.format_

    def __getbuffer__(self, Py_buffer* view, int flags):
        cdef bint has_shape = (flags & PyBUF_ND) == PyBUF_ND
        cdef bint has_strides = (flags & PyBUF_STRIDES) == PyBUF_STRIDES
        self.check_open()
        self.check_order(flags)
        if (flags & PyBUF_WRITABLE) == PyBUF_WRITABLE and self.array.is_readonly:
            raise BufferError("the memory is read-only")
        if flags & PyBUF_FORMAT and not has_shape and self.buffer_format() != b"B":
            raise BufferError("without a shape there are bytes only, of no other format")
        # What has no bytes is somewhere, too.
        view.buf = <void*>self.array.data if self.array.data != NULL else <void*>&self.array
        view.obj = self
        view.len = self.array.nbytes()
        view.readonly = self.array.is_readonly
        view.itemsize = self.array.dtype.itemsize
        view.format = PyBytes_AS_STRING(self.buffer_format()) if flags & PyBUF_FORMAT else NULL
        view.ndim = <int>self.array.shape.size() if has_shape else 1
        view.shape = view.strides = view.suboffsets = NULL
        if has_shape and view.ndim > 0:
            view.shape = <Py_ssize_t*>self.array.shape.data()
            if has_strides:
                view.strides = <Py_ssize_t*>self.array.strides.data()
        view.internal = NULL
        self.exports += 1
        if not flags & PyBUF_FORMAT and (flags & PyBUF_ANY_CONTIGUOUS) == PyBUF_ANY_CONTIGUOUS:
            # So numpy.ndarray(buffer=...) asks, which gives the view back and goes on using it.
            self.is_held = True

    def __releasebuffer__(self, Py_buffer* view):
        self.exports -= 1

    def __dlpack_device__(self):
        return exchange.kDLCpu, 0

    def __dlpack__(self, *, stream=None, max_version=None, dl_device=None, copy=None):
        """The elements for `from_dlpack()` of NumPy, PyTorch and others; they share the memory.

        Raises:
            BufferError: DLPack cannot say what they are, or is asked for another device.
        """
        cdef bint is_versioned = max_version is not None and max_version[0] >= 1
        cdef cppipc.AnyArray array
        self.check_open()
        if stream is not None or (
                dl_device is not None and tuple(dl_device) != self.__dlpack_device__()):
            raise BufferError("the memory is that of the CPU, which has no streams")
        if not exchange.dlpack_type(self.array.dtype).has_value():
            raise BufferError(f"DLPack cannot say what elements of {self.dtype} are")
        array = self.array.copy() if copy else self.array
        if not exchange.has_whole_strides(array):
            raise BufferError(f"DLPack counts strides in whole elements of {self.dtype}, not "
                              f"{self.strides} bytes")
        if array.is_readonly and not is_versioned:
            raise BufferError(f"the memory, of {self.dtype}, is read-only, which DLPack "
                              "can say from version 1.0 on")
        return exchange.make_dlpack(array, is_versioned, bool(copy))

    def __arrow_c_array__(self, requested_schema=None):
        """The elements as a column of Apache Arrow, which shares the memory: for `pyarrow.array()`
        and others. Numbers, bools (as Arrow's "bool8"), and times and durations of s, ms, us or
        ns, of which those that are NaT are null.

        Raises:
            BufferError: they have another layout, or more or less than one dimension.
        """
        self.check_open()
        if self.array.shape.size() != 1 or not self.array.is_c_contiguous():
            raise BufferError("Arrow has columns of one dimension without gaps, not memory of "
                              f"shape {self.shape} and strides {self.strides}")
        if exchange.arrow_format(self.array.dtype).empty():
            raise BufferError(f"Arrow has no layout like that of elements of {self.dtype}")
        return (exchange.make_arrow_schema(self.array.dtype),
                exchange.make_arrow_array(self.array))


cdef Buffer buffer_of(const cppipc.AnyArray& array):
    cdef Buffer buffer = Buffer.__new__(Buffer)
    if array.is_readonly:
        flavor = array.flavor
        buffer.array = array.copy()
        buffer.array.flavor = flavor
    else:
        buffer.array = array
    return buffer


cdef Buffer view_of(const cppipc.AnyArray& array):
    cdef Buffer buffer = Buffer.__new__(Buffer)
    buffer.array = array
    return buffer


seal(<TypeObject*>Buffer)
rename_type(<TypeObject*>Buffer, "unity.Buffer")
