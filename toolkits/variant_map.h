// SPDX-License-Identifier: Apache-2.0
#pragma once
// A mapping that lives on the server and is shared by whoever holds a reference to it.

#include <cppipc/variant.h>

#include <cstddef>
#include <cstdint>
#include <list>
#include <unordered_map>
#include <vector>

namespace cppipc {
class Registry;
}

namespace cppipc::toolkits {

// Whether a value may be a key of a dict. A tuple may if its items may.
bool is_hashable(const Variant& value);

// Python's idea of one key: as ==, but 1, 1.0 and True are equal, and so are two references to
// one object. Only for hashable values.
struct KeyHash {
  std::size_t operator()(const Variant& key) const;
};
struct KeyEqual {
  bool operator()(const Variant& left, const Variant& right) const;
};

// A dict of any values, in the order in which keys were first set. Exposed as VariantMap.
// Errors: a key that is not hashable is kWrongType.
// Threads: one call at a time, as the host calls it.
class ServerMap {
 public:
  ServerMap() = default;
  ServerMap(const ServerMap&) = delete;
  ServerMap& operator=(const ServerMap&) = delete;

  // The value of a key, `otherwise` if there is none.
  Variant get(const Variant& key, const Variant& otherwise) const;
  void set(const Variant& key, const Variant& value);
  // Errors: kUnknownName if there is no such key.
  void remove(const Variant& key);
  bool contains(const Variant& key) const;
  List keys() const;
  std::int64_t size() const { return static_cast<std::int64_t>(entries_.size()); }
  void clear();
  Dict to_dict() const;

 private:
  using Entries = std::list<std::pair<Variant, Variant>>;
  Entries entries_;
  std::unordered_map<Variant, Entries::iterator, KeyHash, KeyEqual> places_;
};

// Registers the type VariantMap.
void register_variant_map(Registry& registry);

}  // namespace cppipc::toolkits
