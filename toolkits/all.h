// SPDX-License-Identifier: Apache-2.0
#pragma once
// Everything that a server offers by default.

namespace cppipc {
class Registry;
}

namespace cppipc::toolkits {

struct RegisterOptions {
  bool has_diagnostics = false;  // see toolkits/diagnostics.h
};

// Registers every toolkit and type of this folder.
// Errors: std::logic_error if a name is taken.
void register_all(Registry& registry, const RegisterOptions& options = {});

}  // namespace cppipc::toolkits
