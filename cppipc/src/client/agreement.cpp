// SPDX-License-Identifier: Apache-2.0
// Whether a server has what the list of an interface says, by the description that the client has
// anyhow. Types are compared as they are spelt for Python, where a parameter of type `object` takes
// anything. A server may have more: members, overloads, parameters with a default.
#include <cppipc/detail/known_interfaces.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace cppipc::detail {
namespace {

template <class Item>
const Item* find(const std::vector<Item>& items, std::string_view name) {
  const auto found = std::ranges::find(items, name, &Item::name);
  return found == items.end() ? nullptr : &*found;
}

// A type and those that it derives from, nearest first.
std::vector<const TypeDescription*> lineage(const Description& offered, std::string_view name) {
  std::vector<const TypeDescription*> types;
  const auto add = [&](std::string_view next) {
    const TypeDescription* type = find(offered.types, next);
    if (type != nullptr && std::ranges::find(types, type) == types.end()) types.push_back(type);
  };
  add(name);
  for (std::size_t i = 0; i < types.size(); ++i) {
    for (const std::string& base : types[i]->bases) add(base);
  }
  return types;
}

// A member of a type, or of the nearest of its bases that has it.
template <class Member>
const Member* find_member(const Description& offered, std::string_view type, std::string_view name,
                          std::vector<Member> TypeDescription::*members) {
  for (const TypeDescription* described : lineage(offered, type)) {
    if (const Member* member = find(described->*members, name)) return member;
  }
  return nullptr;
}

bool takes(const std::string& offered, const std::string& listed) {
  return offered == listed || offered == "object" || offered.empty();
}
bool gives(const std::string& offered, const std::string& listed) {
  return offered == listed || listed == "object";
}

bool agrees_alone(const FunctionDescription& listed, const FunctionDescription& offered) {
  const auto& ours = listed.parameters;
  const auto& theirs = offered.parameters;
  if (!gives(offered.result, listed.result)) return false;
  for (std::size_t i = 0; i < std::max(ours.size(), theirs.size()); ++i) {
    const ParameterDescription* other = i < theirs.size() ? &theirs[i] : nullptr;
    if (other != nullptr && other->is_variadic) {
      if (other->name.starts_with('*')) return true;  // any further values
      other = nullptr;
    }
    if (i >= ours.size()) {
      if (other != nullptr && !other->default_value) return false;
    } else if (other == nullptr || !takes(other->type, ours[i].type) ||
               (ours[i].default_value && !other->default_value)) {
      return false;
    }
  }
  return true;
}

// Whether a call as it is listed fits one of the overloads.
bool agrees(const FunctionDescription& listed, const FunctionDescription& offered) {
  return agrees_alone(listed, offered) ||
         std::ranges::any_of(offered.overloads, [&](const FunctionDescription& overload) {
           return agrees_alone(listed, overload);
         });
}

// "increment(by: int = 1) -> int".
std::string text_of(const FunctionDescription& function) {
  std::string parameters;
  for (const ParameterDescription& parameter : function.parameters) {
    parameters += (parameters.empty() ? "" : ", ") + parameter.name;
    if (!parameter.type.empty()) parameters += ": " + parameter.type;
    if (parameter.default_value) parameters += " = " + python_text(*parameter.default_value);
  }
  std::string text = function.name + "(" + parameters + ")";
  if (!function.result.empty()) text += " -> " + function.result;
  for (const FunctionDescription& overload : function.overloads) text += " or " + text_of(overload);
  return text;
}
std::string text_of(const PropertyDescription& property) {
  return property.name + ": " + property.type + (property.is_writable ? "" : ", read-only");
}

// Compares one interface with what a server says of its type.
class Comparison {
 public:
  Comparison(const Client& client, const Description& offered, const TypeDescription& listed)
      : client_(client), offered_(offered), listed_(listed) {}

  void run() const {
    const TypeDescription* type = find(offered_.types, listed_.name);
    if (type == nullptr) {
      throw Error(ErrorKind::kUnknownName, "the server on " + client_.address() + " has no type '" +
                                               listed_.name + "', which the interface names");
    }
    if (listed_.constructor) compare_constructor(*type);
    for (const FunctionDescription& method : listed_.methods) compare_method(method);
    for (const PropertyDescription& property : listed_.properties) compare_property(property);
  }

 private:
  void compare_constructor(const TypeDescription& type) const {
    if (!type.constructor) lack("constructor", text_of(*listed_.constructor));
    compare(*listed_.constructor, *type.constructor);
  }

  void compare_method(const FunctionDescription& method) const {
    const auto* offered =
        find_member(offered_, listed_.name, method.name, &TypeDescription::methods);
    if (offered == nullptr) lack("method", text_of(method));
    compare(method, *offered);
  }

  void compare_property(const PropertyDescription& property) const {
    const auto* offered =
        find_member(offered_, listed_.name, property.name, &TypeDescription::properties);
    if (offered == nullptr) lack("property", text_of(property));
    const bool is_taken =
        !property.is_writable || (offered->is_writable && takes(offered->type, property.type));
    if (!gives(offered->type, property.type) || !is_taken) {
      differ(text_of(property), text_of(*offered));
    }
  }

  // Each overload that is listed fits one that the server has.
  void compare(const FunctionDescription& listed, const FunctionDescription& offered) const {
    bool is_agreed = agrees(listed, offered);
    for (const FunctionDescription& overload : listed.overloads) {
      is_agreed = is_agreed && agrees(overload, offered);
    }
    if (!is_agreed) differ(text_of(listed), text_of(offered));
  }

  [[noreturn]] void lack(const std::string& what, const std::string& text) const {
    throw Error(ErrorKind::kUnknownName, "the " + listed_.name + " of the server on " +
                                             client_.address() + " has no " + what + " " + text +
                                             ", which the interface lists");
  }
  [[noreturn]] void differ(const std::string& ours, const std::string& theirs) const {
    throw Error(ErrorKind::kWrongType, listed_.name + " is not what the interface says: it lists " +
                                           ours + ", and the server on " + client_.address() +
                                           " has " + theirs);
  }

  const Client& client_;
  const Description& offered_;
  const TypeDescription& listed_;
};

}  // namespace

const KnownInterface* KnownInterfaces::find(const Offer& offer, std::string_view type) const {
  for (const TypeDescription* described : lineage(offer.description, type)) {
    const auto known = by_name_.find(described->name);
    if (known != by_name_.end()) return &by_type_.at(known->second);
  }
  return nullptr;
}

void KnownInterfaces::check(const Client& client, std::string_view name) const {
  const std::shared_ptr<const Offer> offer = client.offer();
  const std::string key = offer->hash + std::string(name);
  {
    const std::lock_guard lock(mutex_);
    if (agreed_.contains(key)) return;
  }
  const TypeDescription& listed = *detail::find(description_.types, name);
  Comparison(client, offer->description, listed).run();
  for (const std::string& base : listed.bases) check(client, base);
  const std::lock_guard lock(mutex_);
  agreed_.insert(key);
}

}  // namespace cppipc::detail
