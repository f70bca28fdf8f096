// SPDX-License-Identifier: Apache-2.0
#include "memory/address_index.h"

#include <mutex>

#include "memory/pool.h"

namespace cppipc {

void AddressIndex::add(const std::byte* begin, std::size_t size_bytes, Pool* pool) {
  const auto from = reinterpret_cast<std::uintptr_t>(begin);
  const std::uintptr_t end = from + size_bytes;
  std::lock_guard lock(mutex_);
  ranges_.insert_or_assign(from, Range{end, pool});
  if (from < lowest_.load(std::memory_order_relaxed)) {
    lowest_.store(from, std::memory_order_release);
  }
  if (end > highest_.load(std::memory_order_relaxed)) {
    highest_.store(end, std::memory_order_release);
  }
}

void AddressIndex::remove(const std::byte* begin) {
  std::lock_guard lock(mutex_);
  ranges_.erase(reinterpret_cast<std::uintptr_t>(begin));
}

std::shared_ptr<Pool> AddressIndex::find(const void* address) const {
  const auto at = reinterpret_cast<std::uintptr_t>(address);
  if (at < lowest_.load(std::memory_order_acquire)) return nullptr;
  if (at >= highest_.load(std::memory_order_acquire)) return nullptr;
  std::lock_guard lock(mutex_);
  auto next = ranges_.upper_bound(at);
  if (next == ranges_.begin()) return nullptr;
  const Range& range = std::prev(next)->second;
  return at < range.end ? range.pool->share_if_alive() : nullptr;
}

AddressIndex& address_index() {
  static auto* index = new AddressIndex;
  return *index;
}

}  // namespace cppipc
