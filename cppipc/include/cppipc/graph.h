// SPDX-License-Identifier: Apache-2.0
#pragma once
// Graph: vertices and directed edges between them, as a value.
//
// It crosses as arrays of edges. Compressed rows, out of each vertex and into it, are made when
// they are first asked for, in memory of their own, so that nothing that a client writes to what
// it lent leads out of them.

#include <cppipc/array.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace cppipc {

class Variant;

// A vertex by its place among the vertices of its graph.
using VertexIndex = std::uint32_t;

// Edges in compressed rows: the neighbours of vertex v are neighbours[starts[v]] to
// neighbours[starts[v + 1] - 1], in the order of the edges. Parallel edges and self-loops stay.
struct Adjacency {
  std::vector<std::uint64_t> starts;  // one more than there are vertices
  std::vector<VertexIndex> neighbours;

  std::uint64_t degree(VertexIndex v) const { return starts[v + 1] - starts[v]; }
  std::span<const VertexIndex> of(VertexIndex v) const {
    return std::span(neighbours).subspan(starts[v], degree(v));
  }
};

// The edges sources[i] -> targets[i], and the weight of each, if they have some.
struct Edges {
  Array<std::int64_t> sources;
  Array<std::int64_t> targets;
  std::optional<Array<double>> weights;
};

// Owns: a share of edges and vertices, which never change; so copies are cheap.
// Threads: like a std::vector, and as safe as the memory of its arrays. What is made on demand is
// made once; others wait meanwhile.
// Errors, all that need to know the vertices: kInvalidArgument naming an id that is not among those
// given, a place past them, or an id that is given twice; for more than 2^32 - 2 vertices.
class Graph {
 public:
  Graph() = default;  // no vertices
  // The vertices are the sorted distinct ids. Errors: kInvalidArgument if the lengths differ.
  explicit Graph(Edges edges);
  // The vertices are `ids`, distinct and in any order, among which those of the edges are.
  Graph(Edges edges, Array<std::int64_t> ids);
  // The vertices are `labels`, distinct hashable values but objects and functions; sources and
  // targets are places among them. Errors: kInvalidArgument for other labels.
  Graph(Edges edges, std::vector<Variant> labels);

  std::int64_t num_edges() const;
  std::size_t num_vertices() const;

  // In the order of the vertices. Errors: kWrongType if they are labels.
  std::span<const std::int64_t> ids() const;
  // Null if the vertices have ids.
  const std::vector<Variant>* labels() const;
  // Id or label. Errors: kOutOfRange.
  Variant vertex(VertexIndex v) const;

  // As they were given: ids, or places among the vertices if is_indexed().
  ArrayView<std::int64_t> sources() const;
  ArrayView<std::int64_t> targets() const;
  bool is_indexed() const;
  // Real numbers of any dtype; null if there are none.
  const AnyArray* weights() const;
  // One for each edge, in their order; empty if there are none.
  std::vector<double> weights_as_doubles() const;

  // The vertices of each edge, in the order of the edges.
  std::span<const VertexIndex> source_indexes() const;
  std::span<const VertexIndex> target_indexes() const;
  // The targets of the edges out of each vertex, and the sources of those into it. Takes time
  // linear in the edges if ids lie close together, and that of sorting them otherwise.
  const Adjacency& out() const;
  const Adjacency& in() const;
  // For each neighbour in out() and in(): which edge it is of, for weights and such.
  std::span<const std::uint64_t> out_edges() const;
  std::span<const std::uint64_t> in_edges() const;

  // The same edges in the same order, with the same weights, and the same vertices given. Weights
  // compare bitwise, and with their dtype.
  bool operator==(const Graph& other) const;

  // As it crosses (broker.capnp).
  std::span<const Variant> parts() const;
  // Errors: kInvalidArgument saying what is wrong with the form. Whether ids and places are among
  // the vertices is found when somebody needs to know.
  static Graph from_parts(std::vector<Variant> parts);
  // Whether this is the only share.
  bool is_sole() const { return content_.use_count() == 1; }

 private:
  struct Content;
  explicit Graph(std::shared_ptr<const Content> content) : content_(std::move(content)) {}
  const Content& content() const;

  std::shared_ptr<const Content> content_;  // null: empty
};

}  // namespace cppipc
