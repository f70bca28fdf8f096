// SPDX-License-Identifier: Apache-2.0
#pragma once
// NumPy's functions for memory handlers, found at run time.
//
// This module is compiled without NumPy's headers, because it has to be built and imported where
// there is no NumPy, and to work with all of 1.24 to 2.x. That is sound: what the headers do is to
// import the capsule `_ARRAY_API`, a table of functions, and call by index. An index is never
// given to another function (the entries here are the same in 1.22 and in 2.x), and the version of
// the table, itself an entry that has not moved since 1.4, says which entries there are.

#include <Python.h>

#include "array_memory.h"

namespace unity {

// Of the table.
inline constexpr int kGetFeatureVersion = 211;
inline constexpr int kSetHandler = 304;
inline constexpr int kGetHandler = 305;
inline constexpr unsigned kFirstFeatureVersion = 0x0f;  // NumPy 1.22, the first with handlers

// All with the GIL.
struct NumpyHandlers {
  PyObject* (*set)(PyObject* capsule) = nullptr;  // a new reference to the one before
  PyObject* (*get)() = nullptr;                   // a new reference
};

// False without a Python exception where the table is too old; with one where it is none.
inline bool find_numpy_handlers(PyObject* array_api, NumpyHandlers* found) {
  auto** table = static_cast<void**>(PyCapsule_GetPointer(array_api, nullptr));
  if (table == nullptr) return false;
  const auto feature_version = reinterpret_cast<unsigned (*)()>(table[kGetFeatureVersion]);
  if (feature_version() < kFirstFeatureVersion) return false;
  found->set = reinterpret_cast<PyObject* (*)(PyObject*)>(table[kSetHandler]);
  found->get = reinterpret_cast<PyObject* (*)()>(table[kGetHandler]);
  return true;
}

// NumPy insists on this name; before 2.1 it took any, and then failed at the first array.
inline constexpr char kHandlerName[] = "mem_handler";

// The memory behind a handler made here.
inline ArrayMemory* memory_of(PyObject* handler) {
  void* pointer = PyCapsule_GetPointer(handler, kHandlerName);
  return pointer == nullptr
             ? nullptr
             : static_cast<ArrayMemory*>(static_cast<DataMemHandler*>(pointer)->functions.context);
}

// The handler for some memory, which ends with it: that is when nobody uses it as the handler, and
// no array is left that was made with it. Null with a Python exception set if that fails.
inline PyObject* make_handler(std::shared_ptr<cppipc::SharedPool> pool, std::size_t alignment,
                              std::size_t bytes_min, bool is_strict) {
  auto memory = std::make_unique<ArrayMemory>(std::move(pool), alignment, bytes_min, is_strict);
  PyObject* handler = PyCapsule_New(memory->handler(), kHandlerName,
                                    [](PyObject* dying) { delete memory_of(dying); });
  if (handler != nullptr) memory.release();
  return handler;
}

}  // namespace unity
