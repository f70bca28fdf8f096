# SPDX-License-Identifier: Apache-2.0
"""Arrays: NumPy's, and whatever else exports the buffer protocol.

NumPy is used through Python only: a value can be NumPy's only if somebody has imported NumPy,
and it is imported here when the first array comes back. Without it arrays are Buffers.
"""

import sys

from cpython.buffer cimport (
    PyBUF_FULL_RO, PyObject_CheckBuffer, PyObject_GetBuffer, PyBuffer_Release)
from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.stdint cimport int64_t, intptr_t
from libcpp.memory cimport shared_ptr

from unity cimport cppipc
from unity cimport variant_access as access
from unity._buffer cimport Buffer, buffer_of
from unity._marshaller cimport Marshaller, kShareBytes, refusal
from unity._runtime cimport PyObject, Runtime, runtime

from unity import _dtypes, errors


cdef extern from "Python.h":
    bint PyMemoryView_Check(object)

cdef extern from *:
    """
    // What the capsule `__array_struct__` points to: NumPy's array interface, version 3.
    struct ArrayInterface {
      int two;
      int nd;
      char typekind;
      int itemsize;
      int flags;
      Py_intptr_t* shape;
      Py_intptr_t* strides;
      void* data;
      PyObject* descr;
    };
    """
    cdef struct ArrayInterface:
        int nd
        int itemsize
        int flags
        intptr_t* shape
        intptr_t* strides
        void* data


cdef Runtime* process_runtime = runtime()
cdef int NUMPY_WRITEABLE = 0x400

# NumPy's types, once somebody has imported it.
cdef object numpy_ndarray = None
cdef object numpy_generic = None
cdef tuple numpy_refused = ()  # subclasses of ndarray that mean something else


cdef bint has_numpy() except -1:
    global numpy_ndarray, numpy_generic, numpy_refused
    if numpy_ndarray is not None:
        return True
    numpy = sys.modules.get("numpy")
    # While NumPy is being imported by another thread it is there without its names.
    if numpy is None or not hasattr(numpy, "ma") or not hasattr(numpy, "matrix"):
        return False
    numpy_generic = numpy.generic
    numpy_refused = (numpy.ma.MaskedArray, numpy.matrix)
    numpy_ndarray = numpy.ndarray
    return True


cdef int put_numpy(cppipc.Variant* out, object value, const Marshaller* marshaller) except -1:
    if not has_numpy():
        return 0
    if isinstance(value, numpy_ndarray):
        if isinstance(value, numpy_refused):
            raise refusal(errors.WrongType,
                          f"cannot send a {type(value).__name__}: only its elements would "
                          "arrive; send numpy.asarray() of it", marshaller)
        put_ndarray(out, value, value, cppipc.ArrayFlavor.kArray, marshaller)
        return 1
    if isinstance(value, numpy_generic):
        put_ndarray(out, value, value, cppipc.ArrayFlavor.kScalar, marshaller)
        return 1
    return 0


cdef int put_ndarray(cppipc.Variant* out, object array, object owner, cppipc.ArrayFlavor flavor,
                     const Marshaller* marshaller) except -1:
    cdef cppipc.AnyArray result
    fill_dtype(&result.dtype, array.dtype, marshaller)
    fill_layout(&result, array)
    result.flavor = flavor
    keep_or_copy(&result, owner, flavor == cppipc.ArrayFlavor.kArray, marshaller)
    access.put_array(out, result)
    return 0


cdef int fill_layout(cppipc.AnyArray* array, object numpy_array) except -1:
    # Where NumPy's elements lie, and whether they may change.
    cdef int i
    capsule = numpy_array.__array_struct__
    cdef ArrayInterface* interface = <ArrayInterface*>PyCapsule_GetPointer(capsule, NULL)
    # NumPy drops that flag, and others, where the elements are structures.
    array.is_readonly = not (interface.flags & NUMPY_WRITEABLE or numpy_array.flags.writeable)
    array.data = <cppipc.byte*>interface.data
    for i in range(interface.nd):
        array.shape.push_back(interface.shape[i])
        array.strides.push_back(interface.strides[i])
    return 0


cdef cppipc.AnyArray borrowed(object array):
    cdef cppipc.AnyArray result
    cdef Marshaller marshaller
    fill_dtype(&result.dtype, array.dtype, &marshaller)
    fill_layout(&result, array)
    result.owner = process_runtime.keep(<PyObject*>array)
    return result


