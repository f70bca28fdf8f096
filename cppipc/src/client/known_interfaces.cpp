// SPDX-License-Identifier: Apache-2.0
// Objects in arguments and results of proxies: a proxy is sent as the reference that it has, and a
// reference becomes a proxy of the interface that the server's type is. The conversions between
// C++ values and Variants know only objects of registered types; so an interface is registered on
// the client too, and what is replaced lies between conversion and wire.
#include <cppipc/detail/known_interfaces.h>

#include <vector>

namespace cppipc::detail {
namespace {

// Calls `visit` with each object in a value, however deep; it may be replaced. Not recursive. Sets
// and keys of dicts are looked through too.
template <class Visit>
void each_object(Variant& value, const Visit& visit) {
  std::vector<Variant*> left{&value};
  const auto add = [&](std::vector<Variant>& items) {
    for (Variant& item : items) left.push_back(&item);
  };
  while (!left.empty()) {
    Variant& next = *left.back();
    left.pop_back();
    if (next.get_if<ObjectPtr>()) {
      visit(next);
    } else if (auto* list = next.get_if<List>()) {
      add(list->items);
    } else if (auto* tuple = next.get_if<Tuple>()) {
      add(tuple->items);
    } else if (auto* set = next.get_if<Set>()) {
      add(set->items);
    } else if (auto* frozen = next.get_if<FrozenSet>()) {
      add(frozen->items);
    } else if (auto* dict = next.get_if<Dict>()) {
      for (auto& [key, item] : dict->entries) {
        left.push_back(&key);
        left.push_back(&item);
      }
    }
  }
}

}  // namespace

void KnownInterfaces::add(std::type_index type, const KnownInterface& known) {
  const TypeInfo* info = registry_.find_type(type);
  by_type_.emplace(info, known);
  by_name_.emplace(known.name, info);
}

void KnownInterfaces::to_remote(Variant& value, const Place& place) const {
  each_object(value, [&](Variant& object) {
    const auto* local = dynamic_cast<const LocalObject*>(object.as<ObjectPtr>().get());
    if (local == nullptr) return;  // a reference already
    const KnownInterface& known = by_type_.at(&local->type());
    const ProxyBase* proxy = known.find(local->instance().get());
    if (proxy == nullptr) {
      fail(ErrorKind::kInvalidArgument, place,
           "expected a " + std::string(known.name) +
               " of the server, got one of this process; cppipc::create() makes one there");
    }
    object = ObjectPtr(proxy->remote());
  });
}

void KnownInterfaces::to_proxies(Variant& value, const CallOptions& options) const {
  std::shared_ptr<const Offer> offer;
  each_object(value, [&](Variant& object) {
    auto remote = std::dynamic_pointer_cast<RemoteObject>(object.as<ObjectPtr>());
    if (!remote) return;
    const auto client = client_of(*remote);
    if (!offer) offer = client->offer();
    const KnownInterface* known = find(*offer, remote->type_name());
    if (known == nullptr) return;  // refused, by its name, when it is converted
    check(*client, known->name);
    const TypeInfo& type = *by_name_.find(known->name)->second;
    object =
        ObjectPtr(std::make_shared<LocalObject>(known->make(std::move(remote), options), type));
  });
}

std::shared_ptr<Client> client_of(const RemoteObject& object) {
  auto client = object.client();
  if (client) return client;
  throw Error(ErrorKind::kConnectionLost, "the client of this " + std::string(object.type_name()) +
                                              " is gone; keep it as long as its objects");
}

Place argument_place(std::string_view function, std::span<const std::string_view> parameters,
                     std::size_t i, const Registry& registry) {
  Place place;
  place.role = Place::Role::kParameter;
  place.function = function;
  if (i < parameters.size()) place.name = parameters[i];
  place.registry = &registry;
  return place;
}

Place result_place(std::string_view function, const Registry& registry) {
  Place place;
  place.role = Place::Role::kResult;
  place.function = function;
  place.registry = &registry;
  return place;
}

}  // namespace cppipc::detail
