// SPDX-License-Identifier: Apache-2.0
#include "extension/take.h"

#include <cppipc/detail/load.h>

#include "extension/call.h"
#include "extension/views.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <utility>

namespace cppipc::detail {
namespace {

constexpr int kDepthMax = 1000;

class RegisteredTypes {
 public:
  void set(const cppipc_type& type, const TypeInfo& info) {
    const std::unique_lock lock(mutex_);
    types_[&type] = &info;
  }
  const TypeInfo* find(const cppipc_type& type) const {
    const std::shared_lock lock(mutex_);
    const auto found = types_.find(&type);
    return found == types_.end() ? nullptr : found->second;
  }

 private:
  mutable std::shared_mutex mutex_;
  std::map<const cppipc_type*, const TypeInfo*> types_;
};

// Never destroyed: objects of extensions may be used until the process has ended.
RegisteredTypes& registered_types() {
  static auto* const types = std::make_unique<RegisteredTypes>().release();
  return *types;
}

Variant take(const cppipc_value& value, const Place& place, int depth);

std::vector<Variant> take_items(const cppipc_value& value, const Place& place, int depth) {
  std::vector<Variant> items;
  items.reserve(value.as.items.size);
  for (std::size_t i = 0; i < value.as.items.size; ++i) {
    items.push_back(take(value.as.items.data[i], place.item(i), depth));
  }
  return items;
}

std::vector<Variant> take_elements(const cppipc_value& value, const Place& place, int depth) {
  std::vector<Variant> items = take_items(value, place, depth);
  for (Variant& item : items) item = hashable(std::move(item));
  return items;
}

Dict take_dict(const cppipc_value& value, const Place& place, int depth) {
  Dict dict;
  dict.entries.reserve(value.as.items.size / 2);
  for (std::size_t i = 0; i + 1 < value.as.items.size; i += 2) {
    Variant key = hashable(take(value.as.items.data[i], place, depth));
    Variant item = take(value.as.items.data[i + 1], place.entry(key), depth);
    dict.entries.emplace_back(std::move(key), std::move(item));
  }
  return dict;
}

template <class Numbers>
List take_numbers(const Numbers& numbers) {
  List list;
  list.items.reserve(numbers.size);
  for (std::size_t i = 0; i < numbers.size; ++i) list.items.emplace_back(numbers.data[i]);
  return list;
}

Variant take_object(const cppipc_value& value, const Place& place) {
  const cppipc_object* object = value.as.object;
  if (object == nullptr || object->type == nullptr || object->share == nullptr) {
    fail(ErrorKind::kInvalidArgument, place, "an object without a type or a share");
  }
  const TypeInfo& info = registered_type(*object->type);
  void* share = object->type->copy_share(object->share);
  if (share == nullptr) throw std::bad_alloc();
  std::shared_ptr<void> instance(object->address,
                                 ExtensionShare{object->type, object->address, share});
  return ObjectPtr(std::make_shared<LocalObject>(std::move(instance), info));
}

Variant take(const cppipc_value& value, const Place& place, int depth) {
  if (value.origin != nullptr) return *static_cast<const Variant*>(value.origin);
  if (depth > kDepthMax) {
    fail(ErrorKind::kInvalidArgument, place,
         "nested deeper than " + std::to_string(kDepthMax) + " levels");
  }
  switch (value.kind) {
    case CPPIPC_NONE:
      return {};
    case CPPIPC_BOOL:
      return value.as.integer != 0;
    case CPPIPC_INT:
      return static_cast<long long>(value.as.integer);
    case CPPIPC_FLOAT:
      return value.as.number;
    case CPPIPC_COMPLEX:
      return std::complex<double>(value.as.complex[0], value.as.complex[1]);
    case CPPIPC_STR:
      return store_text(std::string(view(value.as.text)), place);
    case CPPIPC_BYTES:
      return Bytes(view(value.as.text));
    case CPPIPC_LIST:
      return List{take_items(value, place, depth + 1)};
    case CPPIPC_TUPLE:
      return Tuple{take_items(value, place, depth + 1)};
    case CPPIPC_SET:
      return Set{take_elements(value, place, depth + 1)};
    case CPPIPC_FROZENSET:
      return FrozenSet{take_elements(value, place, depth + 1)};
    case CPPIPC_DICT:
      return take_dict(value, place, depth + 1);
    case CPPIPC_INTS:
      return take_numbers(value.as.ints);
    case CPPIPC_FLOATS:
      return take_numbers(value.as.numbers);
    case CPPIPC_OBJECT:
      return take_object(value, place);
    case CPPIPC_ENUM:
      return store_variant(EnumMember{std::string(view(value.as.member->type_name)),
                                      std::string(view(value.as.member->name))},
                           place);
    case CPPIPC_FUNCTION:
      return extension_function(*value.as.function);
    default:
      fail(ErrorKind::kInvalidArgument, place,
           "kind " + std::to_string(value.kind) + " is none that an extension can make");
  }
}

}  // namespace

Variant take_value(const cppipc_value& value, const Place& place) { return take(value, place, 0); }

void set_registered_type(const cppipc_type& type, const TypeInfo& info) {
  registered_types().set(type, info);
}

const TypeInfo& registered_type(const cppipc_type& type) {
  if (const TypeInfo* info = registered_types().find(type)) return *info;
  throw Error(ErrorKind::kRemote, "type " + quote(view(type.name)) + " is not registered");
}

namespace {

Place make_link(const cppipc_place& from) {
  Place place;
  switch (from.role) {
    case CPPIPC_PARAMETER:
      return parameter_place(from.call, static_cast<std::size_t>(from.index));
    case CPPIPC_RESULT:
      return result_place(from.call);
    case CPPIPC_ITEM:
      place.role = Place::Role::kItem;
      place.index = from.index;
      break;
    case CPPIPC_ENTRY:
      place.role = Place::Role::kEntry;
      break;
    case CPPIPC_MEMBER:
      place.role = Place::Role::kMember;
      break;
    default:
      place.name = view(from.name);
      break;
  }
  return place;
}

}  // namespace

PlaceChain::PlaceChain(const cppipc_place* place) {
  std::vector<const cppipc_place*> chain;
  for (; place != nullptr; place = place->outer) chain.push_back(place);
  if (chain.empty()) links_.emplace_back();
  for (auto from = chain.rbegin(); from != chain.rend(); ++from) {
    const Place* outer = links_.empty() ? nullptr : &links_.back();
    Place& link = links_.emplace_back(make_link(**from));
    if (outer == nullptr) continue;
    link.outer = outer;
    link.registry = outer->registry;
    link.may_move = outer->may_move;
    if ((*from)->key != nullptr) {
      link.key = &keys_.emplace_back(take_value(*(*from)->key, Place()));
    }
  }
}

}  // namespace cppipc::detail
