// SPDX-License-Identifier: Apache-2.0
#pragma once
// Lists and tuples of numbers only, and the keys of dicts: loops for which Cython's own code would
// count references and look for exceptions at every item. Call all of it with the GIL.

#include <Python.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>

namespace unity {

// The items of a list or a tuple, borrowed.
inline PyObject** items_of(PyObject* sequence) { return PySequence_Fast_ITEMS(sequence); }

// Stores the first items as long as they are exactly ints of 64 bits. Returns how many were.
inline Py_ssize_t store_ints(PyObject** items, Py_ssize_t count, void* out) {
  auto* numbers = static_cast<std::int64_t*>(out);
  for (Py_ssize_t i = 0; i < count; ++i) {
    if (!PyLong_CheckExact(items[i])) return i;
    int overflow = 0;
    numbers[i] = PyLong_AsLongLongAndOverflow(items[i], &overflow);
    if (overflow != 0) return i;
  }
  return count;
}
inline Py_ssize_t store_floats(PyObject** items, Py_ssize_t count, void* out) {
  auto* numbers = static_cast<double*>(out);
  for (Py_ssize_t i = 0; i < count; ++i) {
    if (!PyFloat_CheckExact(items[i])) return i;
    numbers[i] = PyFloat_AS_DOUBLE(items[i]);
  }
  return count;
}

// Fills a new list or tuple, whose items are still null. Errors: -1 with a Python exception set.
inline int fill_with_ints(PyObject* sequence, const std::uint64_t* words, Py_ssize_t count) {
  PyObject** items = items_of(sequence);
  for (Py_ssize_t i = 0; i < count; ++i) {
    items[i] = PyLong_FromLongLong(static_cast<std::int64_t>(words[i]));
    if (items[i] == nullptr) return -1;
  }
  return 0;
}
inline int fill_with_floats(PyObject* sequence, const std::uint64_t* words, Py_ssize_t count) {
  PyObject** items = items_of(sequence);
  for (Py_ssize_t i = 0; i < count; ++i) {
    double number;
    std::memcpy(&number, words + i, sizeof number);
    items[i] = PyFloat_FromDouble(number);
    if (items[i] == nullptr) return -1;
  }
  return 0;
}

// Short texts that were read lately: a list of dicts has the same keys again and again.
// Owns: a share of each str.
class KnownTexts {
 public:
  KnownTexts() = default;
  KnownTexts(const KnownTexts&) = delete;
  KnownTexts& operator=(const KnownTexts&) = delete;
  ~KnownTexts() {
    if (!known_) return;
    for (PyObject* text : *known_) Py_XDECREF(text);
  }

  // A str of UTF-8, which lies in a message: in whole words, together with a NUL behind it.
  // Errors: null with a Python exception set.
  PyObject* get(std::string_view text) {
    const auto size = static_cast<Py_ssize_t>(text.size());
    if (text.empty() || text.size() > kBytesMax) {
      return PyUnicode_DecodeUTF8(text.data(), size, nullptr);
    }
    if (!known_) known_ = std::make_unique<std::array<PyObject*, kCount>>();
    PyObject*& known = (*known_)[slot_of(text)];
    if (known != nullptr && PyUnicode_GET_LENGTH(known) == size &&
        std::memcmp(PyUnicode_1BYTE_DATA(known), text.data(), text.size()) == 0) {
      Py_INCREF(known);
      return known;
    }
    PyObject* fresh = PyUnicode_DecodeUTF8(text.data(), size, nullptr);
    if (fresh != nullptr && PyUnicode_IS_COMPACT_ASCII(fresh)) {
      Py_INCREF(fresh);
      Py_XSETREF(known, fresh);
    }
    return fresh;
  }

 private:
  static constexpr std::size_t kCount = 64;
  static constexpr std::size_t kBytesMax = 64;

  static std::size_t slot_of(std::string_view text) {
    std::uint64_t head = 0;
    std::uint64_t tail = 0;
    std::memcpy(&head, text.data(), 8);
    std::memcpy(&tail, text.data() + text.size() / 8 * 8, 8);
    const std::uint64_t mixed = (head ^ (tail << 7 | tail >> 57)) + text.size();
    return mixed * 0x9e3779b97f4a7c15u >> 58;
  }

  std::unique_ptr<std::array<PyObject*, kCount>> known_;
};

}  // namespace unity
