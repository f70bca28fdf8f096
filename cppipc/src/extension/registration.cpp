// SPDX-License-Identifier: Apache-2.0
// Makes by hand what templates make of C++ types elsewhere: signatures with types that are text,
// and closures that call through the boundary.
#include "extension/registration.h"

#include "extension/call.h"
#include "extension/take.h"
#include "extension/views.h"
#include "values/naming.h"

#include <deque>
#include <memory>
#include <typeinfo>
#include <utility>
#include <vector>

namespace cppipc::detail {
namespace {

// The types of extensions have no C++ type here, but registries and conversions know types by one.
// So each gets one, that is equal to itself and to nothing else: by the C++ ABI a name that begins
// with a star is compared by its address.
class MadeType final : public std::type_info {
 public:
  explicit MadeType(const std::string& name)
      : MadeType(std::make_unique<std::string>("*" + name)) {}

 private:
  explicit MadeType(std::unique_ptr<std::string> name)
      : std::type_info(name->c_str()), name_(std::move(name)) {}
  std::unique_ptr<std::string> name_;
};

// Never destroyed, as the descriptions that refer to it. Only one thread loads at a time.
std::type_index make_type(const std::string& name) {
  static auto* const types = std::make_unique<std::deque<MadeType>>().release();
  return types->emplace_back(name);
}

std::string text(const cppipc_text& from) { return std::string(view(from)); }

TypedParameters parameters_of(const cppipc_function& function) {
  TypedParameters parameters;
  parameters.types.resize(function.parameter_count);
  return parameters;
}

Extras extras_of(const cppipc_function& function) {
  Extras extras;
  if (function.doc.size > 0) extras.add(view(function.doc));
  if ((function.flags & CPPIPC_BLOCKING) != 0) extras.add(Blocking());
  for (std::size_t i = 0; i < function.parameter_count; ++i) {
    const cppipc_parameter& parameter = *function.parameters[i];
    Arg arg(view(parameter.name));
    if (parameter.default_value != nullptr) arg = take_value(*parameter.default_value, Place());
    extras.add(std::move(arg));
  }
  return extras;
}

// `type` is the type whose method it is, or null.
Adapted adapt(const cppipc_function& function, const cppipc_type* type) {
  const cppipc_type* self = (function.flags & CPPIPC_STATIC) != 0 ? nullptr : type;
  return {parameters_of(function),
          [&function, self](std::shared_ptr<const Signature> signature) {
            return [&function, self, signature](Invocation& invocation) {
              return run(function, *signature, self, invocation);
            };
          },
          type != nullptr && self == nullptr};
}

// The types of parameters and result, which are text.
// Errors: std::logic_error for the second function of a name.
void set_types(FunctionInfo& info, const cppipc_function& function) {
  if (info.overloads) {
    throw std::logic_error(info.signature->qualified +
                           ": functions of extensions have no overloads; use another name");
  }
  for (std::size_t i = 0; i < function.parameter_count; ++i) {
    info.description.parameters[i].type = text(function.parameters[i]->type);
  }
  info.description.result = text(function.result);
}

// What a TypeBuilder does, for functions that are tables.
class TableBuilder : public TypeBuilderBase {
 public:
  TableBuilder(Registry& registry, TypeInfo& type, const cppipc_type& table)
      : TypeBuilderBase(registry, type), info_(&type), table_(&table) {}

  void add_base_of(const TypeInfo& base) { add_base(base.cpp_type, table_->up, nullptr); }

  void add_constructor_of(const cppipc_function& function) {
    add_constructor(adapt(function, nullptr), extras_of(function));
    set_types(*info_->constructor, function);
  }

  void add_method_of(const cppipc_function& function) {
    const std::string name = text(function.name);
    add_method(name, adapt(function, table_), extras_of(function));
    set_types(info_->methods.at(name), function);
  }

  void add_property_of(const cppipc_property& property) {
    const std::string name = text(property.get->name);
    const bool is_writable = property.set != nullptr;
    Adapted setter = is_writable ? adapt(*property.set, table_) : Adapted();
    add_property(name, adapt(*property.get, table_), is_writable ? &setter : nullptr,
                 extras_of(*property.get));
    PropertyInfo& info = info_->properties.at(name);
    set_types(info.get, *property.get);
    if (info.set) set_types(*info.set, *property.set);
  }

  void finish() {
    if ((table_->flags & CPPIPC_THREAD_SAFE) != 0) set_thread_safe();
  }

 private:
  TypeInfo* info_;
  const cppipc_type* table_;
};

}  // namespace

ExtensionLoader::ExtensionLoader(Registry& registry, const cppipc_extension& table)
    : registry_(registry), table_(table), prefix_(text(table.name) + ".") {}

void ExtensionLoader::add_type(const cppipc_type& type) {
  const std::string name = prefix_ + text(type.name);
  TypeInfo& info = registry_.add_type(name, view(type.doc), make_type(name));
  types_.emplace(&type, &info);
  TableBuilder builder(registry_, info, type);
  if (type.base != nullptr) {
    const auto base = types_.find(type.base);
    if (base == types_.end()) {
      throw std::logic_error(name + ": its base " + text(type.base->name) +
                             " is not registered; register it first");
    }
    builder.add_base_of(*base->second);
  }
  if (type.constructor != nullptr) builder.add_constructor_of(*type.constructor);
  for (std::size_t i = 0; i < type.method_count; ++i) builder.add_method_of(*type.methods[i]);
  for (std::size_t i = 0; i < type.property_count; ++i) {
    builder.add_property_of(*type.properties[i]);
  }
  builder.finish();
}

void ExtensionLoader::add_enumeration(const cppipc_enumeration& enumeration) {
  EnumInfo info{prefix_ + text(enumeration.name), text(enumeration.doc), {}};
  for (std::size_t i = 0; i < enumeration.member_count; ++i) {
    info.members.emplace_back(text(enumeration.names[i]), enumeration.values[i]);
  }
  const std::type_index type = make_type(info.name);
  registry_.add_enumeration(std::move(info), type);
}

void ExtensionLoader::fill() {
  for (std::size_t i = 0; i < table_.enumeration_count; ++i) {
    add_enumeration(*table_.enumerations[i]);
  }
  for (std::size_t i = 0; i < table_.type_count; ++i) add_type(*table_.types[i]);
  for (std::size_t i = 0; i < table_.function_count; ++i) {
    const cppipc_function& function = *table_.functions[i];
    FunctionInfo& info = registry_.add_function(
        prefix_ + text(function.name), adapt(function, nullptr), extras_of(function), false);
    set_types(info, function);
  }
  (void)registry_.describe("");  // for its errors
}

std::shared_ptr<const Extension> ExtensionLoader::make(std::string path, std::string content_hash,
                                                       const cppipc_extension& table) {
  // The constructor is for derived classes, and so is make_shared.
  struct Made : Extension {};
  const std::shared_ptr<Extension> made = std::make_shared<Made>();
  check_identifier(view(table.name), "extension");
  made->name_ = text(table.name);
  made->doc_ = text(table.doc);
  made->path_ = std::move(path);
  made->content_hash_ = std::move(content_hash);
  ExtensionLoader loader(made->registry_, table);
  loader.fill();
  for (const auto& [type, info] : loader.types_) set_registered_type(*type, *info);
  return made;
}

}  // namespace cppipc::detail
