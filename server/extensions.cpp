// SPDX-License-Identifier: Apache-2.0
#include "server/extensions.h"

#include <cppipc/extension_loader.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <system_error>

#include "server/call_history.h"

namespace cppipc::server {
namespace {

namespace fs = std::filesystem;

// The file itself, without symbolic links. Errors: kInputOutput naming it.
fs::path real_path(const fs::path& file) {
  std::error_code failure;
  fs::path real = fs::canonical(file, failure);
  if (!failure) return real;
  Error error(ErrorKind::kInputOutput,
              "cannot load extension " + file.string() + ": " + failure.message());
  error.error_number = failure.value();
  throw error;
}

// A file of `dir`, which has no symbolic links in it. Errors: kNotPermitted; kInputOutput.
fs::path inside(const fs::path& dir, const std::string& path) {
  const auto refuse = [&] {
    throw Error(ErrorKind::kNotPermitted, "this server loads extensions from " + dir.string() +
                                              " only (--extension-dir), and " + path +
                                              " is not in there");
  };
  const fs::path wanted = (dir / path).lexically_normal();
  const auto is_within = [&](const fs::path& file) {
    return std::mismatch(dir.begin(), dir.end(), file.begin(), file.end()).first == dir.end();
  };
  // Before it is looked for, so that nobody learns what there is elsewhere.
  if (!is_within(wanted)) refuse();
  const fs::path real = real_path(wanted);
  if (!is_within(real)) refuse();
  return real;
}

}  // namespace

LoadedExtension load_file(const std::string& file, Log& log) {
  log.info("loading extension " + file);
  call_history().enters(file);
  const auto extension = load_extension(file);
  return {{extension->name(), extension->doc(), extension->path(), extension->content_hash()},
          std::shared_ptr<const Registry>(extension, &extension->registry())};
}

std::function<LoadedExtension(const std::string& path, const std::string& folder)> client_loader(
    const Options& options, Log& log) {
  if (!options.extension_dir.empty()) {
    std::error_code failure;
    const fs::path dir = fs::canonical(options.extension_dir, failure);
    if (failure || !fs::is_directory(dir)) {
      throw std::runtime_error("--extension-dir " + options.extension_dir + ": " +
                               (failure ? failure.message() : "it is not a directory"));
    }
    return [dir, &log](const std::string& path, const std::string&) {
      return load_file(inside(dir, path).string(), log);
    };
  }
  // Over TCP others than the launcher's user may have sessions, and an extension is code.
  const auto& listen = options.listen;
  const bool has_tcp = std::any_of(listen.begin(), listen.end(),
                                   [](const Address& address) { return address.is_tcp(); });
  if (!options.inherited_fd || has_tcp) return {};
  return [&log](const std::string& path, const std::string& folder) {
    return load_file((fs::path(folder) / path).string(), log);
  };
}

}  // namespace cppipc::server
