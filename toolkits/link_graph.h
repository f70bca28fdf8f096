// SPDX-License-Identifier: Apache-2.0
#pragma once
// A directed graph laid out for algorithms that gather along incoming links.

#include <cstdint>
#include <span>
#include <vector>

namespace cppipc::toolkits {

// A vertex by its place among the sorted distinct ids.
using VertexIndex = std::uint32_t;

// Links in compressed rows, one row per target: the sources of the links into vertex v are
// sources[row_starts[v]] to sources[row_starts[v + 1] - 1]. Parallel links and self-links stay.
struct LinkGraph {
  std::vector<std::int64_t> vertices;      // the ids, sorted, each once
  std::vector<std::uint64_t> row_starts;   // vertices.size() + 1 of them
  std::vector<VertexIndex> sources;        // one per link
  std::vector<std::uint64_t> out_degrees;  // links that leave each vertex

  std::size_t num_vertices() const { return vertices.size(); }
  std::size_t num_links() const { return sources.size(); }
};

// Builds the graph of the links sources[i] -> targets[i]. Takes time linear in the links if the
// ids lie close together, and that of sorting them otherwise.
// Errors: std::invalid_argument if the counts differ; std::length_error past 2^32-1 vertices.
LinkGraph make_link_graph(std::span<const std::int64_t> sources,
                          std::span<const std::int64_t> targets);

}  // namespace cppipc::toolkits
