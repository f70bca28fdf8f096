// SPDX-License-Identifier: Apache-2.0
#pragma once
// Toolkits in the form of an invocation and a response, listed in specifications.
//
// Registry::toolkits() takes such lists. A toolkit may as well be any function whose result is a
// VariantMap (Registry::toolkit); Python sees no difference.

#include <cppipc/context.h>
#include <cppipc/convert.h>
#include <cppipc/error.h>
#include <cppipc/variant.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cppipc {

// One run of a toolkit: what it was given. Threads: used by the thread that runs the toolkit.
struct ToolkitInvocation {
  std::string_view name;  // of the toolkit
  VariantMap params;      // by name; default options are filled in
  Context& context;       // cancellation, progress and log of the call

  bool has(std::string_view param) const { return params.contains(param); }

  // A parameter as a T, by the rules that parameters of functions follow.
  // Errors: kWrongType, kOverflow or kInvalidArgument naming toolkit and parameter; kWrongType if
  // it is missing.
  template <class T>
  T get(std::string_view param) const {
    return from_variant<T>(value(param), place(param));
  }

 private:
  const Variant& value(std::string_view param) const;
  std::string place(std::string_view param) const;
};

// What a toolkit answers.
struct ToolkitResponse {
  VariantMap params;    // the results, by name; not sent if the toolkit failed
  bool success = true;  // false: the caller gets a ToolkitError
  std::string message;  // its text
};

// May run on several threads at once. What it throws reaches the caller as an error of a toolkit.
using ToolkitFunction = std::function<ToolkitResponse(ToolkitInvocation&)>;

// One toolkit of a registration list.
struct ToolkitSpecification {
  std::string name;  // may have dots
  ToolkitFunction function;
  VariantMap default_options = {};  // what the caller leaves out
  std::string description = {};     // the documentation
  // The parameters that a caller must give. If they are listed, others than these and the default
  // options are refused; without a list the toolkit takes any.
  std::optional<std::vector<std::string>> required = {};
};

}  // namespace cppipc
