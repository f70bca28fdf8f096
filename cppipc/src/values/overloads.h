// SPDX-License-Identifier: Apache-2.0
#pragma once
// Functions of one name.

#include <cppipc/registry.h>

namespace cppipc::detail {

// Makes `set` stand for `added` too. Errors: std::logic_error if one with those parameter types is
// there already, or they do not go together: a toolkit with a function, a static method with one
// that needs an object.
void add_overload(FunctionInfo& set, FunctionInfo added);

}  // namespace cppipc::detail
