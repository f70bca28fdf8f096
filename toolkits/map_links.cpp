// SPDX-License-Identifier: Apache-2.0
#include "toolkits/map_links.h"

#include <cppipc/error.h>

#include <mutex>
#include <unordered_set>

namespace cppipc::toolkits {
namespace {

// Guards the links of all maps.
std::mutex& links_mutex() {
  static std::mutex mutex;
  return mutex;
}

}  // namespace

void MapLinks::add(const std::vector<MapLinks*>& inner) {
  if (inner.empty()) return;
  const std::lock_guard lock(links_mutex());
  for (const MapLinks* one : inner) {
    if (one == this || (outer_count_ != 0 && one->leads_to(this))) {
      throw Error(ErrorKind::kInvalidArgument, "a VariantMap cannot contain itself");
    }
  }
  std::size_t added = 0;
  try {
    for (; added < inner.size(); ++added) {
      ++inner_[inner[added]];
      ++inner[added]->outer_count_;
    }
  } catch (...) {
    while (added > 0) drop(inner[--added]);
    throw;
  }
}

void MapLinks::remove(const std::vector<MapLinks*>& inner) noexcept {
  if (inner.empty()) return;
  const std::lock_guard lock(links_mutex());
  for (MapLinks* one : inner) drop(one);
}

void MapLinks::clear() noexcept {
  // Only this map's own calls change inner_, and they do not overlap with this one.
  if (inner_.empty()) return;
  const std::lock_guard lock(links_mutex());
  for (const auto& [inner, count] : inner_) inner->outer_count_ -= count;
  inner_.clear();
}

bool MapLinks::leads_to(const MapLinks* target) const {
  std::unordered_set<const MapLinks*> seen{this};
  std::vector<const MapLinks*> waiting{this};
  while (!waiting.empty()) {
    const MapLinks* map = waiting.back();
    waiting.pop_back();
    for (const auto& [inner, count] : map->inner_) {
      if (inner == target) return true;
      if (seen.insert(inner).second) waiting.push_back(inner);
    }
  }
  return false;
}

void MapLinks::drop(MapLinks* inner) noexcept {
  --inner->outer_count_;
  const auto link = inner_.find(inner);
  if (--link->second == 0) inner_.erase(link);
}

}  // namespace cppipc::toolkits
