// SPDX-License-Identifier: Apache-2.0
// Loaded extensions stay: their code runs destructors of objects, threads of its own and whatever
// it gave to exit handlers, at times that nobody here knows of. So no library whose entry point was
// called is ever unloaded, and an Extension is kept to be given again to who loads the same bytes.
#include <cppipc/extension_loader.h>

#include <cppipc/error.h>

#include "extension/call.h"
#include "extension/library.h"
#include "extension/registration.h"
#include "extension/services.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <utility>

namespace cppipc {
namespace {

using detail::LibraryCopy;

struct Loaded {
  std::mutex mutex;
  std::map<std::string, std::shared_ptr<const Extension>> by_hash;  // guarded by the mutex
};

// Never destroyed, as the code of the extensions is not.
Loaded& all_loaded() {
  static auto* const loaded = std::make_unique<Loaded>().release();
  return *loaded;
}

std::string about(const LibraryCopy& library) {
  return "extension '" + library.file().string() + "'";
}

// The error that its entry point reported: a mistake that the layer found, or an exception.
[[noreturn]] void fail_entry(const LibraryCopy& library, cppipc_failure failure) {
  const std::unique_ptr<cppipc_handle, void (*)(cppipc_handle*)> owner(failure, &detail::release);
  cppipc_error told = {};
  detail::extension_host().error_of(failure, &told);
  const std::string text(detail::view(told.text));
  if (told.kind == CPPIPC_TOOLKIT) {
    throw Error(ErrorKind::kToolkit, about(library) + ": " + text);
  }
  Error error(ErrorKind::kRemote, about(library) + " failed while it was loaded: " + text);
  error.thrown_type = detail::view(told.thrown_type);
  throw Error(std::move(error));
}

const cppipc_extension& call_entry(const LibraryCopy& library, detail::Entry entry) {
  const cppipc_extension* table = entry(&detail::extension_host());
  if (table == nullptr) {
    throw Error(ErrorKind::kRemote, about(library) + " failed while it was loaded, without words");
  }
  if (table->version != CPPIPC_ABI_VERSION) {
    throw Error(ErrorKind::kNotSupported, about(library) + " was built for version " +
                                              std::to_string(table->version) +
                                              " of the boundary, and this server has version " +
                                              std::to_string(CPPIPC_ABI_VERSION) +
                                              "; build it again with the headers of this server");
  }
  if (table->failure != nullptr) fail_entry(library, table->failure);
  return *table;
}

}  // namespace

std::vector<std::string> Extension::names() const {
  std::vector<std::string> names;
  const Description description = registry_.describe("");
  for (const auto& type : description.types) names.push_back(type.name);
  for (const auto& function : description.functions) names.push_back(function.name);
  for (const auto& enumeration : description.enumerations) names.push_back(enumeration.name);
  std::sort(names.begin(), names.end());
  return names;
}

std::shared_ptr<const Extension> load_extension(const std::filesystem::path& file) {
  const LibraryCopy library(file);
  Loaded& all = all_loaded();
  const std::lock_guard lock(all.mutex);
  if (const auto found = all.by_hash.find(library.hash()); found != all.by_hash.end()) {
    return found->second;
  }
  const cppipc_extension& table = call_entry(library, library.load());
  std::shared_ptr<const Extension> extension;
  try {
    extension = detail::ExtensionLoader::make(library.file().string(), library.hash(), table);
  } catch (const std::logic_error& error) {
    throw Error(ErrorKind::kToolkit, about(library) + ": " + error.what());
  }
  all.by_hash.emplace(library.hash(), extension);
  return extension;
}

}  // namespace cppipc
