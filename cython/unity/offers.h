// SPDX-License-Identifier: Apache-2.0
#pragma once
// What has stayed the same from one offer of a server to the next one.

#include <cppipc/description.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace unity {

using OfferPtr = std::shared_ptr<const cppipc::Offer>;

// The content of the extension that a name belongs to; empty if it belongs to none.
inline std::string_view content_of(const cppipc::Description& description, std::string_view name) {
  const std::string_view outer = name.substr(0, name.find('.'));
  for (const auto& extension : description.extensions) {
    if (extension.name == outer) return extension.content_hash;
  }
  return {};
}

// Whether an item was there before, as it is now and from the same file. `before` may be null.
template <class Item>
bool is_same(const OfferPtr& before, const OfferPtr& now,
             std::vector<Item> cppipc::Description::*items, std::size_t i) {
  if (before == nullptr) return false;
  const Item& item = (now->description.*items)[i];
  const auto& others = before->description.*items;
  const auto found =
      std::lower_bound(others.begin(), others.end(), item,
                       [](const Item& one, const Item& other) { return one.name < other.name; });
  return found != others.end() && *found == item &&
         content_of(before->description, item.name) == content_of(now->description, item.name);
}

inline bool is_same_type(const OfferPtr& before, const OfferPtr& now, std::size_t i) {
  return is_same(before, now, &cppipc::Description::types, i);
}
inline bool is_same_function(const OfferPtr& before, const OfferPtr& now, std::size_t i) {
  return is_same(before, now, &cppipc::Description::functions, i);
}
inline bool is_same_enumeration(const OfferPtr& before, const OfferPtr& now, std::size_t i) {
  return is_same(before, now, &cppipc::Description::enumerations, i);
}

}  // namespace unity
