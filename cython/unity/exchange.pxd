# SPDX-License-Identifier: Apache-2.0
# The functions of dlpack.h and arrow_array.h.

from libcpp cimport bool as cbool
from libcpp.string cimport string

from unity.cppipc cimport AnyArray, DType, raise_as_python

cdef extern from "dlpack.h" namespace "unity":
    cdef cppclass MaybeType "std::optional<unity::DLDataType>":
        cbool has_value()
    MaybeType dlpack_type(const DType&)
    cbool has_whole_strides(const AnyArray&)
    object make_dlpack(const AnyArray&, cbool, cbool) except +raise_as_python
    int kDLCpu

cdef extern from "arrow_array.h" namespace "unity":
    string arrow_format(const DType&)
    object make_arrow_schema(const DType&) except +raise_as_python
    object make_arrow_array(const AnyArray&) except +raise_as_python
