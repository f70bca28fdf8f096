// SPDX-License-Identifier: Apache-2.0
#pragma once
// Which vertex an id stands for, and edges in compressed rows.

#include <cppipc/graph.h>

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace cppipc {

using Ids = std::span<const std::int64_t>;

// Finds the place of an id among the vertices: in a table over the range of the ids if they lie
// close together, else by binary search. The ids may be written meanwhile by somebody else: that
// may be an error, and never leads out of the table.
// Errors: kInvalidArgument.
class VertexPlaces {
 public:
  // The vertices are the sorted distinct ids of all edges.
  VertexPlaces(Ids sources, Ids targets);
  // The vertices are `ids`, which are distinct; `num_edges` are going to be looked up.
  VertexPlaces(Ids ids, std::uint64_t num_edges);

  // The places of the ids. Errors: kInvalidArgument naming one that is no vertex.
  std::vector<VertexIndex> find_all(Ids ids) const;
  std::vector<std::int64_t> take_ids() { return std::move(ids_); }

 private:
  void set_range(Ids first, Ids second);
  bool is_table_worth(std::uint64_t lookups) const;
  std::uint64_t offset_of(std::int64_t id) const {
    return static_cast<std::uint64_t>(id) - static_cast<std::uint64_t>(least_);
  }
  VertexIndex& entry(std::int64_t id);
  VertexIndex find(std::int64_t id) const;
  void fill_table(Ids sources, Ids targets);
  void sort(Ids sources, Ids targets);
  void fill_table_of_given();
  void sort_given();

  std::vector<std::int64_t> ids_;                            // in the order of the vertices
  std::vector<VertexIndex> table_;                           // empty: search
  std::vector<std::pair<std::int64_t, VertexIndex>> by_id_;  // empty: ids_ are sorted
  std::int64_t least_ = 0;
  std::int64_t greatest_ = -1;
};

// Places that edges have already, each below `num_vertices`. Errors: kInvalidArgument.
std::vector<VertexIndex> checked_places(Ids places, std::uint64_t num_vertices);

// The `values` of the edges by their `rows`, in the order of the edges. All are checked places.
Adjacency rows_of(std::span<const VertexIndex> rows, std::span<const VertexIndex> values,
                  std::size_t num_vertices);
// Which edge each neighbour of those rows is of.
std::vector<std::uint64_t> edges_of(std::span<const VertexIndex> rows, const Adjacency& adjacency);

}  // namespace cppipc
