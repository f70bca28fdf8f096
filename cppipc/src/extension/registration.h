// SPDX-License-Identifier: Apache-2.0
#pragma once
// From the table of an extension to a registry.

#include <cppipc/extension_abi.h>
#include <cppipc/extension_loader.h>
#include <cppipc/registry.h>

#include <map>
#include <memory>
#include <string>

namespace cppipc::detail {

// What load_extension() may do that nobody else may.
class ExtensionLoader {
 public:
  // An Extension with all that `table` offers, by names that begin with the extension's. The table
  // stays as it is until the process ends. Errors: std::logic_error naming the mistake.
  static std::shared_ptr<const Extension> make(std::string path, std::string content_hash,
                                               const cppipc_extension& table);

 private:
  ExtensionLoader(Registry& registry, const cppipc_extension& table);
  void fill();
  void add_type(const cppipc_type& type);
  void add_enumeration(const cppipc_enumeration& enumeration);

  Registry& registry_;
  const cppipc_extension& table_;
  const std::string prefix_;  // "square."
  std::map<const cppipc_type*, TypeInfo*> types_;
};

}  // namespace cppipc::detail
