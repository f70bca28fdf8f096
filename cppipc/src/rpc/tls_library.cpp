// SPDX-License-Identifier: Apache-2.0
// Loading OpenSSL takes longer than half of a server's start, so nothing that every program links
// refers to it.
#include "rpc/tls_library.h"

#include <dlfcn.h>
#include <link.h>

#include <filesystem>
#include <mutex>
#include <system_error>
#include <utility>

namespace cppipc {
namespace {

constexpr char kFile[] = "libcppipc_tls.so";
// From the folder of a library or program of ours: side by side when installed; a program in bin/;
// a program in the build directory; a program beside lib/.
constexpr const char* kFolders[] = {"", "..", "../cppipc", "../lib"};

[[noreturn]] void not_supported(const std::string& why) {
  throw Error(ErrorKind::kNotSupported, "TLS cannot be used: " + why);
}

// Where what this code is linked into lies.
std::filesystem::path own_folder() {
  static const char here = 0;
  Dl_info info{};
  void* found = nullptr;
  if (::dladdr1(&here, &info, &found, RTLD_DL_LINKMAP) != 0 && found != nullptr) {
    const std::string file = static_cast<const link_map*>(found)->l_name;
    if (!file.empty()) return std::filesystem::path(file).parent_path();
  }
  return std::filesystem::read_symlink("/proc/self/exe").parent_path();  // the program itself
}

std::filesystem::path find() {
  const std::filesystem::path folder = own_folder();
  for (const char* way : kFolders) {
    const std::filesystem::path file = folder / way / kFile;
    std::error_code none;
    if (std::filesystem::exists(file, none)) return file;
  }
  std::string text = kFile;
  text.append(" is not in ").append(folder.string());
  not_supported(text + ", beside what uses it; is the installation whole?");
}

const TlsLibrary* load() {
  const std::filesystem::path file = find();
  void* const library = ::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (library == nullptr) {
    not_supported(std::string(::dlerror()) + "; is OpenSSL 3 (libssl3) installed?");
  }
  const auto entry = reinterpret_cast<TlsEntry>(::dlsym(library, kTlsEntry));
  if (entry == nullptr) not_supported(file.string() + " is of another version than what uses it");
  const TlsLibrary* const loaded = entry();
  if (loaded == nullptr)
    not_supported("OpenSSL cannot be initialised; is its configuration whole?");
  return loaded;
}

}  // namespace

const TlsLibrary& tls_library() {
  static std::mutex mutex;
  static const TlsLibrary* loaded = nullptr;
  const std::lock_guard lock(mutex);
  if (loaded == nullptr) loaded = load();
  return *loaded;
}

std::shared_ptr<TlsServer> TlsServer::load(TlsServerOptions options) {
  return tls_library().acceptor(std::move(options));
}

}  // namespace cppipc
