// SPDX-License-Identifier: Apache-2.0
#pragma once
// What Cython cannot say about an extension type, done to its slots. Everything here is called
// once, at the import of the module that defines the type, before it has instances.

#include <Python.h>

namespace unity {

// Makes instances, of the type or of a class that derives from it; see seal().
class Maker {
 public:
  // With the GIL. Null with a Python exception set if that fails.
  PyObject* make(PyTypeObject* type) const {
    PyObject* nothing = PyTuple_New(0);
    if (nothing == nullptr) return nullptr;
    PyObject* instance = new_(type, nothing, nullptr);
    Py_DECREF(nothing);
    return instance;
  }

  newfunc new_ = nullptr;
};

// From now on Python code cannot make instances, with `__new__` or otherwise: they would lack
// what the seam puts into them. The maker that is returned still can.
inline Maker seal(PyTypeObject* type) {
  const Maker maker{type->tp_new};
  type->tp_new = nullptr;
  type->tp_vectorcall = nullptr;
  type->tp_flags |= Py_TPFLAGS_DISALLOW_INSTANTIATION;
  if (PyDict_DelItemString(type->tp_dict, "__new__") != 0) PyErr_Clear();  // there was none
  PyType_Modified(type);
  return maker;
}

// Calls of instances need neither a tuple nor a dict. `offset` is that of the C field that holds
// each instance's function. `is_method` promises that calling what `__get__` gives is the same
// as calling the descriptor with the instance in front.
inline void enable_vectorcall(PyTypeObject* type, Py_ssize_t offset, bool is_method) {
  type->tp_vectorcall_offset = offset;
  type->tp_call = PyVectorcall_Call;
  type->tp_flags |= Py_TPFLAGS_HAVE_VECTORCALL;
  if (is_method) type->tp_flags |= Py_TPFLAGS_METHOD_DESCRIPTOR;
  PyType_Modified(type);
}

// The name that users know the type by, a string that lives for ever.
inline void rename_type(PyTypeObject* type, const char* name) { type->tp_name = name; }

}  // namespace unity
