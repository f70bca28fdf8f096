// SPDX-License-Identifier: Apache-2.0
#include <cppipc/registry.h>

#include "values/demangle.h"
#include "values/naming.h"

namespace cppipc::detail {
namespace {

// Whether a member was registered for this type itself rather than taken over from a base.
bool is_own(const TypeInfo& type, const FunctionInfo& member) {
  return member.signature->qualified == type.name + "." + member.description.name;
}

// A base's function, to be called with the address of an object of the derived type.
FunctionInfo inherited(const FunctionInfo& function, void* (*up)(void*)) {
  FunctionInfo info = function;
  info.invoke = [invoke = function.invoke, up](Invocation& invocation) {
    Invocation as_base{std::shared_ptr<void>(invocation.self, up(invocation.self.get())),
                       std::move(invocation.arguments), invocation.context, invocation.registry};
    return invoke(as_base);
  };
  return info;
}

}  // namespace

void TypeBuilderBase::check_member(std::string_view name) const {
  const auto clash = [&](std::string_view kind) {
    throw std::logic_error(type_->name + " has a " + std::string(kind) + " '" + std::string(name) +
                           "' already");
  };
  const auto method = type_->methods.find(name);
  if (method != type_->methods.end() && is_own(*type_, method->second)) clash("method");
  const auto property = type_->properties.find(name);
  if (property != type_->properties.end() && is_own(*type_, property->second.get)) {
    clash("property");
  }
  // What a base had under that name is replaced, whichever of the two it was.
  if (method != type_->methods.end()) type_->methods.erase(method);
  if (property != type_->properties.end()) type_->properties.erase(property);
}

void TypeBuilderBase::add_constructor(Adapted adapted, Extras extras) {
  if (type_->constructor) throw std::logic_error(type_->name + " has a constructor already");
  type_->constructor = make_function_info({type_->name, type_->name}, std::move(adapted),
                                          std::move(extras), *registry_);
  last_ = &*type_->constructor;
  last_setter_ = nullptr;
}

void TypeBuilderBase::add_method(std::string_view name, Adapted adapted, Extras extras) {
  const std::string qualified = type_->name + "." + std::string(name);
  check_identifier(name, type_->name + ": method");
  FunctionInfo info = make_function_info({std::string(name), qualified}, std::move(adapted),
                                         std::move(extras), *registry_);
  check_member(name);
  last_ = &type_->methods.emplace(name, std::move(info)).first->second;
  last_setter_ = nullptr;
}

void TypeBuilderBase::add_property(std::string_view name, Adapted getter, Adapted* setter,
                                   Extras extras) {
  check_identifier(name, type_->name + ": property");
  const FunctionName full{std::string(name), type_->name + "." + std::string(name), true};
  if (!extras.args.empty()) throw std::logic_error(full.qualified + ": properties take no arg()");
  PropertyInfo info;
  info.description = {full.name, extras.doc, {}, setter != nullptr};
  info.get = make_function_info(full, std::move(getter), extras, *registry_);
  if (setter != nullptr) {
    Extras with_value = extras;
    with_value.add(Arg("value"));
    info.set = make_function_info(full, std::move(*setter), std::move(with_value), *registry_);
  }
  check_member(name);
  PropertyInfo& added = type_->properties.emplace(name, std::move(info)).first->second;
  last_ = &added.get;
  last_setter_ = added.set ? &*added.set : nullptr;
}

void TypeBuilderBase::add_base(std::type_index base, void* (*up)(void*), void* (*down)(void*)) {
  TypeInfo* info = registry_->find_type_to_change(base);
  if (info == nullptr) {
    throw std::logic_error(type_->name + ": its base " + type_name(base) +
                           " is not registered; register it first");
  }
  for (const TypeInfo::Base& other : type_->bases) {
    if (other.type == info)
      throw std::logic_error(type_->name + " has base " + info->name + " twice");
  }
  type_->bases.push_back({info, up, down});
  info->derived.push_back(type_);
  const auto is_taken = [&](const std::string& name) {
    return type_->methods.contains(name) || type_->properties.contains(name);
  };
  for (const auto& [name, method] : info->methods) {
    if (!is_taken(name)) type_->methods.emplace(name, inherited(method, up));
  }
  for (const auto& [name, property] : info->properties) {
    if (is_taken(name)) continue;
    PropertyInfo copied = property;
    copied.get = inherited(property.get, up);
    if (property.set) copied.set = inherited(*property.set, up);
    type_->properties.emplace(name, std::move(copied));
  }
}

void TypeBuilderBase::set_saving(SaveInfo saving) {
  const std::string name = quote(type_->name);
  if (saving.version == 0) throw std::logic_error(name + ": versions of saved objects begin at 1");
  if (type_->saving) throw std::logic_error(name + " says twice how it is saved");
  type_->saving = std::make_shared<const SaveInfo>(std::move(saving));
}

void TypeBuilderBase::set_thread_safe() { type_->is_thread_safe = true; }

void TypeBuilderBase::set_blocking() {
  if (last_ == nullptr) {
    throw std::logic_error(type_->name + ": blocking() follows the method it is about");
  }
  last_->is_blocking = true;
  if (last_setter_ != nullptr) last_setter_->is_blocking = true;
}

}  // namespace cppipc::detail
