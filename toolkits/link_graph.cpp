// SPDX-License-Identifier: Apache-2.0
#include "toolkits/link_graph.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <string>

namespace cppipc::toolkits {
namespace {

using Ids = std::span<const std::int64_t>;

constexpr VertexIndex kNone = std::numeric_limits<VertexIndex>::max();
// A table over all ids between the least and the greatest pays while it has at most this many
// entries per link.
constexpr std::uint64_t kTableEntriesPerLink = 8;

// Finds the place of an id among the sorted distinct ids: in a table over their range if the ids
// lie close together, else by binary search.
class VertexIndexes {
 public:
  VertexIndexes(Ids sources, Ids targets) {
    if (sources.empty()) return;
    std::int64_t greatest = std::numeric_limits<std::int64_t>::min();
    least_ = std::numeric_limits<std::int64_t>::max();
    for (const Ids ids : {sources, targets}) {
      const auto [low, high] = std::minmax_element(ids.begin(), ids.end());
      least_ = std::min(least_, *low);
      greatest = std::max(greatest, *high);
    }
    // Unsigned, because the range of 64-bit ids does not fit into 63 bits.
    const std::uint64_t range = offset_of(greatest);
    if (range / kTableEntriesPerLink < sources.size()) {
      fill_table(sources, targets, range);
    } else {
      sort(sources, targets);
    }
    if (ids_.size() >= kNone) throw std::length_error("a graph has at most 4294967294 vertices");
  }

  VertexIndex operator()(std::int64_t id) const {
    if (!table_.empty()) return table_[offset_of(id)];
    return static_cast<VertexIndex>(std::lower_bound(ids_.begin(), ids_.end(), id) - ids_.begin());
  }
  std::vector<std::int64_t> take_ids() { return std::move(ids_); }

 private:
  std::uint64_t offset_of(std::int64_t id) const {
    return static_cast<std::uint64_t>(id) - static_cast<std::uint64_t>(least_);
  }

  void fill_table(Ids sources, Ids targets, std::uint64_t range) {
    table_.assign(range + 1, kNone);
    for (const Ids ids : {sources, targets}) {
      for (const std::int64_t id : ids) table_[offset_of(id)] = 0;
    }
    for (std::uint64_t offset = 0; offset <= range; ++offset) {
      if (table_[offset] == kNone) continue;
      table_[offset] = static_cast<VertexIndex>(ids_.size());
      ids_.push_back(static_cast<std::int64_t>(static_cast<std::uint64_t>(least_) + offset));
    }
  }

  void sort(Ids sources, Ids targets) {
    ids_.reserve(sources.size() + targets.size());
    ids_.assign(sources.begin(), sources.end());
    ids_.insert(ids_.end(), targets.begin(), targets.end());
    std::sort(ids_.begin(), ids_.end());
    ids_.erase(std::unique(ids_.begin(), ids_.end()), ids_.end());
    ids_.shrink_to_fit();
  }

  std::vector<std::int64_t> ids_;
  std::vector<VertexIndex> table_;  // empty: search in ids_
  std::int64_t least_ = 0;
};

}  // namespace

LinkGraph make_link_graph(Ids sources, Ids targets) {
  if (sources.size() != targets.size()) {
    throw std::invalid_argument("sources has " + std::to_string(sources.size()) +
                                " ids, but targets has " + std::to_string(targets.size()));
  }
  VertexIndexes index(sources, targets);
  std::vector<VertexIndex> rows(targets.size());
  std::transform(targets.begin(), targets.end(), rows.begin(), std::ref(index));
  std::vector<VertexIndex> columns(sources.size());
  std::transform(sources.begin(), sources.end(), columns.begin(), std::ref(index));

  LinkGraph graph;
  graph.vertices = index.take_ids();
  graph.out_degrees.assign(graph.vertices.size(), 0);
  graph.row_starts.assign(graph.vertices.size() + 1, 0);
  for (const VertexIndex column : columns) ++graph.out_degrees[column];
  for (const VertexIndex row : rows) ++graph.row_starts[row + 1];
  std::partial_sum(graph.row_starts.begin(), graph.row_starts.end(), graph.row_starts.begin());
  std::vector<std::uint64_t> next(graph.row_starts.begin(), graph.row_starts.end() - 1);
  graph.sources.resize(columns.size());
  for (std::size_t i = 0; i < columns.size(); ++i) graph.sources[next[rows[i]]++] = columns[i];
  return graph;
}

}  // namespace cppipc::toolkits
