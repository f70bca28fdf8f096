// SPDX-License-Identifier: Apache-2.0
#include <cppipc/registry.h>

#include "values/bases.h"
#include "values/demangle.h"
#include "values/naming.h"
#include "values/once.h"
#include "values/overloads.h"

namespace cppipc::detail {
namespace {

// What a constructor is for that gives the one object there is, of the server or of a session.
std::function<Variant(Invocation&)> once_invoke(std::function<Variant(Invocation&)> make,
                                                std::string type, bool is_per_session) {
  auto once = std::make_shared<Once>();
  return [make = std::move(make), type = std::move(type), once,
          is_per_session](Invocation& invocation) {
    std::shared_ptr<Once> own = once;
    if (is_per_session) {
      const auto& objects = invocation.context.session_objects;
      if (!objects) throw Error(ErrorKind::kRemote, "a " + type + " belongs to a session");
      own = objects->of(once);
    }
    return own->get([&] { return make(invocation); }, invocation.context, type);
  };
}

}  // namespace

void TypeBuilderBase::check_open(std::string_view what) const {
  if (type_->derived.empty()) return;
  throw std::logic_error(type_->name + ": " + std::string(what) +
                         " comes too late: " + type_->derived.front()->name +
                         ", which derives from it, has been registered already");
}

FunctionInfo* TypeBuilderBase::find_own_method(std::string_view name) const {
  const auto clash = [&](std::string_view kind) {
    throw std::logic_error(type_->name + " has a " + std::string(kind) + " '" + std::string(name) +
                           "' already");
  };
  const auto property = type_->properties.find(name);
  if (property != type_->properties.end() && is_own(*type_, property->second.get)) {
    clash("property");
  }
  const auto method = type_->methods.find(name);
  if (method != type_->methods.end() && is_own(*type_, method->second)) return &method->second;
  // What a base had under that name is replaced, whichever of the two it was.
  if (method != type_->methods.end()) type_->methods.erase(method);
  if (property != type_->properties.end()) type_->properties.erase(property);
  return nullptr;
}

void TypeBuilderBase::add_constructor(Adapted adapted, Extras extras) {
  FunctionInfo info = make_function_info({type_->name, type_->name}, std::move(adapted),
                                         std::move(extras), *registry_);
  if (type_->is_made_once) {
    throw std::logic_error(type_->name + " has a constructor already, that of its one object");
  }
  if (type_->constructor) {
    add_overload(*type_->constructor, std::move(info));
  } else {
    type_->constructor = std::move(info);
  }
  last_ = &*type_->constructor;
  last_setter_ = nullptr;
}

void TypeBuilderBase::add_once(Adapted adapted, Extras extras, bool is_per_session) {
  if (type_->constructor) throw std::logic_error(type_->name + " has a constructor already");
  if (!adapted.parameters.types.empty() || adapted.parameters.rest != Signature::Rest::kNone) {
    throw std::logic_error(type_->name + ": what makes its one object takes no parameters");
  }
  add_constructor(std::move(adapted), std::move(extras));
  type_->is_made_once = true;
  FunctionInfo& info = *type_->constructor;
  info.invoke = once_invoke(std::move(info.invoke), type_->name, is_per_session);
}

void TypeBuilderBase::add_method(std::string_view name, Adapted adapted, Extras extras) {
  const std::string qualified = type_->name + "." + std::string(name);
  check_identifier(name, type_->name + ": method");
  check_special(name, type_->name);
  check_open("method " + quote(name));
  // Python's own methods are looked for in the class and called with an object.
  if (is_special(name)) adapted.is_static = false;
  FunctionInfo info = make_function_info({std::string(name), qualified}, std::move(adapted),
                                         std::move(extras), *registry_);
  last_setter_ = nullptr;
  last_ = find_own_method(name);
  if (last_ != nullptr) return add_overload(*last_, std::move(info));
  last_ = &type_->methods.emplace(name, std::move(info)).first->second;
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
  check_open("property " + quote(name));
  if (find_own_method(name) != nullptr) {
    throw std::logic_error(type_->name + " has a method '" + full.name + "' already");
  }
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
  check_open("base " + quote(info->name));
  type_->bases.push_back({info, up, down});
  inherit_members(*type_);
  info->derived.push_back(type_);
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
