// SPDX-License-Identifier: Apache-2.0
#pragma once
// Which names a registry takes, and how functions are put together while one is being filled.

#include <cppipc/registry.h>

#include <memory>
#include <string>
#include <string_view>

namespace cppipc::detail {

// Errors: std::logic_error unless `name` is an identifier of Python and no keyword. `what` says
// what is being named, e.g. "method".
void check_identifier(std::string_view name, std::string_view what);
// The same for identifiers joined by dots.
void check_dotted(std::string_view name, std::string_view what);

// Whether it is one of Python's own methods, that Python looks for in classes: "__len__".
bool is_special(std::string_view name);
// Errors: std::logic_error if a name has that form and no registered method can have it.
void check_special(std::string_view name, std::string_view type);

// What is registered, as messages call it.
struct FunctionName {
  std::string name;       // "increment"
  std::string qualified;  // "Counter.increment"
  bool is_property = false;
  bool is_setting = false;
};

// Errors: std::logic_error naming the function, for a wrong count of args, names that are no
// identifiers or appear twice, a default that does not convert or that a required one follows.
FunctionInfo make_function_info(FunctionName name, Adapted adapted, Extras extras,
                                const Registry& registry);

}  // namespace cppipc::detail
