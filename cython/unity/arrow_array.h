// SPDX-License-Identifier: Apache-2.0
#pragma once
// Arrays for whoever takes columns by the C data interface of Apache Arrow.

#include <Python.h>
#include <cppipc/array.h>

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dlpack.h"

namespace unity {

// The structures of the interface, which is frozen.
struct ArrowSchema {
  const char* format;
  const char* name;
  const char* metadata;
  std::int64_t flags;
  std::int64_t child_count;
  ArrowSchema** children;
  ArrowSchema* dictionary;
  void (*release)(ArrowSchema*);
  void* context;
};
struct ArrowArray {
  std::int64_t length;
  std::int64_t null_count;
  std::int64_t offset;
  std::int64_t buffer_count;
  std::int64_t child_count;
  const void** buffers;
  ArrowArray** children;
  ArrowArray* dictionary;
  void (*release)(ArrowArray*);
  void* context;
};

inline constexpr std::int64_t kArrowNullable = 2;

// The format string of elements of that type; "" if Arrow has none that lies as they do. A bool of
// NumPy is a byte, where Arrow's own is a bit: it has the storage of Arrow's extension "bool8".
inline std::string arrow_format(const cppipc::DType& dtype) {
  if (!is_native(dtype) || dtype.text.size() < 3) return "";
  const std::string_view type = std::string_view(dtype.text).substr(1);
  struct Row {
    std::string_view type, format;
  };
  static constexpr std::array<Row, 20> kRows = {{
      {"b1", "c"},       {"i1", "c"},        {"u1", "C"},        {"i2", "s"},
      {"u2", "S"},       {"i4", "i"},        {"u4", "I"},        {"i8", "l"},
      {"u8", "L"},       {"f2", "e"},        {"f4", "f"},        {"f8", "g"},
      {"M8[s]", "tss:"}, {"M8[ms]", "tsm:"}, {"M8[us]", "tsu:"}, {"M8[ns]", "tsn:"},
      {"m8[s]", "tDs"},  {"m8[ms]", "tDm"},  {"m8[us]", "tDu"},  {"m8[ns]", "tDn"},
  }};
  for (const Row& row : kRows) {
    if (row.type == type) return std::string(row.format);
  }
  return "";
}

// The metadata that names Arrow's extension "bool8".
inline std::string bool8_metadata() {
  std::string bytes;
  const auto number = [&](std::int32_t value) {
    bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
  };
  const auto text = [&](std::string_view value) {
    number(static_cast<std::int32_t>(value.size()));
    bytes += value;
  };
  number(2);
  text("ARROW:extension:name");
  text("arrow.bool8");
  text("ARROW:extension:metadata");
  text("");
  return bytes;
}

struct OwnedSchema {
  std::string format;
  std::string metadata;
};

// Owns: a share of the elements. Released on any thread, with the GIL or without.
struct OwnedColumn {
  cppipc::AnyArray array;
  std::vector<std::uint8_t> validity;  // a bit for each element; empty if all are valid
  std::array<const void*, 2> buffers{};
};

// Marks what is "not a time", which NumPy writes as a number: Arrow has bits for it. Returns how
// many there are.
inline std::int64_t mark_missing(OwnedColumn& column, std::int64_t count) {
  const char kind = column.array.dtype.text[1];
  if (kind != 'm' && kind != 'M') return 0;
  std::int64_t missing = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    std::int64_t value = 0;
    std::memcpy(&value, column.array.data + i * 8, sizeof value);
    if (value != std::numeric_limits<std::int64_t>::min()) continue;
    const auto bytes = static_cast<std::size_t>((count + 7) / 8);
    if (missing++ == 0) column.validity.assign(bytes, 0xff);
    column.validity[static_cast<std::size_t>(i / 8)] &= static_cast<std::uint8_t>(~(1u << i % 8));
  }
  return missing;
}

template <class Struct, class Owned>
void release_arrow(Struct* arrow) {
  delete static_cast<Owned*>(arrow->context);
  arrow->context = nullptr;
  arrow->release = nullptr;
}

// A consumer moves the structure out and leaves it without `release`.
template <class Struct>
void on_arrow_capsule_end(PyObject* capsule) {
  auto* arrow = static_cast<Struct*>(PyCapsule_GetPointer(capsule, PyCapsule_GetName(capsule)));
  if (arrow->release != nullptr) arrow->release(arrow);
  delete arrow;
}

// A new capsule, with the GIL; null with a Python exception set if there is no memory.
template <class Struct>
PyObject* make_arrow_capsule(const Struct& filled, const char* name) {
  auto arrow = std::make_unique<Struct>(filled);
  PyObject* capsule = PyCapsule_New(arrow.get(), name, &on_arrow_capsule_end<Struct>);
  if (capsule == nullptr) {
    arrow->release(arrow.get());
  } else {
    (void)arrow.release();
  }
  return capsule;
}

// `dtype` has an arrow_format().
inline PyObject* make_arrow_schema(const cppipc::DType& dtype) {
  auto owned = std::make_unique<OwnedSchema>();
  owned->format = arrow_format(dtype);
  const char kind = dtype.text[1];
  if (kind == 'b') owned->metadata = bool8_metadata();
  ArrowSchema schema{};
  schema.format = owned->format.c_str();
  schema.name = "";
  schema.metadata = kind == 'b' ? owned->metadata.data() : nullptr;
  schema.flags = kArrowNullable;
  schema.release = &release_arrow<ArrowSchema, OwnedSchema>;
  schema.context = owned.release();
  return make_arrow_capsule(schema, "arrow_schema");
}

// `array` has one dimension, no gaps, and elements with an arrow_format().
inline PyObject* make_arrow_array(const cppipc::AnyArray& array) {
  auto owned = std::make_unique<OwnedColumn>();
  owned->array = array;
  ArrowArray column{};
  column.length = array.shape[0];
  column.null_count = mark_missing(*owned, column.length);
  owned->buffers = {owned->validity.empty() ? nullptr : owned->validity.data(), array.data};
  column.buffer_count = static_cast<std::int64_t>(owned->buffers.size());
  column.buffers = owned->buffers.data();
  column.release = &release_arrow<ArrowArray, OwnedColumn>;
  column.context = owned.release();
  return make_arrow_capsule(column, "arrow_array");
}

}  // namespace unity
