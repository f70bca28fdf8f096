// SPDX-License-Identifier: Apache-2.0
#pragma once
// Models: what toolkits that compute something lasting return, as objects of the server.

#include <cppipc/array.h>
#include <cppipc/graph.h>
#include <cppipc/variant.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cppipc {
class Registry;
}

namespace cppipc::toolkits {

// What all models have. Threads: a model does not change once it is made, so any may read it.
class Model {
 public:
  // What was given and what came of it, in the order in which a reader wants it.
  using Fields = std::vector<std::pair<std::string, Variant>>;

  virtual ~Model() = default;
  // What it is a model of, as a heading: "PageRank".
  virtual std::string_view title() const = 0;
  virtual Fields fields() const = 0;

  // Title and fields as text, a line for each; of long values their kind and size.
  std::string summary() const;
  // The same as a table of HTML, with all that could be markup escaped.
  std::string html() const;

 protected:
  Model() = default;
  Model(const Model&) = default;
  Model(Model&&) = default;
  Model& operator=(const Model&) = default;
  Model& operator=(Model&&) = default;
};

// A one-dimensional array that keeps the vector's own memory.
template <class T>
AnyArray to_array(std::vector<T> values) {
  const auto owner = std::make_shared<std::vector<T>>(std::move(values));
  AnyArray array;
  array.dtype = DType::of<T>();
  array.shape = {static_cast<std::int64_t>(owner->size())};
  array.strides = {static_cast<std::int64_t>(sizeof(T))};
  array.data = reinterpret_cast<std::byte*>(owner->data());
  array.owner = owner;
  array.is_readonly = false;
  return array;
}

// The vertices of a graph, in memory of their own: an int64 array of ids, or a list of labels.
Variant vertices_of(const Graph& graph);
// How many that are. Errors: kWrongType if it is neither.
std::int64_t vertex_count(const Variant& vertices);

// Registers the type Model. Types of models name it as their base, so they come later.
void register_model(Registry& registry);

}  // namespace cppipc::toolkits
