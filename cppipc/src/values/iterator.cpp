// SPDX-License-Identifier: Apache-2.0
#include <cppipc/iterator.h>

#include <chrono>

namespace cppipc {
namespace {

// A batch ends early once it is that large, or has taken that long.
constexpr std::size_t kBatchBytes = 1 << 20;
constexpr auto kBatchTime = std::chrono::milliseconds(20);

template <class Items>
std::size_t total_bytes(const Items& items);

// About what a value takes in a message.
std::size_t rough_bytes(const Variant& value) {
  constexpr std::size_t kSmall = 24;
  if (const auto* text = value.get_if<std::string>()) return kSmall + text->size();
  if (const auto* list = value.get_if<List>()) return total_bytes(list->items);
  if (const auto* tuple = value.get_if<Tuple>()) return total_bytes(tuple->items);
  if (const auto* set = value.get_if<Set>()) return total_bytes(set->items);
  if (const auto* dict = value.get_if<Dict>()) {
    std::size_t bytes = kSmall;
    for (const auto& [key, item] : dict->entries) bytes += rough_bytes(key) + rough_bytes(item);
    return bytes;
  }
  if (value.kind() == Kind::kArray) {
    return kSmall + static_cast<std::size_t>(value.as_array().nbytes());
  }
  return kSmall;
}

template <class Items>
std::size_t total_bytes(const Items& items) {
  std::size_t bytes = 24;
  for (const Variant& item : items) bytes += rough_bytes(item);
  return bytes;
}

}  // namespace

std::pair<List, bool> IteratorSource::next_batch(std::size_t count) {
  List batch;
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
  const auto end_time = std::chrono::steady_clock::now() + kBatchTime;
  std::size_t bytes = 0;
  while (!is_done_ && batch.items.size() < count && bytes < kBatchBytes) {
    std::optional<Variant> item;
    try {
      item = next();
    } catch (...) {
      is_done_ = true;
      end();
      if (batch.items.empty()) throw;
      failure_ = std::current_exception();
      return {std::move(batch), false};
    }
    if (!item) {
      is_done_ = true;
      end();
      break;
    }
    bytes += rough_bytes(*item);
    batch.items.push_back(std::move(*item));
    if (std::chrono::steady_clock::now() >= end_time) break;
  }
  return {std::move(batch), is_done_};
}

void IteratorSource::hold(std::vector<std::shared_ptr<void>> objects) {
  std::lock_guard lock(mutex_);
  if (held_.empty()) held_ = std::move(objects);
}

std::vector<std::shared_ptr<void>> IteratorSource::held() const {
  std::lock_guard lock(mutex_);
  return held_;
}

}  // namespace cppipc
