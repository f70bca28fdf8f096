// SPDX-License-Identifier: Apache-2.0
#pragma once
// Gives an extension type of Cython the vectorcall protocol, which Cython cannot express: calls
// of its instances then need neither a tuple nor a dict.

#include <Python.h>

namespace unity {

// `offset` is that of the C field that holds each instance's function. `is_method` promises that
// calling what `__get__` gives is the same as calling the descriptor with the instance in front.
// Call it once, at the import of the module that defines the type, before there are instances.
inline void enable_vectorcall(PyTypeObject* type, Py_ssize_t offset, bool is_method) {
  type->tp_vectorcall_offset = offset;
  type->tp_call = PyVectorcall_Call;
  type->tp_flags |= Py_TPFLAGS_HAVE_VECTORCALL;
  if (is_method) type->tp_flags |= Py_TPFLAGS_METHOD_DESCRIPTOR;
  PyType_Modified(type);
}

}  // namespace unity
