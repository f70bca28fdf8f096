// SPDX-License-Identifier: Apache-2.0
#pragma once
// The names of C++ types as a programmer writes them.

#include <string>
#include <typeindex>

namespace cppipc::detail {

// "int", "std::string", "app::Model"; the mangled name if it cannot be taken apart.
std::string demangle(const char* mangled);
std::string type_name(std::type_index type);

}  // namespace cppipc::detail
