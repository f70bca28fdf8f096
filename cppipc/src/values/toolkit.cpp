// SPDX-License-Identifier: Apache-2.0
#include <cppipc/registry.h>
#include <cppipc/toolkit.h>

#include <memory>
#include <stdexcept>
#include <utility>

namespace cppipc {
namespace {

// Runs the toolkit and takes its response apart. Errors: kToolkit if it reports failure.
VariantMap run(const ToolkitFunction& function, ToolkitInvocation invocation) {
  ToolkitResponse response = function(invocation);
  if (response.success) return std::move(response.params);
  if (response.message.empty()) {
    response.message = std::string(invocation.name) + "() failed and did not say why";
  }
  throw Error(ErrorKind::kToolkit, std::move(response.message));
}

detail::Adapted adapt(const ToolkitSpecification& specification) {
  detail::Adapted adapted;
  adapted.parameters.is_map = true;
  adapted.parameters.result = &detail::spell<VariantMap>;
  using Rest = detail::Signature::Rest;
  adapted.parameters.rest = specification.required ? Rest::kNone : Rest::kKeywords;
  adapted.parameters.has_declared_rest = true;
  adapted.make = [function = specification.function](
                     std::shared_ptr<const detail::Signature> signature) -> detail::Invoke {
    return [function, signature](Invocation& call) {
      detail::Binding binding(*signature, call);
      return detail::Converter<VariantMap>::store(
          run(function, {signature->qualified, binding.take_map(), call.context}),
          binding.result_place());
    };
  };
  return adapted;
}

detail::Extras extras_of(const ToolkitSpecification& specification) {
  detail::Extras extras;
  extras.add(specification.description);
  if (specification.required) {
    for (const std::string& name : *specification.required) {
      if (specification.default_options.contains(name)) {
        throw std::logic_error("toolkit '" + specification.name + "': '" + name +
                               "' is required and has a default option too");
      }
      extras.add(Arg(name));
    }
  }
  for (const auto& [name, value] : specification.default_options) {
    Arg option(name);
    option = value;
    extras.add(std::move(option));
  }
  return extras;
}

}  // namespace

const Variant& ToolkitInvocation::value(std::string_view param) const {
  const auto found = params.find(param);
  if (found != params.end()) return found->second;
  throw Error(ErrorKind::kWrongType, place(param) + " is missing");
}

std::string ToolkitInvocation::place(std::string_view param) const {
  return std::string(name) + "() parameter '" + std::string(param) + "'";
}

void Registry::toolkits(std::vector<ToolkitSpecification> list, std::string_view prefix) {
  for (const ToolkitSpecification& specification : list) {
    const std::string name =
        prefix.empty() ? specification.name : std::string(prefix) + "." + specification.name;
    if (!specification.function) {
      throw std::logic_error("toolkit '" + name + "' has no function");
    }
    // Unlike functions, maps have no types by which one of several could be chosen.
    if (functions_.contains(name)) {
      throw std::logic_error("toolkit '" + name + "' is registered twice");
    }
    add_function(name, adapt(specification), extras_of(specification), true);
  }
}

}  // namespace cppipc
