// SPDX-License-Identifier: Apache-2.0
#pragma once
// Which server maps are inside which others, so that none comes to be inside itself: it would keep
// itself alive for ever.

#include <cstddef>
#include <unordered_map>
#include <vector>

namespace cppipc::toolkits {

// One map's links: to the maps among its keys and values, at any depth.
//
// A link must be removed before its target is let go.
// Threads: any; the links of all maps of the process share one lock, which only maps that are put
// into maps ever take.
class MapLinks {
 public:
  MapLinks() = default;
  ~MapLinks() { clear(); }
  MapLinks(const MapLinks&) = delete;
  MapLinks& operator=(const MapLinks&) = delete;

  // One more link to each of `inner`. Errors: kInvalidArgument if this map is among them or inside
  // one of them; then no link is added.
  void add(const std::vector<MapLinks*>& inner);
  // One link less to each of `inner`, which add() was given.
  void remove(const std::vector<MapLinks*>& inner) noexcept;
  void clear() noexcept;

 private:
  bool leads_to(const MapLinks* target) const;
  void drop(MapLinks* inner) noexcept;

  std::unordered_map<MapLinks*, std::size_t> inner_;  // how often each is inside
  std::size_t outer_count_ = 0;                       // how many links lead here
};

}  // namespace cppipc::toolkits
