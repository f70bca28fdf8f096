// SPDX-License-Identifier: Apache-2.0
#pragma once
// Connected components: which vertices of a graph can be reached from one another, if edges may be
// walked against their direction too.

#include <cppipc/context.h>
#include <cppipc/graph.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "toolkits/model.h"

namespace cppipc {
class SaveReader;
class SaveWriter;
}  // namespace cppipc

namespace cppipc::toolkits {

struct Components {
  // Of each vertex, in the graph's order; counted from 0 in the order of their first vertices.
  std::vector<std::int64_t> component_ids;
  std::vector<std::int64_t> sizes;  // vertices of each component
};

// Takes time about linear in vertices and edges. Reports progress and looks at cancellation at
// least once per million edges. Errors: those of the graph's vertices; kCancelled, kTimeout.
Components compute_components(const Graph& graph, const Context& context);

// Owns: ids, sizes and vertices; it keeps nothing of the graph's edges.
struct ConnectedComponentsModel final : Model {
  std::string_view title() const override { return "Connected components"; }
  Fields fields() const override;
  // Vertices of the largest component; 0 if there is none.
  std::int64_t largest_size() const;

  void save(SaveWriter& out) const;
  // Errors: those of SaveReader; kInvalidArgument if ids, sizes and vertices do not fit together.
  static std::unique_ptr<ConnectedComponentsModel> load(SaveReader& in);

  AnyArray component_id;     // int64, one for each vertex
  AnyArray component_sizes;  // int64, one for each component
  Variant vertices;          // as vertices_of() has them
  std::int64_t num_vertices = 0;
  std::int64_t num_edges = 0;
  std::int64_t num_components = 0;
  double training_time = 0;  // seconds
};

// Registers the toolkit connected_components and the type of its model.
// Errors: std::logic_error unless register_model() came before.
void register_connected_components(Registry& registry);

}  // namespace cppipc::toolkits
