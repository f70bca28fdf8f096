// SPDX-License-Identifier: Apache-2.0
#pragma once
// A mapping that lives on the server and is shared by whoever holds a reference to it.

#include <cppipc/save.h>
#include <cppipc/variant.h>

#include <cstddef>
#include <cstdint>
#include <list>
#include <unordered_map>
#include <utility>
#include <vector>

#include "toolkits/map_key.h"
#include "toolkits/map_links.h"

namespace cppipc {
class Registry;
}

namespace cppipc::toolkits {

// A dict of any values, in the order in which keys were first set. Exposed as VariantMap, with the
// methods of Python's mappings under their own names.
//
// Owns: its keys and values, and with them shares of the objects among them.
// Errors: a key that is not hashable is kWrongType; a missing one is kUnknownKey; a map that would
// come to contain itself, at whatever depth, is kInvalidArgument.
// Threads: one call at a time, as the host calls it.
class ServerMap {
 public:
  ServerMap() = default;
  ~ServerMap();
  ServerMap(const ServerMap&) = delete;
  ServerMap& operator=(const ServerMap&) = delete;

  // The value of a key; null if there is no such key. Valid until the next change.
  const Variant* find(const Variant& key) const;
  const Variant& at(const Variant& key) const;
  void set(const Variant& key, const Variant& value);
  // What mapping.update() does with its argument: a dict, another map, or a sequence of pairs.
  void update(const Variant& other);
  // Removes a key and returns its value.
  Variant take(const Variant& key);
  // Removes the last of the keys and returns it with its value.
  Tuple take_last();
  void clear();

  std::int64_t size() const { return static_cast<std::int64_t>(entries_.size()); }
  List keys() const;
  List values() const;
  List items() const;
  Dict to_dict() const;

  void save(SaveWriter& out) const;
  static std::shared_ptr<ServerMap> load(SaveReader& in);

 private:
  // A list, so that an entry stays where it is and can be handed over without allocating.
  using Entries = std::list<std::pair<Variant, Variant>>;
  using Places = std::unordered_map<Variant, Entries::iterator, KeyHash, KeyEqual>;

  Variant take(Places::iterator place);
  void replace(Variant& value, Variant fresh);
  void append(const Variant& key, const Variant& value);
  static std::vector<MapLinks*> maps_in(const Variant& value);
  static void drop(Entries& entries) noexcept;

  Entries entries_;
  Places places_;
  MapLinks links_;
};

// Registers the type VariantMap.
void register_variant_map(Registry& registry);

}  // namespace cppipc::toolkits
