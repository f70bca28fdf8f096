// SPDX-License-Identifier: Apache-2.0
#pragma once
// How the items of a list or tuple cross: one by one, or packed as 8-byte numbers.

#include <cppipc/variant.h>

#include <algorithm>
#include <span>

namespace cppipc {

enum class Packing { kNone, kInts, kFloats };

// Only lists of at least two ints, or of at least two floats, are packed.
inline Packing packing_of(std::span<const Variant> items) {
  if (items.size() < 2) return Packing::kNone;
  const Kind kind = items.front().kind();
  if (kind != Kind::kInt && kind != Kind::kFloat) return Packing::kNone;
  const bool is_same = std::all_of(items.begin() + 1, items.end(),
                                   [kind](const Variant& item) { return item.kind() == kind; });
  if (!is_same) return Packing::kNone;
  return kind == Kind::kInt ? Packing::kInts : Packing::kFloats;
}

// How many containers in containers a walk makes room for at its first.
inline constexpr std::size_t kFramesAtFirst = 16;

// The values inside a value, in wire order: the items of a sequence, or the keys and values of a
// dict in turn. Owns nothing.
class Children {
 public:
  Children() = default;
  explicit Children(std::span<const Variant> items) : items_(items.data()), count_(items.size()) {}
  explicit Children(const Dict& dict)
      : entries_(dict.entries.data()), count_(2 * dict.entries.size()) {}

  std::size_t size() const { return count_; }
  const Variant& operator[](std::size_t i) const {
    if (entries_ == nullptr) return items_[i];
    return i % 2 == 0 ? entries_[i / 2].first : entries_[i / 2].second;
  }

 private:
  const Variant* items_ = nullptr;
  const std::pair<Variant, Variant>* entries_ = nullptr;
  std::size_t count_ = 0;
};

}  // namespace cppipc
