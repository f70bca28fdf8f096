// SPDX-License-Identifier: Apache-2.0
// Which function of a set a call is for: the first that its arguments fit without a conversion,
// else the first that they fit with one.
#include "values/overloads.h"

#include <algorithm>

namespace cppipc::detail {
namespace {

using Overloads = std::vector<FunctionInfo>;

bool has_same_types(const Signature& a, const Signature& b) {
  return a.rest == b.rest &&
         std::ranges::equal(a.parameters, b.parameters,
                            [](const Parameter& left, const Parameter& right) {
                              if (left.type.type == nullptr || right.type.type == nullptr) {
                                return left.type.type == right.type.type;
                              }
                              return *left.type.type == *right.type.type;
                            });
}

const FunctionInfo* find_fitting(const Overloads& overloads, Invocation& invocation) {
  for (const bool is_exact : {true, false}) {
    for (const FunctionInfo& overload : overloads) {
      if (!why_not(*overload.signature, invocation, is_exact)) return &overload;
    }
  }
  return nullptr;
}

[[noreturn]] void refuse_call(const Overloads& overloads, Invocation& invocation) {
  const Arguments& arguments = invocation.arguments;
  const std::size_t positional = arguments.values.size() - arguments.names.size();
  std::string given;
  for (std::size_t i = 0; i < arguments.values.size(); ++i) {
    if (i > 0) given += ", ";
    if (i >= positional) given += arguments.names[i - positional] + "=";
    given += python_type(arguments.values[i]);
  }
  const std::string& name = overloads.front().signature->qualified;
  std::string text = name + "() does not take (" + given + "); it is one of";
  for (const FunctionInfo& overload : overloads) {
    text += "\n  " + signature_text(*overload.signature, invocation.registry) + ": " +
            why_not(*overload.signature, invocation, false).value_or("fits");
  }
  throw Error(ErrorKind::kWrongType, text);
}

Variant invoke_fitting(const Overloads& overloads, Invocation& invocation) {
  const Arguments& arguments = invocation.arguments;
  if (arguments.names.size() > arguments.values.size()) {
    throw Error(ErrorKind::kProtocol, "a call got more names than arguments");
  }
  const FunctionInfo* fitting = find_fitting(overloads, invocation);
  if (fitting == nullptr) refuse_call(overloads, invocation);
  return fitting->invoke(invocation);
}

}  // namespace

void add_overload(FunctionInfo& set, FunctionInfo added) {
  const std::string& name = added.signature->qualified;
  if (set.description.is_toolkit != added.description.is_toolkit) {
    throw std::logic_error("'" + name + "' is registered as a function and as a toolkit");
  }
  if (set.description.is_static != added.description.is_static) {
    throw std::logic_error(name + " is registered both as a static method and as one that needs " +
                           "an object; give them two names");
  }
  auto overloads = std::make_shared<Overloads>();
  if (set.overloads) {
    *overloads = *set.overloads;
  } else {
    overloads->push_back(set);
  }
  for (const FunctionInfo& other : *overloads) {
    if (has_same_types(*other.signature, *added.signature)) {
      throw std::logic_error(name + " is registered twice with the same parameter types");
    }
  }
  set.is_blocking = set.is_blocking || added.is_blocking;
  overloads->push_back(std::move(added));
  set.overloads = overloads;
  set.invoke = [overloads](Invocation& invocation) {
    return invoke_fitting(*overloads, invocation);
  };
}

}  // namespace cppipc::detail
