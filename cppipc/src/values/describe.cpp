// SPDX-License-Identifier: Apache-2.0
// A registry as plain data. C++ types are spelt out here and not when they are registered, because
// a type may be used before it has its name.
#include <cppipc/registry.h>

#include "values/bases.h"

#include <algorithm>

namespace cppipc {
namespace {

FunctionDescription describe_one(const FunctionInfo& function, const Registry& registry) {
  const detail::Signature& signature = *function.signature;
  const detail::Speller speller(&registry, true);
  FunctionDescription description = function.description;
  try {
    for (std::size_t i = 0; i < signature.parameters.size(); ++i) {
      const detail::Spell spell = signature.parameters[i].type.spell;
      if (spell != nullptr) description.parameters[i].type = spell(speller);
    }
    if (signature.result != nullptr) description.result = signature.result(speller);
  } catch (const std::logic_error& error) {
    throw std::logic_error(signature.qualified + ": " + error.what());
  }
  return description;
}

FunctionDescription describe(const FunctionInfo& function, const Registry& registry) {
  FunctionDescription description = describe_one(function, registry);
  if (!function.overloads) return description;
  for (std::size_t i = 1; i < function.overloads->size(); ++i) {
    description.overloads.push_back(describe_one((*function.overloads)[i], registry));
  }
  return description;
}

PropertyDescription describe(const PropertyInfo& property, const Registry& registry) {
  PropertyDescription description = property.description;
  description.type = describe(property.get, registry).result;
  if (property.set) (void)describe(*property.set, registry);  // for its errors
  return description;
}

SettingDescription describe(const SettingInfo& setting, const Registry& registry) {
  SettingDescription description = setting.description;
  description.type = describe(setting.get, registry).result;
  if (setting.set) (void)describe(*setting.set, registry);  // for its errors
  return description;
}

TypeDescription describe(const TypeInfo& type, const Registry& registry) {
  TypeDescription description;
  description.name = type.name;
  description.doc = type.doc;
  if (type.constructor) {
    description.constructor = describe(*type.constructor, registry);
    description.constructor->result = type.name;
    for (auto& overload : description.constructor->overloads) overload.result = type.name;
  }
  for (const TypeInfo::Base& base : type.bases) description.bases.push_back(base.type->name);
  for (const auto& [name, method] : type.methods) {
    if (detail::is_own(type, method)) description.methods.push_back(describe(method, registry));
  }
  for (const auto& [name, property] : type.properties) {
    if (detail::is_own(type, property.get))
      description.properties.push_back(describe(property, registry));
  }
  return description;
}

}  // namespace

Description Registry::describe(std::string version) const {
  Description description;
  description.version = std::move(version);
  for (const auto& [name, type] : types_) {
    description.types.push_back(cppipc::describe(type, *this));
  }
  for (const auto& [name, function] : functions_) {
    description.functions.push_back(cppipc::describe(function, *this));
  }
  for (const auto& [name, setting] : settings_) {
    description.settings.push_back(cppipc::describe(setting, *this));
  }
  for (const auto& [type, enumeration] : enumerations_) {
    description.enumerations.push_back(enumeration);
  }
  std::sort(description.enumerations.begin(), description.enumerations.end(),
            [](const EnumInfo& a, const EnumInfo& b) { return a.name < b.name; });
  for (const ExceptionInfo& info : exceptions_) description.exceptions.push_back(info.description);
  std::ranges::sort(description.exceptions, {}, &ExceptionDescription::name);
  return description;
}

}  // namespace cppipc
