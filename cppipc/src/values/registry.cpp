// SPDX-License-Identifier: Apache-2.0
#include <cppipc/callable.h>
#include <cppipc/registry.h>

#include "values/demangle.h"
#include "values/naming.h"

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

TypeInfo& Registry::add_type(std::string_view name, std::string_view doc, std::type_index type) {
  detail::check_dotted(name, "type");
  check_free(types_, name, "type");
  if (name == Callable::kTypeName) {
    throw std::logic_error("'function' cannot be the name of a type: it is what functions are");
  }
  for (const auto& [cpp_type, info] : enumerations_) {
    if (info.name == name) {
      throw std::logic_error("type '" + std::string(name) + "' is an enumeration already");
    }
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
  check_free(functions_, name, what);
  FunctionInfo info = detail::make_function_info({std::string(name), std::string(name)},
                                                 std::move(adapted), std::move(extras), *this);
  info.description.is_toolkit = is_toolkit;
  return functions_.emplace(name, std::move(info)).first->second;
}

void Registry::add_enumeration(EnumInfo info, std::type_index type) {
  detail::check_dotted(info.name, "enumeration");
  check_free(types_, info.name, "enumeration");
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
  const auto is_named = [&](const auto& other) { return other.second.name == info.name; };
  if (enumerations_.contains(type) ||
      std::any_of(enumerations_.begin(), enumerations_.end(), is_named)) {
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

const EnumInfo* Registry::find_enumeration(std::type_index type) const {
  const auto found = enumerations_.find(type);
  return found == enumerations_.end() ? nullptr : &found->second;
}

}  // namespace cppipc