cdef int keep_or_copy(cppipc.AnyArray* array, object owner, bint can_share,
                      const Marshaller* marshaller) except -1:
    # Memory that is shared with a server stays where it is, also if it may change.
    if cppipc.share_in_place(array[0]):
        return 0
    cdef Buffer under = buffer_under(owner)
    if under is not None and access.share_memory_of(array[0], under.array):
        return 0
    if array.nbytes() <= <int64_t>kShareBytes:
        array[0] = array.copy()
    elif not can_share or (marshaller.is_copying and not array.is_readonly):
        with nogil:
            array[0] = cppipc.copy_into(marshaller.pool, array[0])
    else:
        # Nobody can change it before the server has it.
        array.owner = process_runtime.keep(<PyObject*>owner)
    return 0


cdef Buffer buffer_under(object owner):
    # What came from a server, and has its memory still; None if the memory is not of that kind.
    while numpy_ndarray is not None and isinstance(owner, numpy_ndarray):
        owner = owner.base
    if PyMemoryView_Check(owner):
        owner = owner.obj
    if type(owner) is Buffer:
        return owner
    return None


cdef int fill_dtype(cppipc.DType* out, object dtype, const Marshaller* marshaller) except -1:
    try:
        text, code = _dtypes.describe(dtype)
    except TypeError as error:
        raise refusal(errors.WrongType, str(error), marshaller) from None
    out.text = text.encode()
    out.code = ord(code)
    out.itemsize = dtype.itemsize
    return 0


cdef int put_buffer(cppipc.Variant* out, object value, const Marshaller* marshaller) except -1:
    cdef cppipc.AnyArray result
    cdef Py_buffer view
    cdef int i
    if not PyObject_CheckBuffer(value):
        return 0
    try:
        PyObject_GetBuffer(value, &view, PyBUF_FULL_RO)
    except (BufferError, ValueError) as error:
        raise refusal(errors.WrongType,
                      f"cannot send a {type(value).__name__!r}: {error}", marshaller) from error
    try:
        for i in range(view.ndim):
            if view.suboffsets != NULL and view.suboffsets[i] >= 0:
                raise refusal(errors.WrongType,
                              f"cannot send a {type(value).__name__!r} with indirect memory",
                              marshaller)
        flavor, text, code = describe_buffer(value, &view, marshaller)
        result.dtype.text = text.encode()
        result.dtype.code = ord(code)
        result.dtype.itemsize = view.itemsize
        result.flavor = <cppipc.ArrayFlavor><int>flavor
        result.is_readonly = view.readonly
        result.data = <cppipc.byte*>view.buf
        for i in range(view.ndim):
            result.shape.push_back(view.shape[i])
            if view.strides != NULL:
                result.strides.push_back(view.strides[i])
        if view.strides == NULL:  # ctypes leaves them out
            access.set_c_strides(result)
        # Not shared: an export would keep the exporter from being resized or released.
        keep_or_copy(&result, value, False, marshaller)
    finally:
        PyBuffer_Release(&view)
    access.put_array(out, result)
    return 1


cdef tuple describe_buffer(object value, Py_buffer* view, const Marshaller* marshaller):
    try:
        return _dtypes.describe_buffer(value, (view.format or b"B").decode(), view.itemsize)
    except (TypeError, ValueError) as error:
        raise refusal(errors.WrongType,
                      f"cannot send a {type(value).__name__!r}: {error}", marshaller) from None


cdef object from_array(const cppipc.AnyArray& array):
    cdef Buffer buffer = buffer_of(array)
    flavor = buffer.array.flavor
    if flavor == cppipc.ArrayFlavor.kByteArray:
        return bytearray(buffer)
    if flavor == cppipc.ArrayFlavor.kArrayArray:
        return _dtypes.array_array(chr(buffer.array.dtype.code), buffer)
    if flavor == cppipc.ArrayFlavor.kBuffer:
        return buffer
    dtype = _dtypes.numpy_dtype(buffer.array.dtype.text.decode(), chr(buffer.array.dtype.code),
                                buffer.itemsize)
    if dtype is None:
        return buffer
    under = buffer_of(access.bytes_under(buffer.array))
    offset = <intptr_t>buffer.array.data - <intptr_t>under.array.data if buffer.nbytes else 0
    result = _dtypes.to_numpy(under, dtype, buffer.shape, offset, buffer.strides)
    return result[()] if flavor == cppipc.ArrayFlavor.kScalar else result
