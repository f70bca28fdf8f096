// SPDX-License-Identifier: Apache-2.0
#pragma once
// C++ exception -> Python exception, for `except +raise_as_python`.

#include <Python.h>
#include <cppipc/error.h>

#include "python_raised.h"
#include "runtime.h"

namespace unity {

// Where the function lies that makes exceptions: in the interpreter's own dictionary, which lasts
// until no Python code can run any more. An import would fail in finalisers at the end.
inline constexpr char kFromFault[] = "unity.errors.from_fault";

// Call it with the GIL, once. Errors: false with a Python exception set.
inline bool set_from_fault(PyObject* from_fault) {
  PyObject* dict = PyInterpreterState_GetDict(PyInterpreterState_Get());
  return dict != nullptr && PyDict_SetItemString(dict, kFromFault, from_fault) == 0;
}

// Sets the Python exception that stands for `error`; unity.errors knows which class that is.
// Call it with the GIL.
inline void set_python_error(const cppipc::Error& error) {
  if (const auto* raised = dynamic_cast<const PythonRaised*>(error.raised.get())) {
    // A callable of this process has raised it: it goes on as itself, with its traceback.
    PyObject* exception = raised->exception();
    PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(exception)), exception);
    return;
  }
  PyObject* dict = PyInterpreterState_GetDict(PyInterpreterState_Get());
  PyObject* from_fault = dict == nullptr ? nullptr : PyDict_GetItemString(dict, kFromFault);
  if (from_fault == nullptr) {
    PyErr_SetString(PyExc_RuntimeError, error.what());
    return;
  }
  const std::string_view kind_name = error.is_tls ? "tls" : cppipc::name_of(error.kind());
  const std::string_view message = error.text();
  PyObject* text = PyUnicode_DecodeUTF8(message.data(), static_cast<Py_ssize_t>(message.size()),
                                        "backslashreplace");
  if (text == nullptr) return;
  PyObject* exception = PyObject_CallFunction(
      from_fault, "is#Ois#s#s#i", static_cast<int>(error.kind()), kind_name.data(),
      static_cast<Py_ssize_t>(kind_name.size()), text, static_cast<int>(error.in_toolkit),
      error.where.data(), static_cast<Py_ssize_t>(error.where.size()), error.thrown_type.data(),
      static_cast<Py_ssize_t>(error.thrown_type.size()), error.exception_name.data(),
      static_cast<Py_ssize_t>(error.exception_name.size()), error.error_number);
  Py_DECREF(text);
  if (exception == nullptr) return;
  PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(exception)), exception);
  Py_DECREF(exception);
}

}  // namespace unity

// Inside a catch block, with the GIL: sets the Python exception for the C++ one.
inline void raise_as_python() {
  try {
    throw;
  } catch (const unity::Interrupted&) {
    // Whoever threw it has set the Python exception.
    if (PyErr_Occurred() == nullptr) PyErr_SetNone(PyExc_KeyboardInterrupt);
  } catch (...) {
    unity::set_python_error(cppipc::current_error());
  }
}
