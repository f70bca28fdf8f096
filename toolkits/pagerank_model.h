// SPDX-License-Identifier: Apache-2.0
#pragma once
// What pagerank(graph=...) returns.

#include <memory>

#include "toolkits/model.h"
#include "toolkits/pagerank.h"

namespace cppipc {
class SaveReader;
class SaveWriter;
}  // namespace cppipc

namespace cppipc::toolkits {

// Owns: scores and vertices; it keeps nothing of the graph's edges.
struct PagerankModel final : Model {
  std::string_view title() const override { return "PageRank"; }
  Fields fields() const override;

  void save(SaveWriter& out) const;
  // Errors: those of SaveReader; kInvalidArgument if there is not one score for each vertex.
  static std::unique_ptr<PagerankModel> load(SaveReader& in);

  Variant scores;    // float32 or float64 array, one for each vertex
  Variant vertices;  // as vertices_of() has them
  std::int64_t num_vertices = 0;
  std::int64_t num_edges = 0;
  std::int64_t num_iterations = 0;
  double delta = 0;          // the change in the last iteration
  double training_time = 0;  // seconds
  bool is_single_precision = false;
  PageRankOptions options;
};

// Registers the type PagerankModel. Errors: std::logic_error unless register_model() came before.
void register_pagerank_model(Registry& registry);

}  // namespace cppipc::toolkits
