// SPDX-License-Identifier: Apache-2.0
#include "values/bases.h"

#include <algorithm>

namespace cppipc::detail {
namespace {

using Types = std::vector<const TypeInfo*>;
using Up = void* (*)(void*);

// The first of a list that no list has behind its first; null if there is none.
const TypeInfo* next_of(const std::vector<Types>& lists) {
  for (const Types& list : lists) {
    const auto is_behind = [&](const Types& other) {
      return std::find(other.begin() + 1, other.end(), list.front()) != other.end();
    };
    if (std::none_of(lists.begin(), lists.end(), is_behind)) return list.front();
  }
  return nullptr;
}

// How an address changes on the way from a type to one of its bases; false if it is none.
bool find_way(const TypeInfo& from, const TypeInfo& to, std::vector<Up>& way) {
  if (&from == &to) return true;
  for (const TypeInfo::Base& base : from.bases) {
    way.push_back(base.up);
    if (find_way(*base.type, to, way)) return true;
    way.pop_back();
  }
  return false;
}

// A base's function, to be called with the address of an object of the derived type.
FunctionInfo inherited(const FunctionInfo& function, const std::vector<Up>& way) {
  FunctionInfo info = function;
  info.invoke = [invoke = function.invoke, way](Invocation& invocation) {
    void* address = invocation.self.get();
    // Static methods may be called without an object.
    if (address != nullptr) {
      for (const Up up : way) address = up(address);
    }
    Invocation as_base{std::shared_ptr<void>(invocation.self, address),
                       std::move(invocation.arguments), invocation.context, invocation.registry};
    return invoke(as_base);
  };
  return info;
}

void inherit(TypeInfo& type, const TypeInfo& base) {
  std::vector<Up> way;
  find_way(type, base, way);
  const auto is_taken = [&](const std::string& name) {
    return type.methods.contains(name) || type.properties.contains(name);
  };
  for (const auto& [name, method] : base.methods) {
    if (!is_own(base, method) || is_taken(name)) continue;
    type.methods.emplace(name, inherited(method, way));
  }
  for (const auto& [name, property] : base.properties) {
    if (!is_own(base, property.get) || is_taken(name)) continue;
    PropertyInfo copied = property;
    copied.get = inherited(property.get, way);
    if (property.set) copied.set = inherited(*property.set, way);
    type.properties.emplace(name, std::move(copied));
  }
}

}  // namespace

bool is_own(const TypeInfo& type, const FunctionInfo& member) {
  return member.signature->qualified == type.name + "." + member.description.name;
}

std::vector<const TypeInfo*> bases_in_order(const TypeInfo& type) {
  std::vector<Types> lists;
  Types direct;
  for (const TypeInfo::Base& base : type.bases) {
    lists.push_back(bases_in_order(*base.type));
    direct.push_back(base.type);
  }
  lists.push_back(direct);
  Types order{&type};
  while (true) {
    std::erase_if(lists, [](const Types& list) { return list.empty(); });
    if (lists.empty()) return order;
    const TypeInfo* next = next_of(lists);
    if (next == nullptr) {
      throw std::logic_error(type.name +
                             ": its bases are in an order that Python's classes cannot have; name "
                             "a derived type before its own base, or leave that base out");
    }
    order.push_back(next);
    for (Types& list : lists) std::erase(list, next);
  }
}

void inherit_members(TypeInfo& type) {
  const auto order = bases_in_order(type);
  std::erase_if(type.methods, [&](const auto& named) { return !is_own(type, named.second); });
  std::erase_if(type.properties,
                [&](const auto& named) { return !is_own(type, named.second.get); });
  for (const TypeInfo* base : order) {
    if (base != &type) inherit(type, *base);
  }
}

}  // namespace cppipc::detail
