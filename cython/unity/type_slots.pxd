# SPDX-License-Identifier: Apache-2.0
# The functions of type_slots.h.

cdef extern from "type_slots.h" namespace "unity":
    ctypedef struct TypeObject "PyTypeObject":
        pass

    cdef cppclass Maker:
        object make(TypeObject*)

    Maker seal(TypeObject*)
    void enable_vectorcall(TypeObject*, Py_ssize_t, bint)
    void rename_type(TypeObject*, const char*)
