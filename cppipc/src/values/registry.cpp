// SPDX-License-Identifier: Apache-2.0
#include <cppipc/callable.h>
#include <cppipc/iterator.h>
#include <cppipc/registry.h>

#include "values/demangle.h"
#include "values/naming.h"
#include "values/overloads.h"

#include <algorithm>

namespace cppipc {
namespace {

// Names with dots make namespaces: "stats" cannot be one and a function too.
template <class T>
void check_free(const std::map<std::string, T, std::less<>>& taken, std::string_view name,
                std::string_view what) {
  const std::string text(name);
  if (taken.contains(name)) {
    throw std::logic_error(std::string(what) + " '" + text + "' is registered twice");
  }
  for (const auto& [other, value] : taken) {
    if (other.starts_with(text + ".") || text.starts_with(other + ".")) {
      throw std::logic_error(std::string(what) + " '" + text + "' clashes with '" + other +
                             "': one is a namespace of the other");
    }
  }
}

}  // namespace

void Registry::check_name_is_free(std::string_view name, std::string_view what) const {
  const auto refuse = [&](std::string_view other) {
    const bool is_same = other.ends_with(what);
    throw std::logic_error(std::string(what) + " '" + std::string(name) + "' is " +
                           (is_same ? "registered twice" : std::string(other) + " already"));
  };
  const auto is_enum = [&](const auto& named) { return named.second.name == name; };
  const auto is_exception = [&](const auto& info) { return info.description.name == name; };
  if (std::ranges::any_of(enumerations_, is_enum)) refuse("an enumeration");
  if (std::ranges::any_of(exceptions_, is_exception)) refuse("an exception");
  check_free(types_, name, what);
}

TypeInfo& Registry::add_type(std::string_view name, std::string_view doc, std::type_index type) {
  detail::check_dotted(name, "type");
  check_name_is_free(name, "type");
  for (const std::string_view taken : {Callable::kTypeName, IteratorSource::kTypeName}) {
    if (name != taken) continue;
    throw std::logic_error(detail::quote(name) + " cannot be the name of a type: it is what " +
                           std::string(name) + "s are");
  }
  if (const TypeInfo* other = find_type(type)) {
    throw std::logic_error("type '" + std::string(name) + "': C++ type " + detail::type_name(type) +
                           " is registered as '" + other->name + "'");
  }
  TypeInfo& info = types_[std::string(name)];
  info.name = name;
  info.doc = doc;
  info.cpp_type = type;
  types_by_cpp_.emplace(type, &info);
  return info;
}

FunctionInfo& Registry::add_function(std::string_view name, detail::Adapted adapted,
                                     detail::Extras extras, bool is_toolkit) {
  const std::string_view what = is_toolkit ? "toolkit" : "function";
  detail::check_dotted(name, what);
  const auto same = functions_.find(name);
  if (same == functions_.end()) check_free(functions_, name, what);
  FunctionInfo info = detail::make_function_info({std::string(name), std::string(name)},
                                                 std::move(adapted), std::move(extras), *this);
  info.description.is_toolkit = is_toolkit;
  if (same != functions_.end()) {
    detail::add_overload(same->second, std::move(info));
    return same->second;
  }
  return functions_.emplace(name, std::move(info)).first->second;
}

void Registry::add_enumeration(EnumInfo info, std::type_index type) {
  detail::check_dotted(info.name, "enumeration");
  check_name_is_free(info.name, "enumeration");
  if (info.members.empty()) {
    throw std::logic_error("enumeration '" + info.name + "' has no members");
  }
  for (auto member = info.members.begin(); member != info.members.end(); ++member) {
    detail::check_identifier(member->first, "enumeration " + info.name + ": member");
    if (member->first == "mro" || member->first.starts_with('_')) {
      throw std::logic_error("enumeration '" + info.name + "': member name '" + member->first +
                             "' is Python's own");
    }
    const auto is_same = [&](const auto& other) { return other.first == member->first; };
    if (std::any_of(info.members.begin(), member, is_same)) {
      throw std::logic_error("enumeration '" + info.name + "' has two members '" + member->first +
                             "'");
    }
  }
  if (enumerations_.contains(type)) {
    throw std::logic_error("enumeration '" + info.name + "' is registered twice");
  }
  enumerations_.emplace(type, std::move(info));
}

TypeInfo* Registry::find_type_to_change(std::type_index type) {
  const auto found = types_by_cpp_.find(type);
  return found == types_by_cpp_.end() ? nullptr : found->second;
}

const TypeInfo* Registry::find_type(std::string_view name) const {
  const auto found = types_.find(name);
  return found == types_.end() ? nullptr : &found->second;
}

const TypeInfo* Registry::find_type(std::type_index type) const {
  const auto found = types_by_cpp_.find(type);
  return found == types_by_cpp_.end() ? nullptr : found->second;
}

const FunctionInfo* Registry::find_function(std::string_view name) const {
  const auto found = functions_.find(name);
  return found == functions_.end() ? nullptr : &found->second;
}

const FunctionInfo* Registry::find_static_method(std::string_view name) const {
  const std::size_t colons = name.find("::");
  if (colons == std::string_view::npos) return nullptr;
  const TypeInfo* type = find_type(name.substr(0, colons));
  if (type == nullptr) return nullptr;
  const auto method = type->methods.find(name.substr(colons + 2));
  const bool is_static = method != type->methods.end() && method->second.description.is_static;
  return is_static ? &method->second : nullptr;
}

const EnumInfo* Registry::find_enumeration(std::type_index type) const {
  const auto found = enumerations_.find(type);
  return found == enumerations_.end() ? nullptr : &found->second;
}

}  // namespace cppipc
