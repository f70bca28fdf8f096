// SPDX-License-Identifier: Apache-2.0
#pragma once
// What is known while arguments are written into a message: where in a value one is, and how many
// values there have been.

#include <Python.h>
#include <cppipc/client.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace unity {

inline constexpr std::size_t kDepthMax = 1000;       // of nested containers
inline constexpr std::uint64_t kContainerWords = 3;  // of a container beside its values
// Smaller bytes and arrays are copied, since to share them costs more.
inline constexpr std::size_t kShareBytes = 4096;

// One container that is being gone through. References are borrowed: the value is alive anyhow.
struct Level {
  PyObject* container = nullptr;
  PyObject* key = nullptr;  // of the value in a dict, else null
  Py_ssize_t index = -1;    // of the item in a sequence; -1: a key of a dict, an item of a set
};

struct Marshaller {
  std::vector<Level> path;                      // outermost first
  std::uint64_t words = 0;                      // that the message will take at least
  std::uint64_t words_max = ~std::uint64_t{0};  // that a message may take
  PyObject* label = nullptr;                    // borrowed: the argument's name or number
  PyObject* connection = nullptr;      // borrowed: where the value goes; null: proxies are refused
  std::size_t keys = 0;                // how many keys of dicts and items of sets one is inside of
  bool is_copying = false;             // memory that may change is copied, not shared
  cppipc::SharedPool* pool = nullptr;  // where copies of large memory are made; null: anywhere
  cppipc::CallOptions options;         // of the call the value is for

  Level* enter(PyObject* container) {
    path.push_back({container});
    return &path.back();
  }
};

}  // namespace unity
