// SPDX-License-Identifier: Apache-2.0
#pragma once
// Columns and tables for whoever takes them by the C data interface of Apache Arrow.
//
// What is given out is made from a tree of nodes that never changes; each structure that leaves
// holds a share of its node. So its callbacks need neither the GIL nor Python: they are good on any
// thread, and after the interpreter has ended. What the nodes keep of Python goes by
// Runtime::keep().

#include <Python.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "arrow_array.h"

namespace unity {

// The third structure of the interface, which is frozen too.
struct ArrowArrayStream {
  int (*get_schema)(ArrowArrayStream*, ArrowSchema*);
  int (*get_next)(ArrowArrayStream*, ArrowArray*);
  const char* (*get_last_error)(ArrowArrayStream*);
  void (*release)(ArrowArrayStream*);
  void* context;
};

// One column, or a table whose columns are `children`.
// Owns: shares of the memory that `buffers` point to. Threads: any, once it is made.
struct ArrowNode {
  std::string format;
  std::string name;
  std::int64_t flags = 0;
  std::int64_t length = 0;
  std::int64_t null_count = 0;
  std::vector<const void*> buffers;
  std::vector<std::shared_ptr<const void>> owners;
  std::vector<std::shared_ptr<const ArrowNode>> children;
  std::shared_ptr<const ArrowNode> dictionary;
};
using ArrowNodePtr = std::shared_ptr<const ArrowNode>;

// What a structure that was given out owns. A consumer may take children out of it.
template <class Struct>
struct GivenOut {
  ArrowNodePtr node;
  std::vector<std::unique_ptr<Struct>> parts;  // children, and at last the dictionary if any
  std::vector<Struct*> children;
  std::vector<const void*> buffers;
};

template <class Struct>
void release_given_out(Struct* given) {
  auto* owned = static_cast<GivenOut<Struct>*>(given->context);
  for (const auto& part : owned->parts) {
    if (part->release != nullptr) part->release(part.get());
  }
  delete owned;
  given->context = nullptr;
  given->release = nullptr;
}

inline void describe_node(const ArrowNode& node, ArrowSchema* out, GivenOut<ArrowSchema>*) {
  out->format = node.format.c_str();
  out->name = node.name.c_str();
  out->flags = node.flags;
}

inline void describe_node(const ArrowNode& node, ArrowArray* out, GivenOut<ArrowArray>* owned) {
  owned->buffers = node.buffers;  // not const in the interface
  out->length = node.length;
  out->null_count = node.null_count;
  out->buffer_count = static_cast<std::int64_t>(owned->buffers.size());
  out->buffers = owned->buffers.data();
}

// Fills `out`, an ArrowSchema or an ArrowArray, for `node`. Errors: std::bad_alloc, with `out`
// left without `release`.
template <class Struct>
void give_out(const ArrowNodePtr& node, Struct* out) {
  *out = Struct{};
  auto owned = std::make_unique<GivenOut<Struct>>();
  // Whatever fails below, those that are filled already are released.
  struct Guard {
    GivenOut<Struct>* owned;
    ~Guard() {
      if (owned == nullptr) return;
      for (const auto& part : owned->parts) {
        if (part->release != nullptr) part->release(part.get());
      }
    }
  } guard{owned.get()};
  owned->node = node;
  const auto add = [&](const ArrowNodePtr& part) {
    owned->parts.push_back(std::make_unique<Struct>());
    give_out(part, owned->parts.back().get());
    return owned->parts.back().get();
  };
  for (const ArrowNodePtr& child : node->children) owned->children.push_back(add(child));
  if (node->dictionary != nullptr) out->dictionary = add(node->dictionary);
  describe_node(*node, out, owned.get());
  out->child_count = static_cast<std::int64_t>(owned->children.size());
  out->children = owned->children.empty() ? nullptr : owned->children.data();
  guard.owned = nullptr;
  out->context = owned.release();
  out->release = &release_given_out<Struct>;
}

// The same columns without their memory, for schemas, which may be kept for long.
inline ArrowNodePtr only_types(const ArrowNode& node) {
  auto types = std::make_shared<ArrowNode>();
  types->format = node.format;
  types->name = node.name;
  types->flags = node.flags;
  for (const ArrowNodePtr& child : node.children) types->children.push_back(only_types(*child));
  if (node.dictionary != nullptr) types->dictionary = only_types(*node.dictionary);
  return types;
}

struct GivenStream {
  ArrowNodePtr node;
  bool is_read = false;
};

inline int stream_schema(ArrowArrayStream* stream, ArrowSchema* out) {
  try {
    give_out(only_types(*static_cast<GivenStream*>(stream->context)->node), out);
  } catch (const std::bad_alloc&) {
    return ENOMEM;
  }
  return 0;
}

// The whole is one chunk; behind it is the end, which is a structure without `release`.
inline int stream_next(ArrowArrayStream* stream, ArrowArray* out) {
  auto* given = static_cast<GivenStream*>(stream->context);
  if (given->is_read) {
    *out = ArrowArray{};
    return 0;
  }
  try {
    ArrowNodePtr types = only_types(*given->node);
    give_out(given->node, out);
    given->node = std::move(types);  // the reader alone has the memory now
  } catch (const std::bad_alloc&) {
    return ENOMEM;
  }
  given->is_read = true;
  return 0;
}

inline const char* stream_last_error(ArrowArrayStream*) { return "there is no memory left"; }

// A new capsule "arrow_array_stream", with the GIL; null with a Python exception set.
inline PyObject* make_arrow_stream(const ArrowNodePtr& node) {
  ArrowArrayStream stream{};
  stream.get_schema = &stream_schema;
  stream.get_next = &stream_next;
  stream.get_last_error = &stream_last_error;
  stream.release = &release_arrow<ArrowArrayStream, GivenStream>;
  stream.context = new GivenStream{node};
  return make_arrow_capsule(stream, "arrow_array_stream");
}

inline PyObject* make_node_schema(const ArrowNodePtr& node) {
  ArrowSchema schema{};
  give_out(only_types(*node), &schema);
  return make_arrow_capsule(schema, "arrow_schema");
}

inline PyObject* make_node_array(const ArrowNodePtr& node) {
  ArrowArray array{};
  give_out(node, &array);
  return make_arrow_capsule(array, "arrow_array");
}

}  // namespace unity
