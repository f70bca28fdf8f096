// SPDX-License-Identifier: Apache-2.0
#include "toolkits/variant_map.h"

#include <cppipc/function.h>
#include <cppipc/registry.h>

#include <memory>
#include <string>
#include <typeinfo>

namespace cppipc::toolkits {
namespace {

[[noreturn]] void refuse_missing(const Variant& key) {
  throw Error(ErrorKind::kUnknownKey, "there is no key " + shown(key));
}

// The map that a value refers to; null if it refers to none.
ServerMap* map_of(const Variant& value) {
  const ObjectPtr* object = value.get_if<ObjectPtr>();
  if (object == nullptr) return nullptr;
  const auto* local = dynamic_cast<const LocalObject*>(object->get());
  if (local == nullptr || local->type().cpp_type != typeid(ServerMap)) return nullptr;
  return static_cast<ServerMap*>(local->instance().get());
}

// The items of a list or tuple. Errors: kWrongType, beginning with `what`.
const std::vector<Variant>& items_of(const Variant& value, const std::string& what) {
  if (const List* list = value.get_if<List>()) return list->items;
  if (const Tuple* tuple = value.get_if<Tuple>()) return tuple->items;
  throw Error(ErrorKind::kWrongType, what + ", not " + std::string(name_of(value.kind())));
}

}  // namespace

ServerMap::~ServerMap() {
  links_.clear();
  places_.clear();
  drop(entries_);
}

void ServerMap::drop(Entries& entries) noexcept {
  // A map may be the last to hold another one, and that a third: however long such a chain is, its
  // maps are dropped by the outermost call, one after the other.
  thread_local Entries waiting;
  thread_local bool is_dropping = false;
  waiting.splice(waiting.end(), entries);
  if (is_dropping) return;
  is_dropping = true;
  while (!waiting.empty()) {
    Entries one;
    one.splice(one.begin(), waiting, waiting.begin());
  }
  is_dropping = false;
}

std::vector<MapLinks*> ServerMap::maps_in(const Variant& value) {
  std::vector<MapLinks*> maps;
  std::vector<const Variant*> waiting{&value};
  const auto add_all = [&](const std::vector<Variant>& items) {
    for (const Variant& item : items) waiting.push_back(&item);
  };
  while (!waiting.empty()) {
    const Variant& one = *waiting.back();
    waiting.pop_back();
    if (const auto* list = one.get_if<List>()) add_all(list->items);
    if (const auto* tuple = one.get_if<Tuple>()) add_all(tuple->items);
    if (const auto* set = one.get_if<Set>()) add_all(set->items);
    if (const auto* set = one.get_if<FrozenSet>()) add_all(set->items);
    if (const auto* dict = one.get_if<Dict>()) {
      for (const auto& [key, item] : dict->entries) {
        waiting.push_back(&key);
        waiting.push_back(&item);
      }
    }
    if (ServerMap* map = map_of(one)) maps.push_back(&map->links_);
  }
  return maps;
}

const Variant* ServerMap::find(const Variant& key) const {
  check_key(key);
  const auto place = places_.find(key);
  return place == places_.end() ? nullptr : &place->second->second;
}

const Variant& ServerMap::at(const Variant& key) const {
  if (const Variant* value = find(key)) return *value;
  refuse_missing(key);
}

void ServerMap::set(const Variant& key, const Variant& value) {
  check_key(key);
  const auto place = places_.find(key);
  if (place == places_.end()) {
    append(key, value);
  } else {
    replace(place->second->second, value);
  }
}

void ServerMap::replace(Variant& value, Variant fresh) {
  const auto removed = maps_in(value);
  links_.add(maps_in(fresh));
  std::swap(value, fresh);
  links_.remove(removed);
}

void ServerMap::append(const Variant& key, const Variant& value) {
  Entries fresh;
  fresh.emplace_back(key, value);
  auto added = maps_in(key);
  const auto in_value = maps_in(value);
  added.insert(added.end(), in_value.begin(), in_value.end());
  const auto place = places_.emplace(key, fresh.begin()).first;
  try {
    links_.add(added);
  } catch (...) {
    places_.erase(place);
    throw;
  }
  entries_.splice(entries_.end(), fresh);
}

void ServerMap::update(const Variant& other) {
  if (const Dict* dict = other.get_if<Dict>()) {
    for (const auto& [key, value] : dict->entries) set(key, value);
  } else if (const ServerMap* map = map_of(other)) {
    if (map == this) return;
    for (const auto& [key, value] : map->entries_) set(key, value);
  } else {
    for (const Variant& pair : items_of(other, "an update is a mapping or a sequence of pairs")) {
      const auto& items = items_of(pair, "an update's items are pairs");
      if (items.size() != 2) {
        throw Error(ErrorKind::kInvalidArgument,
                    "an update's items are pairs, not of length " + std::to_string(items.size()));
      }
      set(items[0], items[1]);
    }
  }
}

Variant ServerMap::take(const Variant& key) {
  check_key(key);
  const auto place = places_.find(key);
  if (place == places_.end()) refuse_missing(key);
  return take(place);
}

Variant ServerMap::take(Places::iterator place) {
  auto& [key, value] = *place->second;
  const auto in_key = maps_in(key);
  const auto in_value = maps_in(value);
  Entries taken;
  taken.splice(taken.begin(), entries_, place->second);
  places_.erase(place);
  links_.remove(in_key);
  links_.remove(in_value);
  return std::move(taken.front().second);
}

Tuple ServerMap::take_last() {
  if (entries_.empty()) throw Error(ErrorKind::kUnknownKey, "the map is empty");
  Variant key = entries_.back().first;
  Variant value = take(key);
  return {{std::move(key), std::move(value)}};
}

void ServerMap::clear() {
  links_.clear();
  places_.clear();
  drop(entries_);
}

List ServerMap::keys() const {
  List keys;
  keys.items.reserve(entries_.size());
  for (const auto& entry : entries_) keys.items.push_back(entry.first);
  return keys;
}

List ServerMap::values() const {
  List values;
  values.items.reserve(entries_.size());
  for (const auto& entry : entries_) values.items.push_back(entry.second);
  return values;
}

List ServerMap::items() const {
  List items;
  items.items.reserve(entries_.size());
  for (const auto& [key, value] : entries_) items.items.push_back(Tuple{{key, value}});
  return items;
}

Dict ServerMap::to_dict() const {
  Dict dict;
  dict.entries.assign(entries_.begin(), entries_.end());
  return dict;
}

void ServerMap::save(SaveWriter& out) const {
  out.write(size());
  for (const auto& [key, value] : entries_) {
    out.write(key);
    out.write(value);
  }
}

std::shared_ptr<ServerMap> ServerMap::load(SaveReader& in) {
  auto map = std::make_shared<ServerMap>();
  for (auto left = in.read<std::int64_t>(); left > 0; --left) {
    const auto key = in.read<Variant>();
    map->set(key, in.read<Variant>());
  }
  return map;
}

namespace {

void update_all(ServerMap& map, const Args& given) {
  if (given.values.size() > 1) {
    throw Error(ErrorKind::kWrongType, "at most one argument without a name is taken, not " +
                                           std::to_string(given.values.size()));
  }
  for (const Variant& other : given.values) map.update(other);
  for (const auto& [key, value] : given.keywords) map.set(key, value);
}

std::shared_ptr<ServerMap> make(const Args& given) {
  auto map = std::make_shared<ServerMap>();
  update_all(*map, given);
  return map;
}

Variant get(const ServerMap& map, const Variant& key, const Variant& otherwise) {
  const Variant* value = map.find(key);
  return value == nullptr ? otherwise : *value;
}

Variant set_default(ServerMap& map, const Variant& key, const Variant& value) {
  if (const Variant* present = map.find(key)) return *present;
  map.set(key, value);
  return value;
}

// The default may come by position or by name, or not at all.
Variant pop(ServerMap& map, const Variant& key, const Args& rest) {
  const auto named = rest.keywords.find("default");
  const std::size_t count = rest.values.size() + rest.keywords.size();
  if (count > 1 || (!rest.keywords.empty() && named == rest.keywords.end())) {
    throw Error(ErrorKind::kWrongType, "pop() takes a key and at most a default");
  }
  if (count == 0 || map.find(key) != nullptr) return map.take(key);
  return rest.values.empty() ? named->second : rest.values.front();
}

// What lists keys or values.
void register_views(TypeBuilder<ServerMap>& type) {
  type.method("__len__", &ServerMap::size, "The number of keys.")
      .method("__iter__", &ServerMap::keys, "All keys, in the order in which they were first set.")
      .method("keys", &ServerMap::keys, "A list of all keys, in the order of their first setting.")
      .method("values", &ServerMap::values, "A list of all values, in the order of the keys.")
      .method("items", &ServerMap::items, "A list of all pairs of key and value.")
      .method("copy", &ServerMap::to_dict, "All keys and values, as a dict.");
}

}  // namespace

void register_variant_map(Registry& registry) {
  auto type = registry.type<ServerMap>(
      "VariantMap", "A mapping that lives on the server, from any hashable keys to any values.");
  type.init(&make)
      .saveable(1, &ServerMap::save, &ServerMap::load)
      .method("__getitem__", &ServerMap::at, arg("key"), "The value of `key`, else KeyError.")
      .method("__setitem__", &ServerMap::set, arg("key"), arg("value"), "Sets the value of `key`.")
      .method(
          "__delitem__", [](ServerMap& map, const Variant& key) { map.take(key); }, arg("key"),
          "Removes `key` and its value, else KeyError.")
      .method(
          "__contains__",
          [](const ServerMap& map, const Variant& key) { return map.find(key) != nullptr; },
          arg("key"), "Whether there is such a key.")
      .method("get", &get, arg("key"), arg("default") = nullptr,
              "The value of `key`, or `default` if there is no such key.")
      .method("setdefault", &set_default, arg("key"), arg("default") = nullptr,
              "The value of `key`, which becomes `default` if there is no such key.")
      .method("pop", &pop, arg("key"),
              "Removes `key`. Returns its value, else a second argument, else KeyError.")
      .method("popitem", &ServerMap::take_last,
              "Removes the last of the keys. Returns it with its value, else KeyError.")
      .method("update", &update_all,
              "Sets keys from a mapping, a sequence of pairs, and further from names.")
      .method("clear", &ServerMap::clear, "Removes everything.");
  register_views(type);
}

}  // namespace cppipc::toolkits
