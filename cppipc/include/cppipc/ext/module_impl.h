// SPDX-License-Identifier: Apache-2.0
#pragma once
// The functions of <cppipc/ext/module.h>. Included by it; not to be included directly.

#include <cppipc/ext/module.h>

namespace cppipc::ext {
namespace detail {

// Errors: as Module's.
CPPIPC_EXT_COLD inline void FunctionEntry::finish(Store& store) {
  const auto fail = [&](const std::string& text) {
    throw Error(ErrorKind::kToolkit, qualified + ": " + text);
  };
  try {
    result = adapted.result();
    for (const ParameterType* parameter : expected) types.push_back(parameter->spell());
  } catch (const Error& error) {
    fail(error.what());
  }
  // With room for all, so that nothing moves.
  defaults.reserve(args.size());
  parameters.reserve(args.size());
  for (std::size_t i = 0; i < args.size(); ++i) {
    cppipc_parameter& parameter = parameters.emplace_back();
    parameter.size = sizeof parameter;
    parameter.name = text_of(args[i].name());
    parameter.type = text_of(types[i]);
    if (args[i].has_default()) {
      const Place place(args[i].name());
      try {
        defaults.push_back(args[i].make_default(store, place));
        expected.data()[i]->check(defaults.back(), place);
      } catch (const Error& error) {
        fail("the default of parameter '" + args[i].name() + "' does not convert: " + error.what());
      }
      parameter.default_value = &defaults.back();
    }
    list.push_back(&parameter);
  }
  table.size = sizeof table;
  table.name = text_of(name);
  table.doc = text_of(doc);
  table.result = text_of(result);
  table.parameter_count = list.size();
  table.parameters = list.data();
  table.data = adapted.data;
  table.invoke = adapted.invoke;
}

}  // namespace detail

CPPIPC_EXT_COLD inline detail::FunctionEntry& Module::add(std::string_view name,
                                                          const std::string& owner,
                                                          detail::Adapted adapted,
                                                          detail::Extras extras) {
  detail::FunctionEntry& entry = detail::immortal<detail::FunctionEntry>();
  entries_.push_back(&entry);
  entry.name = name;
  entry.qualified = name_ + "." + (owner.empty() ? owner : owner + ".") + entry.name;
  entry.adapted = std::move(adapted);
  if (entry.adapted.is_static) entry.table.flags |= CPPIPC_STATIC;
  for (std::size_t i = 0; i < extras.size; ++i) {
    const detail::Extra& extra = extras.data[i];
    if (extra.arg != nullptr) {
      entry.args.push_back(*extra.arg);
    } else if (extra.is_blocking) {
      entry.table.flags |= CPPIPC_BLOCKING;
    } else {
      entry.doc = extra.doc;
    }
  }
  for (std::size_t i = 0; i < entry.adapted.parameter_count; ++i) {
    const detail::ParameterType& parameter = entry.adapted.parameters[i];
    if (parameter.spell != nullptr) entry.expected.push_back(&parameter);
  }
  const std::size_t expected = entry.expected.size();
  if (entry.args.size() != expected) {
    throw Error(ErrorKind::kToolkit, entry.qualified + ": has " + std::to_string(expected) +
                                         " parameter" + (expected == 1 ? "" : "s") + " but " +
                                         std::to_string(entry.args.size()) + " arg()");
  }
  return entry;
}

CPPIPC_EXT_COLD inline void Module::add_function(std::string_view name, detail::Adapted adapted,
                                                 detail::Extras extras) {
  function_list_.push_back(&add(name, {}, std::move(adapted), extras).table);
}

CPPIPC_EXT_COLD inline void Module::add_property(detail::TypeParts& type,
                                                 detail::FunctionEntry& get,
                                                 detail::FunctionEntry* set) {
  cppipc_property& property = detail::immortal<cppipc_property>();
  property.size = sizeof property;
  property.get = &get.table;
  property.set = set == nullptr ? nullptr : &set->table;
  type.property_list.push_back(&property);
}

CPPIPC_EXT_COLD inline detail::TypeParts& Module::add_type(std::string_view name,
                                                           std::string_view doc, bool is_known,
                                                           const std::type_info& type) {
  if (is_known) {
    throw Error(ErrorKind::kToolkit,
                detail::joined({"type '", name, "': C++ type ", detail::type_name(type),
                                " is registered already"}));
  }
  detail::TypeParts& parts = detail::immortal<detail::TypeParts>();
  types_.push_back(&parts);
  parts.name = name;
  parts.doc = doc;
  parts.entry.qualified = detail::joined({name_, ".", parts.name});
  detail::dynamic_types().emplace_back(type, &parts.entry);
  return parts;
}

CPPIPC_EXT_COLD inline detail::EnumEntry& Module::add_enumeration(std::string_view name,
                                                                  detail::EnumEntry entry,
                                                                  std::string_view doc) {
  EnumParts& parts = detail::immortal<EnumParts>();
  parts.name = name;
  parts.doc = doc;
  parts.entry = std::move(entry);
  parts.entry.qualified = detail::joined({name_, ".", parts.name});
  for (const auto& [member, value] : parts.entry.members) {
    parts.names.push_back(detail::text_of(member));
    parts.values.push_back(value);
  }
  parts.table.size = sizeof parts.table;
  parts.table.name = detail::text_of(parts.name);
  parts.table.doc = detail::text_of(parts.doc);
  parts.table.member_count = parts.names.size();
  parts.table.names = parts.names.data();
  parts.table.values = parts.values.data();
  enumeration_list_.push_back(&parts.table);
  return parts.entry;
}

CPPIPC_EXT_COLD inline const cppipc_extension& Module::finish() {
  for (detail::FunctionEntry* entry : entries_) entry->finish(store_);
  for (detail::TypeParts* parts : types_) {
    detail::TypeParts& type = *parts;
    cppipc_type& table = type.entry.table;
    table.size = sizeof table;
    table.name = detail::text_of(type.name);
    table.doc = detail::text_of(type.doc);
    table.copy_share = &detail::copy_share;
    table.drop_share = &detail::drop_share;
    if (type.constructor != nullptr) table.constructor = &type.constructor->table;
    table.method_count = type.method_list.size();
    table.methods = type.method_list.data();
    table.property_count = type.property_list.size();
    table.properties = type.property_list.data();
    type_list_.push_back(&table);
  }
  table_.size = sizeof table_;
  table_.version = CPPIPC_ABI_VERSION;
  table_.name = detail::text_of(name_);
  table_.doc = detail::text_of(doc_);
  table_.function_count = function_list_.size();
  table_.functions = function_list_.data();
  table_.type_count = type_list_.size();
  table_.types = type_list_.data();
  table_.enumeration_count = enumeration_list_.size();
  table_.enumerations = enumeration_list_.data();
  return table_;
}

namespace detail {

// What the entry point does. Nothing of it is ever destroyed: objects and functions of the
// extension are used until the process has ended.
__attribute__((visibility("hidden"))) inline const cppipc_extension* enter(
    const cppipc_host* host, const char* name, void (*define)(Module&)) noexcept {
  static cppipc_extension unfinished = {};
  unfinished.size = sizeof unfinished;
  unfinished.version = CPPIPC_ABI_VERSION;
  if (host->version != CPPIPC_ABI_VERSION) return &unfinished;
  host_slot() = host;
  try {
    static Module& module = immortal<Module>(name);
    define(module);
    return &module.finish();
  } catch (...) {
    unfinished.failure = current_failure();
    return &unfinished;
  }
}

}  // namespace detail
}  // namespace cppipc::ext
