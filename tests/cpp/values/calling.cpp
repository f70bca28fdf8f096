// SPDX-License-Identifier: Apache-2.0
#include "values/calling.h"

namespace cppipc::test {
namespace {

Variant invoke(const FunctionInfo& function, std::shared_ptr<void> self, Arguments arguments,
               const Registry& registry) {
  Context context;
  Invocation invocation{std::move(self), std::move(arguments), context, registry};
  return function.invoke(invocation);
}

}  // namespace

Variant call(const Registry& registry, std::string_view function, Arguments arguments) {
  return invoke(*registry.find_function(function), nullptr, std::move(arguments), registry);
}

Variant create(const Registry& registry, std::string_view type, Arguments arguments) {
  return invoke(*registry.find_type(type)->constructor, nullptr, std::move(arguments), registry);
}

Variant call_method(const Registry& registry, const Variant& object, std::string_view method,
                    Arguments arguments) {
  const LocalObject& target = local(object);
  const auto found = target.type().methods.find(method);
  if (found == target.type().methods.end()) throw std::out_of_range(std::string(method));
  return invoke(found->second, target.instance(), std::move(arguments), registry);
}

Variant get(const Registry& registry, const Variant& object, std::string_view property) {
  const LocalObject& target = local(object);
  return invoke(target.type().properties.find(property)->second.get, target.instance(), {},
                registry);
}

void set(const Registry& registry, const Variant& object, std::string_view property,
         Variant value) {
  const LocalObject& target = local(object);
  Arguments arguments;
  arguments.values.push_back(std::move(value));
  (void)invoke(target.type().properties.find(property)->second.set.value(), target.instance(),
               std::move(arguments), registry);
}

const LocalObject& local(const Variant& object) {
  return dynamic_cast<const LocalObject&>(*object.as<ObjectPtr>());
}

std::string refusal(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return std::string(name_of(error.kind())) + ": " + error.what();
  } catch (const std::logic_error& error) {
    return std::string("logic: ") + error.what();
  }
  return "nothing";
}

}  // namespace cppipc::test
