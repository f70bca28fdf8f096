// SPDX-License-Identifier: Apache-2.0
#include "values/vertex_index.h"

#include <cppipc/error.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <string>

namespace cppipc {
namespace {

constexpr VertexIndex kNone = std::numeric_limits<VertexIndex>::max();
// A table over all ids between the least and the greatest pays while it has at most this many
// entries per look-up.
constexpr std::uint64_t kTableEntriesPerLookup = 8;

[[noreturn]] void refuse_argument(const std::string& problem) {
  throw Error(ErrorKind::kInvalidArgument, problem);
}

[[noreturn]] void refuse_id(std::int64_t id) {
  refuse_argument("an edge has the id " + std::to_string(id) +
                  ", which is not among the graph's vertices");
}

[[noreturn]] void refuse_twice(std::int64_t id) {
  refuse_argument("the graph's vertices have the id " + std::to_string(id) + " twice");
}

void check_count(std::uint64_t num_vertices) {
  if (num_vertices >= kNone) refuse_argument("a graph has at most 4294967294 vertices");
}

// Read once: what was checked is what is used.
std::int64_t read(const std::int64_t& id) { return __atomic_load_n(&id, __ATOMIC_RELAXED); }

}  // namespace

VertexPlaces::VertexPlaces(Ids sources, Ids targets) {
  if (sources.empty()) return;
  set_range(sources, targets);
  if (is_table_worth(sources.size())) {
    fill_table(sources, targets);
  } else {
    sort(sources, targets);
  }
  check_count(ids_.size());
}

VertexPlaces::VertexPlaces(Ids ids, std::uint64_t num_edges) : ids_(ids.begin(), ids.end()) {
  check_count(ids_.size());
  if (ids_.empty()) return;
  set_range(ids_, {});
  if (is_table_worth(ids_.size() + num_edges)) {
    fill_table_of_given();
  } else {
    sort_given();
  }
}

void VertexPlaces::set_range(Ids first, Ids second) {
  least_ = std::numeric_limits<std::int64_t>::max();
  greatest_ = std::numeric_limits<std::int64_t>::min();
  for (const Ids ids : {first, second}) {
    if (ids.empty()) continue;
    const auto [low, high] = std::minmax_element(ids.begin(), ids.end());
    least_ = std::min(least_, *low);
    greatest_ = std::max(greatest_, *high);
  }
}

bool VertexPlaces::is_table_worth(std::uint64_t lookups) const {
  // Unsigned, because the range of 64-bit ids does not fit into 63 bits.
  return offset_of(greatest_) / kTableEntriesPerLookup < lookups;
}

VertexIndex& VertexPlaces::entry(std::int64_t id) {
  const std::uint64_t offset = offset_of(id);
  if (offset >= table_.size()) refuse_id(id);  // it was another one a moment ago
  return table_[offset];
}

void VertexPlaces::fill_table(Ids sources, Ids targets) {
  table_.assign(offset_of(greatest_) + 1, kNone);
  for (const Ids ids : {sources, targets}) {
    for (const std::int64_t& id : ids) entry(read(id)) = 0;
  }
  for (std::uint64_t offset = 0; offset < table_.size(); ++offset) {
    if (table_[offset] == kNone) continue;
    table_[offset] = static_cast<VertexIndex>(ids_.size());
    ids_.push_back(static_cast<std::int64_t>(static_cast<std::uint64_t>(least_) + offset));
  }
}

void VertexPlaces::sort(Ids sources, Ids targets) {
  ids_.reserve(sources.size() + targets.size());
  ids_.assign(sources.begin(), sources.end());
  ids_.insert(ids_.end(), targets.begin(), targets.end());
  std::sort(ids_.begin(), ids_.end());
  ids_.erase(std::unique(ids_.begin(), ids_.end()), ids_.end());
  ids_.shrink_to_fit();
}

void VertexPlaces::fill_table_of_given() {
  table_.assign(offset_of(greatest_) + 1, kNone);
  for (std::size_t i = 0; i < ids_.size(); ++i) {
    VertexIndex& place = entry(ids_[i]);
    if (place != kNone) refuse_twice(ids_[i]);
    place = static_cast<VertexIndex>(i);
  }
}

void VertexPlaces::sort_given() {
  by_id_.reserve(ids_.size());
  for (const std::int64_t id : ids_) {
    by_id_.emplace_back(id, static_cast<VertexIndex>(by_id_.size()));
  }
  std::sort(by_id_.begin(), by_id_.end());
  const auto twice = std::adjacent_find(by_id_.begin(), by_id_.end(),
                                        [](auto& a, auto& b) { return a.first == b.first; });
  if (twice != by_id_.end()) refuse_twice(twice->first);
}

VertexIndex VertexPlaces::find(std::int64_t id) const {
  if (!table_.empty()) {
    const std::uint64_t offset = offset_of(id);
    return offset < table_.size() ? table_[offset] : kNone;
  }
  if (!by_id_.empty()) {
    const auto at = std::lower_bound(by_id_.begin(), by_id_.end(), std::pair(id, VertexIndex{0}));
    return at != by_id_.end() && at->first == id ? at->second : kNone;
  }
  const auto at = std::lower_bound(ids_.begin(), ids_.end(), id);
  return at != ids_.end() && *at == id ? static_cast<VertexIndex>(at - ids_.begin()) : kNone;
}

std::vector<VertexIndex> VertexPlaces::find_all(Ids ids) const {
  std::vector<VertexIndex> places(ids.size());
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const std::int64_t id = read(ids[i]);
    places[i] = find(id);
    if (places[i] == kNone) refuse_id(id);
  }
  return places;
}

std::vector<VertexIndex> checked_places(Ids places, std::uint64_t num_vertices) {
  check_count(num_vertices);
  std::vector<VertexIndex> checked(places.size());
  for (std::size_t i = 0; i < places.size(); ++i) {
    const std::int64_t place = read(places[i]);
    if (place < 0 || static_cast<std::uint64_t>(place) >= num_vertices) {
      refuse_argument("an edge has the place " + std::to_string(place) +
                      " among the vertices, of which " + "there are " +
                      std::to_string(num_vertices));
    }
    checked[i] = static_cast<VertexIndex>(place);
  }
  return checked;
}

Adjacency rows_of(std::span<const VertexIndex> rows, std::span<const VertexIndex> values,
                  std::size_t num_vertices) {
  Adjacency adjacency;
  adjacency.starts.assign(num_vertices + 1, 0);
  for (const VertexIndex row : rows) ++adjacency.starts[row + 1];
  std::partial_sum(adjacency.starts.begin(), adjacency.starts.end(), adjacency.starts.begin());
  std::vector<std::uint64_t> next(adjacency.starts.begin(), adjacency.starts.end() - 1);
  adjacency.neighbours.resize(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) adjacency.neighbours[next[rows[i]]++] = values[i];
  return adjacency;
}

std::vector<std::uint64_t> edges_of(std::span<const VertexIndex> rows, const Adjacency& adjacency) {
  std::vector<std::uint64_t> next(adjacency.starts.begin(), adjacency.starts.end() - 1);
  std::vector<std::uint64_t> edges(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) edges[next[rows[i]]++] = i;
  return edges;
}

}  // namespace cppipc
